"""Keys of other providers: the job has them, and nothing that it leaves behind does."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pipelines import (
    evaluation,
    everything,
    execution_id,
    log_lines,
    named,
    packages,
    run,
    start,
    step_reason,
)
from provider_stub import providers_served
from running_aws import REPOSITORY, ConfigWriter, RunningAws, local_aws_running

pytestmark = pytest.mark.integration

KEY, WRONG = "planted.0123456789+abcdef/", "rotated.fedcba+9876543210/"  # of no provider's shape
ABSENT = "arn:aws:ssm:us-east-1:123456789012:parameter/judges/absent"
FEW: dict[str, Any] = {
    "dataset": {"sample_size": 6},
    "scorers": ["rougeL_fmeasure", "Safety"],
    "thresholds": {"rougeL_fmeasure": {"min": 0.0}, "Safety": {"min": 0.0}},
    "budgets": {"min_rows": 3},
}


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def aws(state: Path) -> Iterator[RunningAws]:
    """One of its own, all of which is searched."""
    with local_aws_running(state) as running:
        yield running


def put_secret(aws: RunningAws, name: str, value: str) -> str:
    return str(aws.client("secretsmanager").create_secret(Name=name, SecretString=value)["ARN"])


def put_parameter(aws: RunningAws, name: str, value: str) -> str:
    ssm = aws.client("ssm")
    ssm.put_parameter(Name=name, Value=value, Type="SecureString")
    return str(ssm.get_parameter(Name=name)["Parameter"]["ARN"])


@contextmanager
def processes_watched(text: str) -> Iterator[list[str]]:
    """What `ps` shows of any process, with its environment, while the block runs."""
    found: list[str] = []
    ended = threading.Event()

    def look() -> None:
        seen = 0
        while not ended.wait(0.05):
            for process in Path("/proc").glob("[0-9]*"):
                try:
                    command = (process / "cmdline").read_bytes()
                    shown = command + (process / "environ").read_bytes()
                except OSError:  # it has ended, or is not ours
                    continue
                seen += b"processing.evaluate" in command
                if text.encode() in shown:
                    found.append(command.replace(b"\0", b" ").decode())
        if not seen:
            found.append("the job was never seen")

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield found
    finally:
        ended.set()
        watcher.join()


def try_in(
    folder: Path, aws: RunningAws, *typed: str, script: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    """A command, or a script, in a user's own folder, where `try` leaves `.runs`."""
    user = aws.as_user()
    user["env"] = {**user["env"], "PYTHONPATH": str(REPOSITORY), **environment}
    program = ["-c", script] if script else [str(REPOSITORY / "pipeline_definition.py"), *typed]
    return subprocess.run(
        [sys.executable, *program], **{**user, "cwd": folder}, timeout=240, check=False
    )


def holding(folder: Path, text: str) -> list[Path]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert any(".runs" in path.parts for path in files)
    return [path for path in files if text.encode() in path.read_bytes()]


def leaking(aws: RunningAws, state: Path, text: str) -> list[str]:
    found = everything(aws, state)
    assert [name for name in found if name.endswith(".db")], "MLflow's database was searched"
    return [name for name, content in found.items() if text.encode() in content]


