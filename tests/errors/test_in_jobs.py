"""What goes wrong in a job is the reason of its step: `start --wait` and `status` show it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from end_to_end.pipelines import WITHOUT_JUDGE, named, packages, run, step_reason
from end_to_end.pipelines import execution_id as id_of
from errors.mlflow_double import old_mlflow
from errors.test_way_to_aws import closed_address
from running_aws import ConfigWriter, RunningAws

pytestmark = pytest.mark.integration


def failed_step(aws: RunningAws, config: Path, step: str, *parameters: str) -> str:
    """The reason why that step failed: short enough for SageMaker, one line, and shown."""
    done = run(aws, config, *parameters)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    reason = step_reason(aws, config.stem, id_of(done.stdout), step)
    assert "\n" not in reason
    assert reason in done.stdout
    shown = aws.type("status", "--config", str(config), id_of(done.stdout))
    assert reason in shown.stdout
    return reason


def test_an_endpoint_that_is_not_there(aws: RunningAws, write_config: ConfigWriter) -> None:
    config = write_config(**named("no-endpoint", **WITHOUT_JUDGE))
    reason = failed_step(aws, config, "EvaluateModel", "EndpointName=nobody-at-home")
    assert "endpoint nobody-at-home cannot be described: " in reason
    assert "is the name right, and in this region and account?" in reason
    assert packages(aws, "no-endpoint") == []


def test_a_model_package_that_is_not_there(aws: RunningAws, write_config: ConfigWriter) -> None:
    config = write_config(**named("no-package", **WITHOUT_JUDGE))
    missing = "arn:aws:sagemaker:us-east-1:123456789012:model-package/nowhere/1"
    reason = failed_step(aws, config, "EvaluateModel", f"ModelPackageArn={missing}")
    assert f"candidate {missing} cannot be described: " in reason


def test_an_mlflow_server_that_does_not_run(aws: RunningAws, write_config: ConfigWriter) -> None:
    config = write_config(**named("mlflow-down", **WITHOUT_JUDGE))
    address = closed_address()
    asked = aws.calls("SAGEMAKER_RUNTIME")
    reason = failed_step(aws, config, "EvaluateModel", f"MlflowTrackingUri={address}")
    assert f"MLflow at {address} cannot be used: " in reason
    assert "Connection refused" in reason
    assert "does a server run there" in reason
    assert aws.calls("SAGEMAKER_RUNTIME") == asked


def test_an_mlflow_server_that_is_too_old(aws: RunningAws, write_config: ConfigWriter) -> None:
    config = write_config(**named("old-mlflow", **WITHOUT_JUDGE))
    asked = aws.calls("SAGEMAKER_RUNTIME")
    with old_mlflow() as address:
        reason = failed_step(aws, config, "EvaluateModel", f"MlflowTrackingUri={address}")
    assert f"MLflow at {address} is version 2.16.2" in reason
    assert "needs MLflow 3 or newer" in reason
    assert aws.calls("SAGEMAKER_RUNTIME") == asked


@pytest.mark.parametrize(
    ("code", "how", "helps"),
    [
        ("AccessDeniedException", "cannot be asked", "You don't have access to the model with the"),
        ("ResourceNotFoundException", "cannot be asked", "demo fault: ResourceNotFoundException"),
        ("ValidationException", "refuses every verdict", "demo fault: ValidationException"),
    ],
)
def test_a_judge_that_refuses_everything_ends_it_early(
    code: str, how: str, helps: str, aws: RunningAws, write_config: ConfigWriter
) -> None:
    name = f"judge-{code.removesuffix('Exception').lower()}"
    aws.set_judge(f"{name}-model", faults={"fail": 1.0, "fail_with": code})
    aws.add_endpoint(f"{name}-endpoint", faults={"latency_ms": 400})
    changes: dict[str, Any] = {
        "scorers": ["rougeL_fmeasure", "Safety", "Correctness"],
        "thresholds": {"Safety": {"min": 0.5}},
        "judge": {"model": f"bedrock:/{name}-model"},
        "endpoint": {"concurrency": 4},
    }
    config = write_config(**named(name, **changes))
    asked = aws.calls("SAGEMAKER_RUNTIME")
    reason = failed_step(aws, config, "EvaluateModel", f"EndpointName={name}-endpoint")
    assert f"judge bedrock:/{name}-model {how}: " in reason
    assert helps in reason
    assert aws.calls("SAGEMAKER_RUNTIME") - asked < 30, "not all of the 40 rows were paid for"


def test_the_first_refusal_says_how_to_enable_the_model(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    """Also where there are fewer rows than it takes to end it early."""
    aws.set_judge("not-enabled", faults={"fail": 1.0, "fail_with": "AccessDeniedException"})
    changes: dict[str, Any] = {
        "scorers": ["Safety"],
        "thresholds": {"Safety": {"min": 0.5}},
        "judge": {"model": "bedrock:/not-enabled"},
        "dataset": {"sample_size": 3},
    }
    config = write_config(**named("judge-off", **changes))
    reason = failed_step(aws, config, "EvaluateModel")
    assert "enable the model for this account (Bedrock console, Model access" in reason
