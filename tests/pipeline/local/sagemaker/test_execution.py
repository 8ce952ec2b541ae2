"""Steps run in order, together, again, and to one of the five ends."""

from __future__ import annotations

import time
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError
from local_definitions import (
    compare,
    condition,
    definition,
    fail,
    get,
    job,
    join,
    parameter,
    processing,
    register,
    report_step,
    report_value,
    s3_input,
    s3_output,
)
from local_runs import Runs, eventually


def reasons(steps: dict[str, dict[str, Any]]) -> dict[str, str | None]:
    """Why each step failed, for the message of an assertion."""
    return {name: step.get("FailureReason") for name, step in steps.items()}


FAILURE = "Step failure: One or multiple steps failed."
FAILING = "import sys; sys.exit(3)"


def test_a_step_gets_what_the_step_before_it_made(runs: Runs, s3: Any, bucket: str) -> None:
    made = processing(
        "Make",
        job(
            "open('/opt/ml/processing/output/report/a.txt', 'w').write('from Make')",
            ProcessingOutputConfig=s3_output(f"s3://{bucket}/made"),
        ),
    )
    uri = get("Steps.Make.ProcessingOutputConfig.Outputs['report'].S3Output.S3Uri")
    copied = processing(
        "Copy",
        job(
            "import shutil; shutil.copytree('/opt/ml/processing/input/data', "
            "'/opt/ml/processing/output/report', dirs_exist_ok=True)",
            ProcessingInputs=[s3_input(uri)],
            ProcessingOutputConfig=s3_output(f"s3://{bucket}/copied"),
        ),
    )
    # written the wrong way round: the reference says what comes first
    status, steps = runs.run(definition(copied, made))
    assert status == "Succeeded", reasons(steps)
    assert steps["Make"]["EndTime"] <= steps["Copy"]["StartTime"]
    assert s3.get_object(Bucket=bucket, Key="copied/a.txt")["Body"].read() == b"from Make"


def test_the_step_list_says_what_studio_shows(runs: Runs, sagemaker: Any, bucket: str) -> None:
    gate = condition(
        "Gate",
        compare("Equals", report_value("Evaluate", "passed"), 1),
        if_steps=[register("Register", f"group-{uuid.uuid4().hex[:8]}")],
    )
    evaluate = {**report_step("Evaluate", bucket, {"passed": 1}), "DisplayName": "Evaluate it"}
    arn = runs.start(definition(evaluate, gate))
    assert runs.wait(arn) == "Succeeded"
    steps = runs.steps(arn)
    assert list(steps) == ["Register", "Gate", "Evaluate"]
    assert steps["Evaluate"]["StepDisplayName"] == "Evaluate it"
    assert steps["Evaluate"]["AttemptCount"] == 1
    assert steps["Gate"]["Metadata"] == {"Condition": {"Outcome": "True"}}
    package = steps["Register"]["Metadata"]["RegisterModel"]["Arn"]
    assert sagemaker.describe_model_package(ModelPackageName=package)["MetadataProperties"] == {
        "GeneratedBy": arn
    }
    job_arn = steps["Evaluate"]["Metadata"]["ProcessingJob"]["Arn"]
    described = sagemaker.describe_processing_job(ProcessingJobName=job_arn.split("/")[-1])
    assert described["ProcessingJobStatus"] == "Completed"
    oldest_first = sagemaker.list_pipeline_execution_steps(
        PipelineExecutionArn=arn, SortOrder="Ascending", MaxResults=2
    )
    assert [s["StepName"] for s in oldest_first["PipelineExecutionSteps"]] == ["Evaluate", "Gate"]
    rest = sagemaker.list_pipeline_execution_steps(
        PipelineExecutionArn=arn, SortOrder="Ascending", NextToken=oldest_first["NextToken"]
    )
    assert [s["StepName"] for s in rest["PipelineExecutionSteps"]] == ["Register"]


