"""The model registry, through RegisterModel steps and through boto3."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError
from local_definitions import IMAGE, ROLE, definition, get, join, parameter, register
from local_runs import Runs

SPECIFICATION = {
    "Containers": [{"Image": IMAGE, "ModelDataUrl": "s3://models/a.tar.gz"}],
    "SupportedContentTypes": ["application/json"],
    "SupportedResponseMIMETypes": ["application/json"],
}


@pytest.fixture
def group(sagemaker: Any) -> str:
    name = f"group-{uuid.uuid4().hex[:8]}"
    sagemaker.create_model_package_group(ModelPackageGroupName=name)
    return name


def registered(runs: Runs, sagemaker: Any, step: dict[str, Any], **more: Any) -> dict[str, Any]:
    arn = runs.start(definition(step, **more))
    status, steps = runs.wait(arn), runs.steps(arn)
    assert status == "Succeeded", steps["Register"].get("FailureReason")
    package = steps["Register"]["Metadata"]["RegisterModel"]["Arn"]
    described: dict[str, Any] = sagemaker.describe_model_package(ModelPackageName=package)
    return described


def test_a_second_attempt_with_the_same_token_is_the_same_version(
    sagemaker: Any, group: str
) -> None:
    def create(**token: str) -> str:
        made = sagemaker.create_model_package(
            ModelPackageGroupName=group, InferenceSpecification=SPECIFICATION, **token
        )
        return str(made["ModelPackageArn"])

    token = str(uuid.uuid4())
    assert create(ClientToken=token) == create(ClientToken=token)
    assert create() != create()
    listed = sagemaker.list_model_packages(ModelPackageGroupName=group)
    assert len(listed["ModelPackageSummaryList"]) == 3


def test_register_makes_the_group_and_fills_the_version(runs: Runs, sagemaker: Any) -> None:
    name = f"new-{uuid.uuid4().hex[:8]}"
    step = register(
        "Register",
        get("Parameters.Group"),
        ModelApprovalStatus="Approved",
        CustomerMetadataProperties={"execution": get("Execution.PipelineExecutionArn")},
        ModelMetrics={
            "ModelQuality": {
                "Statistics": {
                    "ContentType": "application/json",
                    "S3Uri": join("/", "s3://b", get("Execution.PipelineExecutionId"), "e.json"),
                }
            },
            "Bias": {},
            "Explainability": {},
        },
        SkipModelValidation=None,
    )
    described = registered(runs, sagemaker, step, parameters=[parameter("Group", "String", name)])
    assert described["ModelPackageGroupName"] == name
    assert described["ModelPackageVersion"] == 1
    assert described["ModelApprovalStatus"] == "Approved"
    generated_by = described["MetadataProperties"]["GeneratedBy"]
    assert described["CustomerMetadataProperties"] == {"execution": generated_by}


def test_a_package_as_source_gives_its_specification(
    runs: Runs, sagemaker: Any, group: str
) -> None:
    source = sagemaker.create_model_package(
        ModelPackageGroupName=group, InferenceSpecification=SPECIFICATION
    )["ModelPackageArn"]
    target = f"approved-{uuid.uuid4().hex[:8]}"
    described = registered(runs, sagemaker, register("Register", target, SourceUri=source))
    assert described["InferenceSpecification"] == SPECIFICATION
    assert described["SourceUri"] == source
    assert described["ModelApprovalStatus"] == "PendingManualApproval"


def test_a_model_as_source_gives_its_container(runs: Runs, sagemaker: Any) -> None:
    name = f"model-{uuid.uuid4().hex[:8]}"
    container = {"Image": IMAGE, "Environment": {"A": "b"}, "ModelDataUrl": "s3://models/a.tar.gz"}
    arn = sagemaker.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=ROLE)[
        "ModelArn"
    ]
    target = f"approved-{uuid.uuid4().hex[:8]}"
    described = registered(runs, sagemaker, register("Register", target, SourceUri=arn))
    assert described["InferenceSpecification"]["Containers"] == [container]


def refused(runs: Runs, step: dict[str, Any]) -> str:
    status, steps = runs.run(definition(step))
    assert status == "Failed"
    assert steps["Register"]["StepStatus"] == "Failed"
    return str(steps["Register"]["FailureReason"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            {"SourceUri": "arn:aws:sagemaker:us-east-1:123456789012:model/gone"},
            "Could not find model",
        ),
        (
            {"SourceUri": "arn:aws:sagemaker:us-east-1:123456789012:model-package/gone/1"},
            "not found",
        ),
        ({"SourceUri": "s3://bucket/model"}, "SourceUri is no ARN"),
        (
            {
                "SourceUri": "arn:aws:sagemaker:us-east-1:123456789012:model/any",
                "InferenceSpecification": SPECIFICATION,
            },
            "cannot be given together",
        ),
        ({"CustomerMetadataProperties": {"verdict": "0.8 < 0.9"}}, "CustomerMetadataProperties"),
        ({"CustomerMetadataProperties": {"verdict": "a,b"}}, "CustomerMetadataProperties"),
        ({"CustomerMetadataProperties": {"verdict": "x" * 257}}, "CustomerMetadataProperties"),
        ({"CustomerMetadataProperties": {"verdict": ""}}, "CustomerMetadataProperties"),
        ({"CustomerMetadataProperties": {"verdict": 0.9}}, "CustomerMetadataProperties"),
        ({"ModelApprovalStatus": "Perhaps"}, "PendingManualApproval"),
    ],
)
def test_what_the_registry_refuses_fails_the_step(
    runs: Runs, arguments: dict[str, Any], said: str
) -> None:
    reason = refused(runs, register("Register", f"g-{uuid.uuid4().hex[:8]}", **arguments))
    assert reason.startswith("ClientError: Failed to invoke sagemaker:CreateModelPackage.")
    assert said in reason


def test_metadata_of_any_alphabet_is_taken(runs: Runs, sagemaker: Any) -> None:
    values = {"who": "Zoë Ångström 3/4 @home a+b=c", "où": "数据_1.0:x"}
    step = register("Register", f"g-{uuid.uuid4().hex[:8]}", CustomerMetadataProperties=values)
    assert registered(runs, sagemaker, step)["CustomerMetadataProperties"] == values


def test_an_update_keeps_what_it_does_not_mention(sagemaker: Any, group: str) -> None:
    arn = sagemaker.create_model_package(
        ModelPackageGroupName=group,
        InferenceSpecification=SPECIFICATION,
        CustomerMetadataProperties={"a": "1", "b": "2"},
    )["ModelPackageArn"]
    sagemaker.update_model_package(
        ModelPackageArn=arn, ModelApprovalStatus="Approved", ApprovalDescription="good"
    )
    sagemaker.update_model_package(
        ModelPackageArn=arn,
        CustomerMetadataProperties={"c": "3"},
        CustomerMetadataPropertiesToRemove=["a"],
        ModelLifeCycle={"Stage": "Production", "StageStatus": "Live"},
    )
    described = sagemaker.describe_model_package(ModelPackageName=arn)
    assert described["ModelApprovalStatus"] == "Approved"
    assert described["ApprovalDescription"] == "good"
    assert described["CustomerMetadataProperties"] == {"b": "2", "c": "3"}
    assert described["ModelLifeCycle"] == {"Stage": "Production", "StageStatus": "Live"}
    assert described["InferenceSpecification"] == SPECIFICATION


def test_a_deleted_version_number_is_not_given_again(sagemaker: Any, group: str) -> None:
    def create() -> str:
        answer = sagemaker.create_model_package(
            ModelPackageGroupName=group, InferenceSpecification=SPECIFICATION
        )
        return str(answer["ModelPackageArn"])

    first, second = create(), create()
    sagemaker.delete_model_package(ModelPackageName=first)
    assert create().endswith("/3")
    listed = sagemaker.list_model_packages(ModelPackageGroupName=group)
    assert {p["ModelPackageVersion"] for p in listed["ModelPackageSummaryList"]} == {2, 3}
    with pytest.raises(ClientError, match="not found"):
        sagemaker.describe_model_package(ModelPackageName=first)
    assert second.endswith("/2")


def test_groups(sagemaker: Any, group: str) -> None:
    with pytest.raises(ClientError, match="already exists"):
        sagemaker.create_model_package_group(ModelPackageGroupName=group)
    arn = sagemaker.create_model_package(
        ModelPackageGroupName=group, InferenceSpecification=SPECIFICATION
    )["ModelPackageArn"]
    with pytest.raises(ClientError, match="still has model packages"):
        sagemaker.delete_model_package_group(ModelPackageGroupName=group)
    sagemaker.delete_model_package(ModelPackageName=arn)
    sagemaker.delete_model_package_group(ModelPackageGroupName=group)
    with pytest.raises(ClientError, match="does not exist"):
        sagemaker.describe_model_package_group(ModelPackageGroupName=group)
