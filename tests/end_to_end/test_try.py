"""`try` and `evaluate()`: an evaluation in the user's own process, as the pipeline would do it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from errors.aws_double import Refusal, aws_double
from mlflow import MlflowClient
from pipelines import WITHOUT_JUDGE, evaluation, named, run
from running_aws import REPOSITORY, ConfigWriter, RunningAws

pytestmark = pytest.mark.integration

ENDPOINT, JUDGE = "SAGEMAKER_RUNTIME", "BEDROCK_RUNTIME"
COMMAND = str(REPOSITORY / "pipeline_definition.py")


def in_folder(
    aws: RunningAws, folder: Path, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Python with these arguments, where a user would have their own files."""
    user = aws.as_user()
    user["env"] = {**user["env"], "PYTHONPATH": str(REPOSITORY), **environment}
    user["cwd"] = folder
    return subprocess.run([sys.executable, *arguments], **user, timeout=240, check=False)


def results(folder: Path) -> dict[str, Any]:
    [file] = (folder / ".runs").glob("2*/evaluation.json")
    document: dict[str, Any] = json.loads(file.read_text())
    return document


def test_the_numbers_are_the_pipelines_and_nothing_is_paid_for_twice(
    aws: RunningAws, write_config: ConfigWriter, tmp_path: Path
) -> None:
    config = write_config(
        **named(
            "tried-first",
            mlflow={"tracking_uri": aws.mlflow, "experiment": "tried-first"},
            scorers=["rougeL_fmeasure", {"is_brief": {"max_words": 80}}, "Safety"],
            thresholds={"rougeL_fmeasure": {"min": 0.35}, "Safety": {"min": 0.5}},
        )
    )
    asked, judged = aws.calls(ENDPOINT), aws.calls(JUDGE)
    tried = in_folder(aws, tmp_path, COMMAND, "try", "--config", str(config), "--rows", "40")
    assert tried.returncode == 0, tried.stdout + tried.stderr
    assert (aws.calls(ENDPOINT) - asked, aws.calls(JUDGE) - judged) == (40, 40)
    assert "quality gate: PASSED" in tried.stdout
    assert (tmp_path / ".runs").is_dir()

    asked, judged = aws.calls(ENDPOINT), aws.calls(JUDGE)
    done = run(aws, config)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (aws.calls(ENDPOINT), aws.calls(JUDGE)) == (asked, judged)
    ours, theirs = results(tmp_path), evaluation(aws, "tried-first", done.stdout)
    for part in ("metrics", "gate", "thresholds", "dataset_sha256", "config_sha256", "fingerprint"):
        assert ours[part] == theirs[part], part


def test_without_mlflow_and_without_the_bucket_it_says_so_and_goes_on(
    aws: RunningAws, write_config: ConfigWriter, tmp_path: Path
) -> None:
    changes = named("no-bucket", **WITHOUT_JUDGE)
    changes["infrastructure"] = {"prefix": "p", "bucket": "nobodys-bucket"}
    changes["mlflow"] = {"tracking_uri": "http://127.0.0.1:9", "experiment": "no-bucket"}
    config = write_config(**changes)
    arguments = ("try", "--config", str(config), "--rows", "3")
    done = aws.type(*arguments, folder=tmp_path, AWS_ENDPOINT_URL_MLFLOW="")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "note: MLflow at http://127.0.0.1:9 does not answer" in done.stdout
    assert "note: s3://nobodys-bucket/p/store cannot be read" in done.stdout
    assert "first answer, after " in done.stdout
    assert "UNSURE" in done.stdout
    assert "rests on 3 rows, fewer than min_rows 30" in done.stdout
    assert list((tmp_path / ".runs").glob("2*/report.html"))
    assert {path.name for path in tmp_path.iterdir()} == {".runs", config.name}
    found = MlflowClient(f"sqlite:///{tmp_path}/.runs/mlflow.db").search_experiments()
    assert "no-bucket" in {experiment.name for experiment in found}