@pytest.mark.slow
def test_independent_steps_run_together_unless_the_execution_forbids_it(runs: Runs) -> None:
    text = definition(*(processing(name, job("import time; time.sleep(1)")) for name in "AB"))

    def overlap(arn: str) -> bool:
        assert runs.wait(arn) == "Succeeded"
        first, second = sorted(runs.steps(arn).values(), key=lambda step: step["StartTime"])
        return bool(second["StartTime"] < first["EndTime"])

    together = runs.start(text)
    alone = runs.start(text, ParallelismConfiguration={"MaxParallelExecutionSteps": 1})
    assert overlap(together)
    assert not overlap(alone)


def test_depends_on_orders_steps_that_share_nothing(runs: Runs) -> None:
    status, steps = runs.run(
        definition(processing("Second", DependsOn=["First"]), processing("First"))
    )
    assert status == "Succeeded", reasons(steps)
    assert steps["First"]["EndTime"] <= steps["Second"]["StartTime"]


def test_a_failing_job_fails_the_step_with_its_own_message(runs: Runs, sagemaker: Any) -> None:
    code = "import sys; open('/opt/ml/output/message','w').write('no such endpoint'); sys.exit(4)"
    text = definition(processing("Bad", job(code)), processing("Next", DependsOn=["Bad"]))
    arn = runs.start(text)
    assert runs.wait(arn) == "Failed"
    described = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
    assert described["FailureReason"] == FAILURE
    steps = runs.steps(arn)
    assert list(steps) == ["Bad"]
    assert steps["Bad"]["StepStatus"] == "Failed"
    assert steps["Bad"]["FailureReason"] == "AlgorithmError: no such endpoint, exit code: 4"


def test_a_fail_step_ends_the_execution_with_its_message(
    runs: Runs, sagemaker: Any, bucket: str
) -> None:
    message = join(
        " ", "correctness", report_value("Evaluate", "m[0]['a b']"), "<", get("Parameters.Min")
    )
    gate = condition(
        "Gate",
        compare(
            "GreaterThanOrEqualTo", report_value("Evaluate", "m[0]['a b']"), get("Parameters.Min")
        ),
        else_steps=[fail("GateFailed", message)],
    )
    slow = processing("Slow", job("import time; time.sleep(60)"))
    text = definition(
        report_step("Evaluate", bucket, {"m": [{"a b": 0.25}]}),
        gate,
        slow,
        parameters=[parameter("Min", "Float", 0.5)],
    )
    arn = runs.start(text)
    assert runs.wait(arn) == "Failed"
    steps = runs.steps(arn)
    assert steps["Gate"]["Metadata"]["Condition"]["Outcome"] == "False"
    assert steps["GateFailed"]["FailureReason"] == "correctness 0.25 < 0.5"
    assert steps["GateFailed"]["Metadata"]["Fail"]["ErrorMessage"] == "correctness 0.25 < 0.5"
    assert steps["Slow"]["StepStatus"] == "Stopped"
    with pytest.raises(ClientError, match="Fail step"):
        sagemaker.retry_pipeline_execution(PipelineExecutionArn=arn)


def test_stop_ends_the_running_job(runs: Runs, sagemaker: Any) -> None:
    text = definition(
        processing("Long", job("import time; print('begun', flush=True); time.sleep(300)")),
        processing("After", DependsOn=["Long"]),
    )
    arn = runs.start(text)
    eventually(lambda: runs.steps(arn).get("Long", {}).get("Metadata"))
    sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn)
    began = time.monotonic()
    assert runs.wait(arn) == "Stopped"
    assert time.monotonic() - began < 100
    steps = runs.steps(arn)
    assert list(steps) == ["Long"]
    assert steps["Long"]["StepStatus"] == "Stopped"
    name = steps["Long"]["Metadata"]["ProcessingJob"]["Arn"].split("/")[-1]
    described = sagemaker.describe_processing_job(ProcessingJobName=name)
    assert described["ProcessingJobStatus"] == "Stopped"
    with pytest.raises(ClientError, match="Only pipelines with 'Executing' status"):
        sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn)