def test_a_judge_that_checks_the_key_gets_it_and_nothing_else_does(
    aws: RunningAws, state: Path, write_config: ConfigWriter
) -> None:
    """Then the key is rotated to one that the server does not take, and echoes in its refusal."""
    arn = put_secret(aws, "judges/gateway", f'{{"key": "{KEY}"}}')
    aws.set_judge("gateway-model", api_key=KEY)
    judge_url = aws.environment["AWS_ENDPOINT_URL_BEDROCK_RUNTIME"]
    changes = {
        **FEW,
        "judge": {"model": "openai:/gateway-model", "base_url": f"{judge_url}/v1"},
        "secrets": {"OPENAI_API_KEY": f"{arn}:key::"},
    }
    config = write_config(**named("with-key", **changes))
    aws.environment["LLM_EVALUATION_DEBUG"] = "1"  # every error with its traceback
    with processes_watched(KEY) as shown:
        done = run(aws, config)
    assert done.returncode == 0, done.stdout + done.stderr
    assert aws.judge_calls("gateway-model") == {"answered": 6}
    document = evaluation(aws, "with-key", done.stdout)
    assert document["metrics"]["Safety"]["errors"] == 0
    [definition] = [
        aws.client("sagemaker").describe_pipeline(PipelineName="with-key")["PipelineDefinition"]
    ]
    assert arn not in definition  # it is in the file alone
    assert shown == []
    assert KEY not in definition + done.stdout + done.stderr + str(packages(aws, "with-key"))
    assert leaking(aws, state, KEY) == []

    aws.client("secretsmanager").put_secret_value(
        SecretId=arn, SecretString=f'{{"key": "{WRONG}"}}'
    )
    with processes_watched(WRONG) as shown:
        done = start(aws, config, "ReuseAnswers=no")
    del aws.environment["LLM_EVALUATION_DEBUG"]
    told = done.stdout + done.stderr
    assert done.returncode == 3, told
    reason = step_reason(aws, "with-key", execution_id(done.stdout), "EvaluateModel")
    assert "Incorrect API key provided: ***" in reason
    assert "secrets: brings it" in reason
    assert any("Traceback" in line for line in log_lines(aws.client("logs")))
    assert shown == []
    assert WRONG not in told + reason
    assert leaking(aws, state, WRONG) == []


def test_anthropic_azure_and_gemini_judge_in_one_run(
    aws: RunningAws, state: Path, write_config: ConfigWriter, tmp_path: Path
) -> None:
    keys = {name: f"{name}.{KEY}" for name in ("anthropic", "azure", "gemini")}
    with providers_served(keys) as stub:
        judges = {
            "Safety": "anthropic:/claude-sonnet-5",
            "RelevanceToQuery": "azure:/our-deployment",
            "Equivalence": "gemini:/gemini-3-flash",
        }
        scorers = [
            {name: {"judge": {"model": model, "base_url": stub.url}}}
            for name, model in judges.items()
        ]
        changes = {
            **FEW,
            "scorers": ["rougeL_fmeasure", *scorers],
            "thresholds": {name: {"min": 0.0} for name in judges},
            "secrets": {
                "ANTHROPIC_API_KEY": put_secret(aws, "anthropic", keys["anthropic"]),
                "AZURE_API_KEY": put_parameter(aws, "/judges/azure", keys["azure"]),
                "GEMINI_API_KEY": put_parameter(aws, "gemini", keys["gemini"]),
            },
        }
        changes["infrastructure"] = {
            "prefix": "providers",
            "environment": {"AZURE_API_VERSION": "2026-01-01"},
        }
        config = write_config(**named("providers", **changes))
        checked = aws.type("check", "--online", "--config", str(config))
        asked_by_check, stub.asked = stub.asked, []
        tried = try_in(tmp_path, aws, "try", "--config", str(config), "--rows", "2")
        asked_by_try, stub.asked = stub.asked, []
        done = run(aws, config)
    assert done.returncode == 0, done.stdout + done.stderr
    assert tried.returncode == 0, tried.stdout + tried.stderr
    assert sorted(asked_by_check) == sorted(keys)
    assert sorted(asked_by_try) == sorted(2 * list(keys))
    assert stub.azure_versions == {"2026-01-01"}  # by all three, as the file says
    for model in judges.values():
        assert f"good   judge {model.partition(':/')[2]}: answers" in checked.stdout
    assert sorted(stub.asked) == sorted(4 * list(keys))  # two of six rows are paid for
    metrics = evaluation(aws, "providers", done.stdout)["metrics"]
    assert {name: metrics[name]["errors"] for name in judges} == dict.fromkeys(judges, 0)
    for variable in ("ANTHROPIC_API_KEY", "AZURE_API_KEY", "GEMINI_API_KEY"):
        assert f"good   secret {variable}: there" in checked.stdout
    assert "asks for a key" not in checked.stdout
    assert leaking(aws, state, KEY) == []
    assert KEY not in tried.stdout + tried.stderr
    assert holding(tmp_path, KEY) == []


