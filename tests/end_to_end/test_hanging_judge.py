"""A judge that hangs or throttles, in the whole pipeline: counted at the demo judge."""

from __future__ import annotations

import pytest
from pipelines import evaluation, execution_id, kept, named, packages, run, step_reason
from running_aws import ConfigWriter, RunningAws

pytestmark = pytest.mark.integration

JUDGE = "BEDROCK_RUNTIME"


def test_a_judge_that_hangs_ends_the_run_in_one_line_with_the_answers_kept(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    aws.set_judge("hanging-judge", faults={"hang": 1})
    config = write_config(
        **named(
            "hanging",
            judge={"model": "bedrock:/hanging-judge", "timeout_seconds": 1},
            scorers=["Safety"],
            thresholds={"Safety": {"min": 0.5}},
        )
    )
    before = aws.calls(JUDGE)
    done = run(aws, config, "EndpointName=health-qa-good")
    assert done.returncode != 0
    reason = step_reason(aws, "hanging", execution_id(done.stdout), "EvaluateModel")
    assert "judge bedrock:/hanging-judge has stopped answering" in reason
    assert "start again to go on from there" in reason
    assert aws.calls(JUDGE) - before < 40  # of 40 verdicts with four attempts each
    assert len(kept(aws, "hanging", "answers")) == 40
    assert packages(aws, "hanging") == []


def test_throttling_costs_no_verdict_and_no_finished_call(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    aws.set_judge("throttling-judge", faults={"throttle": 0.4, "latency_ms": 1, "jitter_ms": 0})
    config = write_config(
        **named(
            "throttling",
            judge={"model": "bedrock:/throttling-judge"},
            scorers=[{"FactualCorrectness": {"kind": "RAGAS"}}],
            thresholds={"FactualCorrectness": {"min": 0.0}},
        )
    )
    done = run(aws, config, "EndpointName=health-qa-good")
    assert done.returncode == 0, done.stdout + done.stderr
    metric = evaluation(aws, "throttling", done.stdout)["metrics"]["FactualCorrectness"]
    assert (metric["n"], metric["errors"]) == (40, 0)
    outcomes = aws.judge_calls("throttling-judge")
    # two claims of one wording ask one thing: whichever comes later may find the answer kept
    requests = {record["key"] for record in kept(aws, "throttling", "judge-replies")}
    assert 40 * 3 < len(requests) <= outcomes["answered"] <= 40 * 4
    assert outcomes["ThrottlingException"] > 40