def capacity(fault: str, faults: int) -> dict[str, Any]:
    wanted = {"FAULT_ID": uuid.uuid4().hex, "FAULT": fault, "FAULTS": str(faults)}
    return job("pass", Environment=wanted)


def retry(*kinds: str, attempts: int = 3) -> list[dict[str, Any]]:
    policy = {"BackoffRate": 1.0, "IntervalSeconds": 0, "MaxAttempts": attempts}
    return [{**policy, "ExceptionType": list(kinds)}]


def test_missing_capacity_is_tried_again(runs: Runs) -> None:
    step = processing(
        "Scarce",
        capacity("CapacityError: no ml.p5.48xlarge", 2),
        RetryPolicies=retry("SageMaker.CAPACITY_ERROR"),
    )
    status, steps = runs.run(definition(step))
    assert status == "Succeeded", reasons(steps)
    assert steps["Scarce"]["AttemptCount"] == 3


@pytest.mark.parametrize(
    ("arguments", "policies", "attempts"),
    [
        (capacity("CapacityError: none", 9), retry("SageMaker.CAPACITY_ERROR", attempts=2), 3),
        (capacity("CapacityError: none", 9), retry("SageMaker.JOB_INTERNAL_ERROR"), 1),
        (job(FAILING), retry("SageMaker.JOB_INTERNAL_ERROR", "Step.SERVICE_FAULT"), 1),
    ],
    ids=["spent", "another kind", "the user's own failure"],
)
def test_what_no_policy_covers_stays_failed(
    runs: Runs, arguments: dict[str, Any], policies: list[dict[str, Any]], attempts: int
) -> None:
    status, steps = runs.run(definition(processing("Step", arguments, RetryPolicies=policies)))
    assert status == "Failed"
    assert steps["Step"]["AttemptCount"] == attempts


@pytest.mark.parametrize(
    ("code", "trigger", "status", "runs_handler"),
    [
        (FAILING, "Failed", "CompletedWithFailures", True),
        (FAILING, "Any", "CompletedWithFailures", True),
        (FAILING, "Stopped", "Failed", False),
        (FAILING, "Completed", "Failed", False),
        ("pass", "Failed", "Succeeded", False),
        ("pass", "Any", "Succeeded", True),
    ],
)
def test_triggers(runs: Runs, code: str, trigger: str, status: str, runs_handler: bool) -> None:
    handler = processing("Handler", DependsOn=[{"Step": "Work", "Trigger": trigger}])
    ended, steps = runs.run(definition(processing("Work", job(code)), handler))
    assert ended == status
    assert ("Handler" in steps) is runs_handler


def test_a_failed_execution_goes_on_where_it_stopped(runs: Runs, sagemaker: Any) -> None:
    scarce = processing("Scarce", capacity("CapacityError: none", 1), DependsOn=["First"])
    arn = runs.start(definition(processing("First"), scarce))
    assert runs.wait(arn) == "Failed"
    first = runs.steps(arn)["First"]
    sagemaker.retry_pipeline_execution(PipelineExecutionArn=arn)
    assert runs.wait(arn) == "Succeeded"
    assert runs.steps(arn)["First"] == first


def test_a_cached_step_does_not_run_again(runs: Runs, s3: Any, bucket: str) -> None:
    step = report_step("Prepare", bucket, {"n": 1})
    step["Arguments"]["ProcessingOutputConfig"] = s3_output(f"s3://{bucket}/prepared")
    step["CacheConfig"] = {"Enabled": True, "ExpireAfter": "P1D"}
    name = runs.create(definition(step))
    first = runs.start_pipeline(name)
    assert runs.wait(first) == "Succeeded"
    s3.delete_object(Bucket=bucket, Key="prepared/evaluation.json")
    second = runs.start_pipeline(name)
    assert runs.wait(second) == "Succeeded"
    hit = runs.steps(second)["Prepare"]
    assert hit["CacheHitResult"] == {"SourcePipelineExecutionArn": first}
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
    assert hit["Metadata"] == runs.steps(first)["Prepare"]["Metadata"]