TWO_FILES = """
import os
from pipeline_definition import evaluate
for config in {configs!r}:
    result = evaluate(config, rows=2)
    assert result.metrics.loc["Safety", "errors"] == 0, result.metrics
    print(result.document["gate"])
"""


def test_try_reads_each_file_s_own_key_leaves_none_and_says_how_to_bring_another(
    aws: RunningAws, state: Path, write_config: ConfigWriter, tmp_path: Path
) -> None:
    """Two files in one process name the same variable and other secrets, as in a notebook."""
    judge_url = aws.environment["AWS_ENDPOINT_URL_BEDROCK_RUNTIME"]
    keys = {"one": f"one.{KEY}", "two": f"two.{KEY}"}
    configs = []
    for name, key in keys.items():
        aws.set_judge(f"gateway-{name}", api_key=key)
        changes = {
            **FEW,
            "judge": {"model": f"openai:/gateway-{name}", "base_url": f"{judge_url}/v1"},
            "secrets": {"OPENAI_API_KEY": put_secret(aws, f"tried/{name}", key)},
            "mlflow": {"tracking_uri": aws.mlflow, "experiment": f"tried-{name}"},
        }
        configs.append(str(write_config(**named(f"tried-{name}", **changes))))
    done = try_in(tmp_path, aws, script=TWO_FILES.format(configs=configs))
    assert done.returncode == 0, done.stdout + done.stderr
    assert KEY not in done.stdout + done.stderr
    assert holding(tmp_path, KEY) == []
    assert leaking(aws, state, KEY) == []

    absent = Path(configs[0])
    absent.write_text(absent.read_text().replace("tried/one", "tried/absent"))
    done = try_in(tmp_path, aws, "try", "--config", str(absent), "--rows", "3")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "set the variable in your environment" in done.stderr
    given = {"OPENAI_API_KEY": keys["one"]}
    done = try_in(tmp_path, aws, "try", "--config", str(absent), "--rows", "3", **given)
    assert done.returncode == 0, done.stdout + done.stderr
    assert aws.judge_calls("gateway-one") == {"answered": 3}
    assert holding(tmp_path, KEY) == []


def test_a_missing_secret_is_one_line_before_anything_is_paid(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    changes = {**FEW, "judge": {"model": "openai:/gpt-4.1"}, "secrets": {"OPENAI_API_KEY": ABSENT}}
    config = write_config(**named("no-key", **changes))
    checked = aws.type("check", "--online", "--config", str(config))
    assert f"WRONG  secret OPENAI_API_KEY: there is no parameter {ABSENT}" in checked.stdout
    calls = aws.calls("SAGEMAKER_RUNTIME")
    done = run(aws, config)
    assert done.returncode == 3
    reason = step_reason(aws, "no-key", execution_id(done.stdout), "PrepareDataset")
    assert f"secrets.OPENAI_API_KEY: {ABSENT}: cannot be read" in reason
    assert "put the secret there, or correct its ARN" in reason
    assert aws.calls("SAGEMAKER_RUNTIME") == calls


def test_a_provider_without_a_key_is_one_line_before_anything_is_paid(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    config = write_config(**named("keyless", **FEW, judge={"model": "openai:/gpt-4.1"}))
    checked = aws.type("check", "--config", str(config))
    assert checked.returncode == 0
    line = "judge openai:/gpt-4.1: openai asks for a key, and the job's environment has no"
    assert f"note: {line} OPENAI_API_KEY" in checked.stdout
    calls = aws.calls("SAGEMAKER_RUNTIME")
    done = run(aws, config)
    assert done.returncode == 3
    assert line in step_reason(aws, "keyless", execution_id(done.stdout), "EvaluateModel")
    assert aws.calls("SAGEMAKER_RUNTIME") == calls
