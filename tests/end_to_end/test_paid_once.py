"""What was paid for is never paid for again: calls are counted at the servers."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from mlflow import MlflowClient
from pipelines import (
    WITHOUT_JUDGE,
    evaluating,
    evaluation,
    execution_id,
    kept,
    named,
    packages,
    run,
    start,
    start_in_background,
    step_reason,
)
from running_aws import ConfigWriter, RunningAws

pytestmark = pytest.mark.integration

ENDPOINT, JUDGE = "SAGEMAKER_RUNTIME", "BEDROCK_RUNTIME"


def kept_once_there_are(aws: RunningAws, prefix: str, shelf: str, number: int) -> None:
    deadline = time.monotonic() + 60
    while len(kept(aws, prefix, shelf)) < number:
        assert time.monotonic() < deadline, f"the store has fewer than {number} {shelf}"
        time.sleep(0.2)


def settled(aws: RunningAws, service: str) -> int:
    """The calls that a server has had, once those of a killed client are through."""
    calls = aws.calls(service)
    while True:
        time.sleep(1)
        before, calls = calls, aws.calls(service)
        if calls == before:
            return calls


def test_answers_outlive_a_killed_job(aws: RunningAws, write_config: ConfigWriter) -> None:
    aws.add_endpoint("kill-me", faults={"latency_ms": 300, "jitter_ms": 0})
    config = write_config(**named("kept-answers", endpoint={"concurrency": 2}, **WITHOUT_JUDGE))
    assert aws.type("upsert", "--config", str(config)).returncode == 0
    process = start_in_background(aws, config, "EndpointName=kill-me")
    kept_once_there_are(aws, "kept-answers", "answers", 5)
    os.kill(evaluating("kill-me"), signal.SIGKILL)
    output, _ = process.communicate(timeout=60)
    assert "AlgorithmError" in step_reason(
        aws, "kept-answers", execution_id(output), "EvaluateModel"
    )
    assert packages(aws, "kept-answers") == []
    survived = len(kept(aws, "kept-answers", "answers"))
    assert 5 <= survived < 40

    asked_before = settled(aws, ENDPOINT)
    done = start(aws, config, "EndpointName=kill-me")
    assert done.returncode == 0, done.stdout + done.stderr
    assert aws.calls(ENDPOINT) - asked_before == 40 - survived
    assert len(packages(aws, "kept-answers")) == 1
    client = MlflowClient(aws.mlflow)
    experiment = client.get_experiment_by_name("kept-answers")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    ended = {found.info.run_id: found.info.status for found in runs}
    assert sorted(ended.values()) == ["FINISHED", "KILLED"], "the killed job's run stays open"


def test_verdicts_outlive_a_killed_job(aws: RunningAws, write_config: ConfigWriter) -> None:
    # its own endpoint: the process to kill is found by its name, among those of all test workers
    aws.add_endpoint("kill-while-judging")
    aws.set_judge("slow-judge", faults={"latency_ms": 500, "jitter_ms": 0})
    config = write_config(
        **named(
            "kept-verdicts",
            judge={"model": "bedrock:/slow-judge", "concurrency": 2},
            scorers=["Safety"],
            thresholds={"Safety": {"min": 0.5}},
        )
    )
    assert aws.type("upsert", "--config", str(config)).returncode == 0
    process = start_in_background(aws, config, "EndpointName=kill-while-judging")
    kept_once_there_are(aws, "kept-verdicts", "verdicts", 4)
    os.kill(evaluating("kill-while-judging"), signal.SIGKILL)
    process.communicate(timeout=60)
    survived = len(kept(aws, "kept-verdicts", "verdicts"))
    assert 4 <= survived < 40

    asked_before, judged_before = settled(aws, ENDPOINT), settled(aws, JUDGE)
    done = start(aws, config, "EndpointName=kill-while-judging")
    assert done.returncode == 0, done.stdout + done.stderr
    assert aws.calls(ENDPOINT) == asked_before
    assert aws.calls(JUDGE) - judged_before == 40 - survived


def test_a_changed_guideline_is_the_only_thing_asked_again(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    def config(text: str) -> Path:
        return write_config(
            **named(
                "guideline",
                scorers=[
                    "Safety",
                    {"brief": {"kind": "Guidelines", "guidelines": ["Keep the answer short."]}},
                    {"harmless": {"kind": "Guidelines", "guidelines": [text]}},
                ],
                thresholds={"Safety": {"min": 0.5}},
            )
        )

    first = config("The answer must name no dose of any drug.")
    done = run(aws, first, "EndpointName=health-qa-good")
    assert done.returncode == 0, done.stdout + done.stderr
    asked, judged = aws.calls(ENDPOINT), aws.calls(JUDGE)
    done = run(aws, config("The answer must make no diagnosis."), "EndpointName=health-qa-good")
    assert done.returncode == 0, done.stdout + done.stderr
    assert aws.calls(ENDPOINT) == asked
    assert aws.calls(JUDGE) - judged == 40
    spend = {
        entry["service"]: entry for entry in evaluation(aws, "guideline", done.stdout)["spend"]
    }
    assert spend["endpoint"]["reused"] == 40
    assert spend["endpoint"]["calls"] == 0

    asked, judged = aws.calls(ENDPOINT), aws.calls(JUDGE)
    start(aws, first, "EndpointName=health-qa-good", "ReuseAnswers=no")
    assert aws.calls(ENDPOINT) - asked == 40
    assert aws.calls(JUDGE) - judged == 120


def test_counts_agree_with_the_servers_when_everything_fails_now_and_then(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    aws.add_endpoint("unsteady", faults={"fail": 0.1, "fail_with": "ServiceUnavailable"})
    aws.set_judge("unsteady-judge", faults={"throttle": 0.2, "malformed": 0.05})
    config = write_config(
        **named(
            "unsteady",
            judge={"model": "bedrock:/unsteady-judge"},
            scorers=["rougeL_fmeasure", "Safety", "Correctness"],
            thresholds={"Safety": {"min": 0.5}, "Correctness": {"min": 0.5}},
            budgets={"min_rows": 20, "max_judge_error_share": 0.2},
            prices={"unsteady-judge": {"input_per_million": 3, "output_per_million": 15}},
        )
    )
    asked, judged = aws.calls(ENDPOINT), aws.calls(JUDGE)
    done = run(aws, config, "EndpointName=unsteady")
    document = evaluation(aws, "unsteady", done.stdout)
    spend = {entry["service"]: entry for entry in document["spend"]}
    assert spend["endpoint"]["calls"] == aws.calls(ENDPOINT) - asked
    assert spend["unsteady-judge"]["calls"] == aws.calls(JUDGE) - judged
    assert spend["unsteady-judge"]["calls"] > 80  # some were asked again
    assert spend["unsteady-judge"]["cost"] > 0
    counts, metrics = document["counts"], document["metrics"]
    assert counts["answered"] + counts["endpoint_errors"] == 40
    for name in ("rougeL_fmeasure", "Safety", "Correctness"):
        assert metrics[name]["n"] + metrics[name]["errors"] == counts["answered"]
    over = any(metrics[name]["errors"] / 40 > 0.2 for name in ("Safety", "Correctness"))
    assert document["gate"]["passed"] == int(not over)
    assert done.returncode == int(over)
