"""What is seen of an execution while it runs and at its end: on terminals, and in plain lines."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from pipelines import (
    WITHOUT_JUDGE,
    execution_id,
    kept,
    named,
    packages,
    start_arguments,
    step_reason,
)
from running_aws import REPOSITORY, ConfigWriter, RunningAws
from terminal_screen import Finished, on_terminal

pytestmark = pytest.mark.integration

LOG_GROUP = "/aws/sagemaker/ProcessingJobs"
JUDGED: dict[str, Any] = {
    "scorers": ["rougeL_fmeasure", "Safety"],
    "thresholds": {"Safety": {"min": 0.1}},
}


def slow(name: str, **changes: Any) -> dict[str, Any]:
    """Forty rows, one after the other: about eight seconds at 0.2 s each."""
    return named(name, endpoint={"concurrency": 1}, **changes)


def add_slow_endpoint(aws: RunningAws, name: str) -> None:
    aws.add_endpoint(name, faults={"latency_ms": 200, "jitter_ms": 0})


def upsert(aws: RunningAws, config: Path) -> None:
    upserted = aws.type("upsert", "--config", str(config))
    assert upserted.returncode == 0, upserted.stderr


def on_screen(aws: RunningAws, *arguments: str, **options: Any) -> Finished:
    environment = {**os.environ, **aws.environment, "TERM": "xterm-256color"}
    return on_terminal(aws.command(*arguments), environment, REPOSITORY, **options)


def job_log(aws: RunningAws, execution: str, step: str) -> list[str]:
    logs = aws.client("logs")
    streams = logs.describe_log_streams(
        logGroupName=LOG_GROUP, logStreamNamePrefix=f"pipelines-{execution}-{step}-"
    )["logStreams"]
    [stream] = [stream["logStreamName"] for stream in streams]
    events = logs.get_log_events(logGroupName=LOG_GROUP, logStreamName=stream, startFromHead=True)
    return [event["message"] for event in events["events"]]


def test_the_job_s_log_and_start_wait_say_how_far_it_is(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    add_slow_endpoint(aws, "watched")
    prices = {"endpoint": {"input_per_million": 1, "output_per_million": 2}}
    config = write_config(**slow("watched", prices=prices, **JUDGED))
    upsert(aws, config)
    done = aws.type(*start_arguments(aws, config, "EndpointName=watched"))
    assert done.returncode == 0, done.stdout + done.stderr

    told = job_log(aws, execution_id(done.stdout), "EvaluateModel")
    lines = [line for line in told if line.startswith("progress ")]
    counts = [re.search(r" answers (\d+)/40 .* verdicts (\d+)/40 ", line) for line in lines]
    answers = [int(found[1]) for found in counts if found]
    assert len(answers) == len(lines) >= 2
    assert answers == sorted(answers)
    assert answers[0] < 40 == answers[-1]
    assert re.match(
        r"progress  100 %  answers 40/40  verdicts 40/40  took \d+s  errors 0  "
        r"tokens \S+ in \S+ out  cost 0\.\d+ without global\.anthropic\.\S+$",
        lines[-1],
    )
    [spent] = [line for line in told if line.startswith("spent: ")]
    assert "endpoint 40 calls (0 reused)" in spent

    shown = [line.strip() for line in done.stdout.splitlines() if "progress " in line]
    assert shown[-1] == lines[-1]
    assert set(shown) < set(lines) | {lines[-1]}
    assert "\x1b" not in done.stdout


def test_an_endpoint_that_dies_fails_the_job_which_says_how_far_it_came_and_keeps_the_answers(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    aws.add_endpoint("breaking", faults={"die_after": 15, "fail_with": "ModelError"})
    endpoint = {"retry_seconds": 0, "concurrency": 4}
    config = write_config(**named("breaking", endpoint=endpoint, **WITHOUT_JUDGE))
    upsert(aws, config)
    done = aws.type(*start_arguments(aws, config, "EndpointName=breaking"))
    assert done.returncode == 3
    execution = execution_id(done.stdout)
    reason = step_reason(aws, "breaking", execution, "EvaluateModel")
    assert "endpoint breaking has stopped answering" in reason
    assert "15 of 40 rows were answered" in reason
    assert len(kept(aws, "breaking", "answers")) == 15
    assert packages(aws, "breaking") == []
    told = job_log(aws, execution, "EvaluateModel")
    [last] = [line for line in told if line.startswith("progress ") and "stopped after" in line]
    assert re.search(r"answers \d\d/40  stopped after \d+s  errors 1\d", last)
    assert told.index(last) > 0


@dataclass(frozen=True)
class Ended:
    config: Path
    stdout: str

    @property
    def follow(self) -> tuple[str, ...]:
        """The command that shows it as `start --wait` has shown its end."""
        return ("status", execution_id(self.stdout), "--follow", "--config", str(self.config))


@pytest.fixture(scope="module")
def ended(aws: RunningAws, write_module_config: ConfigWriter) -> Ended:
    """An execution on two instances."""
    infrastructure = {"prefix": "shares", "evaluate": {"instance_count": 2}}
    config = write_module_config(**named("shares", **JUDGED) | {"infrastructure": infrastructure})
    upsert(aws, config)
    done = aws.type(*start_arguments(aws, config, "EndpointName=health-qa-good"))
    assert done.returncode == 0, done.stdout + done.stderr
    return Ended(config, done.stdout)


def test_of_several_instances_each_tells_its_own_share(ended: Ended) -> None:
    for host in ("algo-1", "algo-2"):
        line = rf"  progress {host}  100 %  answers 20/20  verdicts 20/20  took \d+s  errors 0"
        assert len(re.findall(line, ended.stdout)) == 1, ended.stdout


def test_on_a_terminal_all_steps_are_there_from_the_start_and_change_in_place(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    add_slow_endpoint(aws, "live")
    config = write_config(**slow("live", **JUDGED))
    upsert(aws, config)
    done = on_screen(aws, *start_arguments(aws, config, "EndpointName=live"))
    assert done.exit_code == 0, done.screen.text

    running = [screen for screen in done.screens if "EvaluateModel    Executing" in screen]
    assert any(re.search(r"RegisterModel  waiting   if true", screen) for screen in running)
    assert any(re.search(r"━+  \d\d? %\n +answers \d+/40", screen) for screen in running)
    times = [re.search(r"EvaluateModel    Executing +(\d+)\.", screen) for screen in running]
    assert len({found[1] for found in times if found}) >= 5

    text = done.screen.text
    for step in ("PrepareDataset", "EvaluateModel", "QualityGate", "  RegisterModel"):
        assert len(re.findall(rf" ✓ {step} +Succeeded +\d+\.\d s", text)) == 1, text
    assert re.search(r" ○   GateFailed +not run", text)
    assert re.search(r"live  \w{12}  ✓ Succeeded  \d+\.\d s", text)
    assert "quality gate: PASSED" in text
    assert "Executing" not in text


def test_ctrl_c_leaves_the_execution_running_and_says_how_to_come_back(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    add_slow_endpoint(aws, "left-alone")
    config = write_config(**slow("left-alone", **WITHOUT_JUDGE))
    upsert(aws, config)
    left = on_screen(
        aws,
        *start_arguments(aws, config, "EndpointName=left-alone"),
        interrupt_when=lambda screen: "answers" in screen,
        columns=200,
    )
    assert left.exit_code == 130
    assert "Traceback" not in left.screen.text
    execution = execution_id(left.screen.text)
    assert f"execution {execution} goes on" in left.screen.text
    [again] = re.findall(r"python pipeline_definition.py (status .*)", left.screen.text)
    assert again.split() == ["status", execution, "--follow", "--config", str(config)]

    followed = aws.type(*again.split(), "--poll-seconds", "0.3")
    assert followed.returncode == 0, followed.stdout + followed.stderr
    assert f"execution {execution} of left-alone: Succeeded" in followed.stdout
    assert "quality gate: PASSED" in followed.stdout


@pytest.mark.parametrize("columns", [40, 60])
def test_a_narrow_terminal_is_readable(aws: RunningAws, ended: Ended, columns: int) -> None:
    done = on_screen(aws, *ended.follow, columns=columns)
    assert done.exit_code == 0, done.screen.text
    text = done.screen.text
    assert re.search(r"^ ✓ EvaluateModel +Succeeded +\d+\.\d s$", text, re.MULTILINE), text
    assert re.search(r"^ Safety +1 +min 0\.1 +holds$", text, re.MULTILINE), text
    assert "intervals, n and errors" in text


def test_a_terminal_without_unicode_and_colour_gets_ascii(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    add_slow_endpoint(aws, "ascii")
    config = write_config(**slow("ascii", **WITHOUT_JUDGE))
    upsert(aws, config)
    environment = {**os.environ, **aws.environment, "TERM": "xterm"}
    environment |= {"PYTHONIOENCODING": "ascii", "NO_COLOR": "1"}
    command = aws.command(*start_arguments(aws, config, "EndpointName=ascii"))
    done = on_terminal(command, environment, REPOSITORY)
    assert done.exit_code == 0, done.screen.text
    assert done.raw.isascii()
    assert re.search(r" \+ EvaluateModel +Succeeded", done.screen.text)
    assert any(re.search(r"    #+-+  \d\d? %", screen) for screen in done.screens)


def test_a_dumb_terminal_gets_lines(aws: RunningAws, write_config: ConfigWriter) -> None:
    config = write_config(**named("dumb", **WITHOUT_JUDGE))
    upsert(aws, config)
    environment = {**os.environ, **aws.environment, "TERM": "dumb"}
    command = aws.command(*start_arguments(aws, config, "EndpointName=health-qa-good"))
    done = on_terminal(command, environment, REPOSITORY)
    assert done.exit_code == 0, done.screen.text
    assert "\x1b" not in done.raw
    assert re.search(r"  EvaluateModel +Executing +\d", done.screen.text)
    assert re.search(r"  EvaluateModel +Succeeded +\d", done.screen.text)


def test_status_shows_what_has_not_begun_and_what_will_never(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    add_slow_endpoint(aws, "looked-at")
    config = write_config(**slow("looked-at", **WITHOUT_JUDGE))
    upsert(aws, config)
    arguments = start_arguments(aws, config, "EndpointName=looked-at")
    started = aws.type(*(part for part in arguments if part != "--wait"))
    assert started.returncode == 0, started.stderr
    shown = aws.type("status", "--config", str(config))
    assert shown.returncode == 0, shown.stderr
    assert re.search(r"  RegisterModel +waiting +if true\n", shown.stdout)
    assert re.search(rf"execution {execution_id(started.stdout)} .*: Executing", shown.stdout)
    ended = aws.type("status", "--follow", "--poll-seconds", "0.3", "--config", str(config))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    shown = aws.type("status", "--config", str(config))
    assert re.search(r"  GateFailed +not run\n", shown.stdout)
    assert shown.stdout.count("PrepareDataset   Succeeded") == 1


def test_a_caller_who_may_not_read_the_logs_follows_without_progress(
    aws: RunningAws, ended: Ended, tmp_path: Path
) -> None:
    """The local AWS allows everything: the refusal is put where botocore sends a request."""
    told = aws.type(*ended.follow)
    assert told.stdout.count("progress algo-") == 2, "what one who may read them is shown"
    (tmp_path / "sitecustomize.py").write_text(
        "from botocore.client import BaseClient\n"
        "from botocore.exceptions import ClientError\n"
        "original = BaseClient._make_api_call\n"
        "def call(self, name, given):\n"
        "    if self.meta.service_model.service_name == 'logs':\n"
        "        refusal = {'Error': {'Code': 'AccessDeniedException', 'Message': 'no'}}\n"
        "        raise ClientError(refusal, name)\n"
        "    return original(self, name, given)\n"
        "BaseClient._make_api_call = call\n"
    )
    user = aws.as_user()
    user["env"] = {**user["env"], "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(aws.command(*ended.follow), **user, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("note: /aws/sagemaker/ProcessingJobs cannot be read") == 1
    assert "progress " not in done.stdout.replace("no progress is shown", "")


def test_by_hand_on_a_terminal_there_is_a_bar_that_goes(
    aws: RunningAws, write_config: ConfigWriter, tmp_path: Path
) -> None:
    """As in a container that is started with -t."""
    add_slow_endpoint(aws, "by-hand")
    config = write_config(
        **slow("by-hand", mlflow={"tracking_uri": aws.mlflow, "experiment": "by-hand"}, **JUDGED)
    )
    environment = {**os.environ, **aws.environment, "TERM": "xterm-256color"}
    prepared, evaluated = tmp_path / "prepared", tmp_path / "evaluated"
    module = [sys.executable, "-m"]
    options = ["--config", str(config), "--output"]
    prepare = on_terminal(
        [*module, "processing.prepare_dataset", *options, str(prepared)], environment, REPOSITORY
    )
    assert prepare.exit_code == 0, prepare.screen.text
    evaluate = on_terminal(
        [*module, "processing.evaluate", *options, str(evaluated),
         "--endpoint-name", "by-hand", "--dataset", str(prepared),
         "--store", str(tmp_path / "store")],
        environment, REPOSITORY,
    )  # fmt: skip
    assert evaluate.exit_code == 0, evaluate.screen.text
    bars = {
        found[1]
        for screen in evaluate.screens
        if (found := re.search(r"^answers +━*[╸╺]?━* +(\d+)/40", screen, re.MULTILINE))
    }
    assert len(bars) >= 5
    assert "━" not in evaluate.screen.text
    assert re.search(r"progress  100 %  answers 40/40  verdicts 40/40", evaluate.screen.text)


def test_links_are_aws_s_own_pages_where_it_is_aws() -> None:
    from pipeline.executions.console_links import is_aws, log_page, studio_page

    assert is_aws(boto3.client("sagemaker", region_name="eu-west-1").meta.endpoint_url)
    assert not is_aws("http://127.0.0.1:4566")
    arn = "arn:aws:sagemaker:eu-west-1:123456789012:pipeline/qa/execution/abcdefghijkl"
    assert log_page(arn, LOG_GROUP, "pipelines-abcdefghijkl-") == (
        "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1"
        "#logsV2:log-groups/log-group/$252Faws$252Fsagemaker$252FProcessingJobs"
        "$3FlogStreamNameFilter$3Dpipelines-abcdefghijkl-"
    )
    assert studio_page(arn).startswith("https://eu-west-1.console.aws.amazon.com/sagemaker/")