def test_what_is_varied_is_asked_and_recorded_and_the_file_stays(
    aws: RunningAws, write_config: ConfigWriter, tmp_path: Path
) -> None:
    tracking = {"tracking_uri": aws.mlflow, "experiment": "varied"}
    config = write_config(**named("varied", mlflow=tracking, **WITHOUT_JUDGE))
    before = config.read_bytes()
    (tmp_path / "prompt.txt").write_text("Answer in one sentence.\n")
    settings = ["endpoint.system_prompt=@prompt.txt", "endpoint.parameters.temperature=0.7"]
    options = [part for setting in settings for part in ("--set", setting)]
    done = aws.type("try", "--config", str(config), "--rows", "2", *options, folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert config.read_bytes() == before
    document = results(tmp_path)
    assert document["varied"] == {
        "endpoint.system_prompt": "Answer in one sentence.\n",
        "endpoint.parameters.temperature": "0.7",
    }
    [kept] = (tmp_path / ".runs" / "store" / "answers").rglob("*.jsonl")
    request = json.loads(kept.read_text().splitlines()[0])["request"]
    assert request["temperature"] == 0.7
    assert request["messages"][0]["content"] == "Answer in one sentence.\n"
    params = MlflowClient(aws.mlflow).get_run(document["mlflow"]["run_id"]).data.params
    assert params["varied.endpoint.parameters.temperature"] == "0.7"
    [report] = (tmp_path / ".runs").glob("2*/report.html")
    assert "endpoint.parameters.temperature" in report.read_text()


SCRIPT = """
from pipeline_definition import evaluate
for name in ("health-qa-good", "health-qa-worse"):
    result = evaluate({config!r}, rows=4, endpoint=name, mlflow=False)
    rows = result.rows
    assert len(rows) == 4 and rows["is_brief"].isin([0, 1]).all(), rows
    assert rows["answer"].str.len().min() > 0
    assert result.metrics.loc["is_brief", "n"] == 4
    assert not result.verdict and "min_rows" in result.verdict.reasons[0]
    assert "is_brief" in result._repr_html_()
    print("mean of", name, rows["is_brief"].mean())
"""


def test_from_python_it_gives_verdict_metrics_and_rows_again_and_again(
    aws: RunningAws, write_config: ConfigWriter, tmp_path: Path
) -> None:
    config = write_config(**named("from-python", **WITHOUT_JUDGE))  # MLflow at 4569, says the file
    done = in_folder(aws, tmp_path, "-c", SCRIPT.format(config=str(config)))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "mean of health-qa-good 1.0" in done.stdout
    assert "mean of health-qa-worse" in done.stdout


FAILING = """
from pathlib import Path
from pipeline_definition import evaluate
config = Path({config!r})
assert evaluate(config, rows=2, mlflow=False, folder="results").verdict.summary
config.write_text(config.read_text().replace("health-qa-good", "nobody-s-endpoint"))
try:
    evaluate(config, rows=2, mlflow=False, folder="results")
except Exception as error:
    print("refused:", error)
"""


def test_one_that_fails_leaves_no_earlier_verdict_in_its_folder(
    aws: RunningAws, write_config: ConfigWriter, tmp_path: Path
) -> None:
    config = write_config(**named("twice", **WITHOUT_JUDGE))
    done = in_folder(aws, tmp_path, "-c", FAILING.format(config=str(config)))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "refused: " in done.stdout
    assert not (tmp_path / "results" / "evaluation.json").exists()


def paid_for(folder: Path) -> int:
    files = (folder / ".runs" / "store" / "answers").rglob("*.jsonl")
    return sum(file.read_text().count("\n") for file in files)


def test_one_that_is_stopped_or_killed_leaves_no_run_open_and_pays_for_no_answer_again(
    aws: RunningAws, write_config: ConfigWriter, tmp_path: Path
) -> None:
    aws.add_endpoint("slow-try", faults={"latency_ms": 1000, "jitter_ms": 0})
    tracking = {"tracking_uri": aws.mlflow, "experiment": "stopped-try"}
    changes = {"endpoint": {"name": "slow-try", "concurrency": 2}, "mlflow": tracking}
    config = write_config(**named("stopped-try", **changes, **WITHOUT_JUDGE))
    user = aws.as_user() | {"cwd": tmp_path}
    command = [sys.executable, COMMAND, "try", "--config", str(config), "--rows", "40"]
    client = MlflowClient(aws.mlflow)

    def statuses() -> list[str]:
        found = client.get_experiment_by_name("stopped-try")
        runs = client.search_runs([found.experiment_id]) if found else []
        return sorted(run.info.status for run in runs)

    ended = ((signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -signal.SIGKILL))
    for number, (sent, code) in enumerate(ended):
        process = subprocess.Popen(command, **user)
        before, deadline = paid_for(tmp_path), time.monotonic() + 90
        while paid_for(tmp_path) < before + 4 or len(statuses()) == number:
            assert time.monotonic() < deadline, process.communicate()
            assert process.poll() is None, process.communicate()
            time.sleep(0.2)
        process.send_signal(sent)
        out, err = process.communicate(timeout=90)
        assert process.returncode == code, out + err
        if sent != signal.SIGKILL:
            assert "interrupted; what was paid for is kept in .runs/store" in out
            assert "Traceback" not in out + err
            assert statuses() == ["KILLED"] * (number + 1)

    assert statuses() == ["KILLED", "KILLED", "RUNNING"]
    time.sleep(3)  # until what the killed one had asked for is answered, to nobody
    paid, asked = paid_for(tmp_path), aws.calls(ENDPOINT)
    done = in_folder(aws, tmp_path, *command[1:])
    assert done.returncode == 0, done.stdout + done.stderr
    assert aws.calls(ENDPOINT) - asked == 40 - paid
    assert "which an evaluation that was killed on this machine had left running" in done.stdout
    assert statuses() == ["FINISHED", "KILLED", "KILLED", "KILLED"]


AT_ONCE = "from pathlib import Path; from pipeline.in_process.record import local_record; " \
          "print(local_record(Path('.runs'), 'at-once'))"  # fmt: skip


def test_two_at_once_make_one_record(aws: RunningAws, tmp_path: Path) -> None:
    user = aws.as_user() | {"cwd": tmp_path}
    user["env"] |= {"PYTHONPATH": str(REPOSITORY)}
    both = [subprocess.Popen([sys.executable, "-c", AT_ONCE], **user) for _ in range(2)]
    for process in both:
        out, err = process.communicate(timeout=240)
        assert process.returncode == 0, err
        assert out == f"sqlite:///{tmp_path}/.runs/mlflow.db\n"


def test_a_record_that_is_no_database_is_told_in_one_line(
    aws: RunningAws, write_config: ConfigWriter, tmp_path: Path
) -> None:
    (tmp_path / ".runs").mkdir()
    (tmp_path / ".runs" / "mlflow.db").write_text("no database " * 1000)
    config = write_config(**named("broken-record", **WITHOUT_JUDGE))
    arguments = ("try", "--config", str(config), "--rows", "2", "--no-mlflow")
    done = aws.type(*arguments, folder=tmp_path)
    assert done.returncode == 2
    [line] = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert f"{tmp_path}/.runs/mlflow.db cannot be used as MLflow's record" in line
    assert "move it away" in line


def test_what_it_may_not_do_is_said_of_the_caller_whose_rights_it_has(
    aws: RunningAws, write_config: ConfigWriter, tmp_path: Path
) -> None:
    scorers = {"scorers": ["Safety"], "thresholds": {"Safety": {"min": 0.5}}}
    config = write_config(**named("denied", **scorers))
    denied = Refusal(
        403, "AccessDeniedException", "User: me is not authorized to perform: bedrock:InvokeModel"
    )
    arguments = ("try", "--config", str(config), "--rows", "3", "--no-mlflow")
    with aws_double({"Converse": denied}) as judge:
        there = {"AWS_ENDPOINT_URL_BEDROCK_RUNTIME": judge.url}
        done = aws.type(*arguments, folder=tmp_path, **there)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "`pipeline_definition.py permissions show caller` prints the policy" in done.stderr
