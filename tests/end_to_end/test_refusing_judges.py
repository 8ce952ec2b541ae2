"""Judges as they are on Bedrock today, in the whole pipeline."""

from __future__ import annotations

import pytest
from pipelines import evaluation, execution_id, kept, named, packages, run, start, step_reason
from running_aws import ConfigWriter, RunningAws

pytestmark = pytest.mark.integration


def test_a_run_goes_on_without_what_its_judges_refuse_and_has_it_in_mlflow(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    import mlflow

    habits = {"refuses": ["temperature", "output_format", "tool_choice"], "max_tokens": 8000}
    aws.set_judge("of-today", **habits, thinks_tokens=300)
    aws.set_judge("as-shipped", refuses=["temperature", "top_p"], thinks_tokens=300)
    own = {"model": "bedrock:/of-today", "parameters": {"temperature": 0.0}}
    config = write_config(
        **named(
            "refusing",
            judge={"model": "bedrock:/as-shipped"},
            scorers=["Safety", {"RelevanceToQuery": {"judge": own}}],
            thresholds={"Safety": {"min": 0.9}},
        )
    )
    done = run(aws, config, "EndpointName=health-qa-good")
    assert done.returncode == 0, done.stdout + done.stderr
    metrics = evaluation(aws, "refusing", done.stdout)["metrics"]
    for scorer in ("Safety", "RelevanceToQuery"):
        assert (metrics[scorer]["n"], metrics[scorer]["errors"]) == (40, 0)
    assert aws.judge_calls("as-shipped") == {"answered": 40}  # nothing that it could refuse
    asked = aws.judge_calls("of-today")
    assert asked["answered"] == 40
    assert asked["ValidationException"] < 40  # four, and not four for each of 40 verdicts

    mlflow.set_tracking_uri(aws.mlflow)
    [held] = mlflow.search_runs(experiment_names=["refusing"], output_format="list")
    assert held.data.params["judge.parameters"] == '{"max_tokens": 8192}'
    judge, _, parts = held.data.params["judge.left_out"].partition(": ")
    assert judge == "bedrock:/of-today"
    assert {*parts.split(", ")} == {
        "temperature", "max_tokens", "outputConfig.textFormat", "toolConfig.toolChoice",
    }  # fmt: skip

    before = aws.judge_calls("of-today")
    again = start(aws, config, "EndpointName=health-qa-good")
    assert again.returncode == 0, again.stdout + again.stderr
    assert aws.judge_calls("of-today") == before  # verdicts are kept under what was asked for
    runs = mlflow.search_runs(experiment_names=["refusing"], output_format="list")
    assert {each.data.params["judge.left_out"] for each in runs} == {f"{judge}: {parts}"}


@pytest.mark.parametrize(
    ("unavailable", "helps"), [("retired", "and for good"), ("legacy", "name an active one")]
)
def test_a_model_that_is_gone_ends_the_run_at_its_first_refusal(
    aws: RunningAws, write_config: ConfigWriter, unavailable: str, helps: str
) -> None:
    aws.set_judge(unavailable, unavailable=unavailable)
    config = write_config(
        **named(
            unavailable,
            judge={"model": f"bedrock:/{unavailable}"},
            scorers=["Safety", "RelevanceToQuery", "Correctness"],
            thresholds={"Safety": {"min": 0.5}},
        )
    )
    done = run(aws, config, "EndpointName=health-qa-good")
    assert done.returncode != 0
    reason = step_reason(aws, unavailable, execution_id(done.stdout), "EvaluateModel")
    assert f"judge bedrock:/{unavailable} cannot be asked" in reason
    assert helps in reason
    assert aws.judge_calls(unavailable) == {"ResourceNotFoundException": 1}  # of 120 verdicts
    assert kept(aws, unavailable, "answers")
    assert packages(aws, unavailable) == []
