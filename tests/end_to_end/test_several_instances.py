"""The evaluation on several instances: the same metrics, and nothing that was paid for is lost."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from pipelines import (
    evaluating,
    evaluation,
    execution_id,
    kept,
    named,
    run,
    start,
    start_in_background,
    step_reason,
)
from running_aws import ConfigWriter, RunningAws

pytestmark = pytest.mark.integration

ENDPOINT, JUDGE = "SAGEMAKER_RUNTIME", "BEDROCK_RUNTIME"
JUDGED: dict[str, Any] = {
    "scorers": ["rougeL_fmeasure", "Safety", "Correctness"],
    "thresholds": {"rougeL_fmeasure": {"min": 0.3}, "Correctness": {"min": 0.3, "on": "interval"}},
}


def config_of(write_config: ConfigWriter, name: str, instances: int, **endpoint: Any) -> Path:
    infrastructure = {"prefix": name, "evaluate": {"instance_count": instances}}
    return write_config(
        **{**named(name, **JUDGED), "endpoint": endpoint, "infrastructure": infrastructure}
    )


def kept_once_there_are(aws: RunningAws, prefix: str, shelf: str, number: int) -> None:
    deadline = time.monotonic() + 60
    while len(kept(aws, prefix, shelf)) < number:
        assert time.monotonic() < deadline, f"the store has fewer than {number} {shelf}"
        time.sleep(0.2)


@pytest.mark.parametrize(("first", "then"), [(1, 2), (5, 1)])
def test_the_metrics_are_the_same_to_the_last_digit_however_many_instances_there_are(
    aws: RunningAws, write_config: ConfigWriter, first: int, then: int
) -> None:
    name = f"several-{first}-{then}"
    asked, judged = aws.calls(ENDPOINT), aws.calls(JUDGE)
    done = run(aws, config_of(write_config, name, first), "EndpointName=health-qa-good")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (aws.calls(ENDPOINT) - asked, aws.calls(JUDGE) - judged) == (40, 80)
    document = evaluation(aws, name, done.stdout)
    assert document["counts"] == {
        "rows": 40,
        "answered": 40,
        "endpoint_errors": 0,
        "not_asked": 0,
        "clusters": None,
        "cut_answers": 0,
        "cut_answers_known": 40,
        "frequent_error": None,
    }
    assert sum(entry["calls"] for entry in document["spend"]) == 120

    # nothing is paid for again, so that even the times are those of the first run
    again = run(aws, config_of(write_config, name, then), "EndpointName=health-qa-good")
    assert again.returncode == 0, again.stdout + again.stderr
    assert (aws.calls(ENDPOINT) - asked, aws.calls(JUDGE) - judged) == (40, 80)
    assert evaluation(aws, name, again.stdout)["metrics"] == document["metrics"]
    assert document["metrics"]["Correctness"]["n"] == 40


def test_an_instance_that_dies_fails_the_job_and_nothing_paid_for_is_lost(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    name = "one-dies"
    aws.add_endpoint("one-dies", faults={"latency_ms": 300, "jitter_ms": 0})
    config = config_of(write_config, name, 3, concurrency={"max": 1})
    assert aws.type("upsert", "--config", str(config)).returncode == 0
    process = start_in_background(aws, config, "EndpointName=one-dies")
    kept_once_there_are(aws, name, "answers", 6)
    os.kill(evaluating("one-dies"), signal.SIGKILL)
    output, _ = process.communicate(timeout=120)
    reason = step_reason(aws, name, execution_id(output), "EvaluateModel")
    assert "exit code: 137" in reason
    assert 6 <= len(kept(aws, name, "answers")) < 40
    answered, judged = len(kept(aws, name, "answers")), len(kept(aws, name, "verdicts"))
    calls, verdicts = aws.calls(ENDPOINT), aws.calls(JUDGE)
    done = start(aws, config, "EndpointName=one-dies")
    assert done.returncode == 0, done.stdout + done.stderr
    assert aws.calls(ENDPOINT) - calls == 40 - answered
    assert aws.calls(JUDGE) - verdicts == 80 - judged
