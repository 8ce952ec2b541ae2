"""A model package as what is deployed: from SageMaker's answers, in SageMaker's requests."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber
from running_aws import ConfigWriter

from pipeline.checks import service_model
from processing.base.errors import CandidateError
from processing.candidate.deployment import (
    create,
    delete,
    endpoint_config_request,
    name_prefix,
    plan,
)
from processing.candidate.package import CandidatePackage, model_containers, read_package
from processing.config.candidate import Candidate
from processing.config.file import load_config
from processing.config.model import EvaluationConfig

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
ARN = "arn:aws:sagemaker:us-east-1:123456789012:model-package/candidates/7"
EXECUTION = "arn:aws:sagemaker:us-east-1:123456789012:pipeline/p/execution/abcdefghijkl"
JOB = "pipelines-abcdefghijkl-EvaluateModel-0123456789"
CONTAINER = {
    "Image": "image@sha256:1",
    "ImageDigest": "sha256:1",
    "ModelDataUrl": "s3://bucket/model.tar.gz",
    "Environment": {"A": "1", "B": "1"},
    "Framework": "PYTORCH",
}


def sagemaker() -> Any:
    return boto3.client("sagemaker", "us-east-1", aws_access_key_id="x", aws_secret_access_key="x")


def package_answer(**members: Any) -> dict[str, Any]:
    return {
        "ModelPackageArn": ARN,
        "ModelPackageName": "candidates",
        "ModelPackageGroupName": "candidates",
        "ModelPackageStatus": "Completed",
        "ModelPackageStatusDetails": {"ValidationStatuses": []},
        "ModelApprovalStatus": "PendingManualApproval",
        "CreationTime": NOW,
        "InferenceSpecification": {"Containers": [CONTAINER]},
        **members,
    }


def described(**members: Any) -> CandidatePackage:
    """The package as it is read; None takes a member away."""
    client = sagemaker()
    with Stubber(client) as stub:
        answer = {k: v for k, v in package_answer(**members).items() if v is not None}
        stub.add_response("describe_model_package", answer)
        return read_package(client, ARN, "approved")


@pytest.fixture
def config(write_config: ConfigWriter) -> EvaluationConfig:
    candidate = {"instance_type": "ml.g5.2xlarge", "startup_seconds": 600, "instance_count": 2}
    return load_config(write_config(candidate=candidate))


def requests_of_create(
    config: EvaluationConfig, package: CandidatePackage
) -> dict[str, dict[str, Any]]:
    """By operation; no requests beyond the three."""
    sent: dict[str, dict[str, Any]] = {}
    client = sagemaker()
    client.meta.events.register(
        "provide-client-params.sagemaker.*",
        lambda params, model, **_: sent.update({model.name: dict(params)}),
    )
    with Stubber(client) as stub:
        for call, kind in {
            "create_model": "Model",
            "create_endpoint_config": "EndpointConfig",
            "create_endpoint": "Endpoint",
        }.items():
            arn = f"arn:aws:sagemaker:us-east-1:123456789012:{kind.lower()}/x"
            stub.add_response(call, {f"{kind}Arn": arn})
        create(client, plan(config, package, EXECUTION, JOB), package, config)
        stub.assert_no_pending_responses()
    return sent


def test_a_package_that_waits_for_its_verdict_is_deployed_from_its_containers() -> None:
    [container] = model_containers(described(), {"B": "2"})
    assert container == {
        "Image": "image@sha256:1",
        "ModelDataUrl": "s3://bucket/model.tar.gz",
        "Environment": {"A": "1", "B": "2"},
    }


@pytest.mark.parametrize(
    "members", [{"ModelApprovalStatus": "Approved"}, {"ModelPackageGroupName": None}]
)
def test_one_that_sagemaker_deploys_by_name_is_deployed_by_name(members: dict[str, Any]) -> None:
    assert model_containers(described(**members), {}) == [{"ModelPackageName": ARN}]


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"ModelPackageStatus": "InProgress"}, "is InProgress, not Completed"),
        ({"InferenceSpecification": None}, "nothing to deploy"),
        ({"ModelPackageGroupName": "approved"}, "candidates need a group of their own"),
    ],
)
def test_what_cannot_be_deployed_is_refused(members: dict[str, Any], message: str) -> None:
    with pytest.raises(CandidateError, match=message):
        described(**members)


def test_a_marketplace_product_is_deployed_only_when_approved() -> None:
    product = {"Containers": [{**CONTAINER, "ProductId": "product"}]}
    with pytest.raises(CandidateError, match="ProductId: SageMaker deploys it only by its name"):
        model_containers(described(InferenceSpecification=product), {})


def test_a_fine_tuning_job_s_package_is_named_for_what_it_is() -> None:
    """SDK v3 registers weights and the hub's base model, and no image; approved or not."""
    weights = {
        "S3Uri": "s3://bucket/tuned/", "S3DataType": "S3Prefix", "CompressionType": "None"
    }  # fmt: skip
    tuned = {
        "ModelDataSource": {"S3DataSource": weights},
        "BaseModel": {"HubContentName": "meta-textgeneration-llama-3", "RecipeName": "lora"},
    }
    for approval in ("Approved", "PendingManualApproval"):
        package = described(
            InferenceSpecification={"Containers": [tuned]}, ModelApprovalStatus=approval
        )
        with pytest.raises(CandidateError, match="weights for meta-textgeneration-llama-3 of") as e:
            model_containers(package, {})
        assert "-p EndpointName=" in str(e.value)
    bare = described(InferenceSpecification={"Containers": [{"ModelDataUrl": "s3://b/m.tar.gz"}]})
    with pytest.raises(CandidateError, match="has a container without Image"):
        model_containers(bare, {})


DLC = "763104351884.dkr.ecr.us-east-1.amazonaws.com/vllm:0.19.0-gpu-py312-cu130-ubuntu22.04"


@pytest.mark.parametrize(
    ("instance_type", "given", "image", "version"),
    [
        ("ml.g5.2xlarge", None, "image", "al2-ami-sagemaker-inference-gpu-3-1"),
        ("ml.p4d.24xlarge", None, "image", "al2-ami-sagemaker-inference-gpu-3-1"),
        ("ml.g5.2xlarge", None, DLC, "al2023-ami-sagemaker-inference-gpu-4-1"),
        ("ml.g6e.2xlarge", None, DLC, "al2023-ami-sagemaker-inference-gpu-4-1"),
        ("ml.g6.2xlarge", None, "image", None),
        ("ml.p6-b200.48xlarge", None, DLC, None),
        ("ml.c7g.xlarge", None, DLC, None),
        ("ml.inf2.xlarge", None, "image", None),
        ("ml.g5.2xlarge", "none", DLC, None),
        ("ml.g6.2xlarge", "al2-ami-sagemaker-inference-gpu-2", DLC,
         "al2-ami-sagemaker-inference-gpu-2"),
    ],
)  # fmt: skip
def test_the_driver_is_one_that_images_of_today_start_on(
    config: EvaluationConfig, instance_type: str, given: str, image: str, version: str | None
) -> None:
    assert config.candidate is not None
    changed = {"instance_type": instance_type, "inference_ami_version": given}
    candidate = config.candidate.model_copy(update=changed)
    changed_config = config.model_copy(update={"candidate": candidate})
    request = endpoint_config_request("x", changed_config, [image])
    assert service_model.problems("CreateEndpointConfig", request) == []
    assert request["ProductionVariants"][0].get("InferenceAmiVersion") == version


@pytest.mark.parametrize("containers", [[CONTAINER], [CONTAINER, CONTAINER]])
def test_only_several_containers_are_an_inference_pipeline(
    config: EvaluationConfig, containers: list[dict[str, Any]]
) -> None:
    package = described(InferenceSpecification={"Containers": containers})
    sent = requests_of_create(config, package)["CreateModel"]
    expected = model_containers(package, {})
    if len(containers) == 1:
        assert sent["PrimaryContainer"] == expected[0]
        assert "Containers" not in sent
    else:
        assert sent["Containers"] == expected
        assert "PrimaryContainer" not in sent


def test_an_answer_is_kept_for_the_package_and_how_it_is_deployed() -> None:
    candidate = Candidate(instance_type="ml.g5.2xlarge")
    identity = described().identity(candidate)
    assert identity == described(ModelApprovalStatus="Rejected").identity(candidate)
    patient = candidate.model_copy(update={"wait_seconds": 10})
    assert identity == described().identity(patient)
    larger = candidate.model_copy(update={"instance_type": "ml.g5.12xlarge"})
    changed = {"Containers": [{**CONTAINER, "ModelDataUrl": "s3://bucket/other.tar.gz"}]}
    others = {
        described().identity(larger),
        described(InferenceSpecification=changed).identity(candidate),
    }
    assert identity not in others
    assert len(others) == 2


def test_what_is_sent_is_what_aws_takes(config: EvaluationConfig) -> None:
    """Names, tags and requests against botocore's model."""
    package = described()
    deployment = plan(config, package, EXECUTION, JOB)
    assert deployment.name.startswith(name_prefix(config.pipeline.name) + "abcdefghijkl-")
    sent = requests_of_create(config, package)
    for operation, request in sent.items():
        assert service_model.problems(operation, request) == []
        assert {"Key": "llm-evaluation:execution", "Value": EXECUTION} in request["Tags"]
    [variant] = sent["CreateEndpointConfig"]["ProductionVariants"]
    assert variant["ContainerStartupHealthCheckTimeoutInSeconds"] == 600
    assert sent["CreateModel"]["ExecutionRoleArn"] == config.infrastructure.model_role


def test_two_jobs_of_an_execution_have_endpoints_of_their_own(config: EvaluationConfig) -> None:
    long = config.pipeline.model_copy(update={"name": "a-pipeline-" * 6 + "x"})
    config = config.model_copy(update={"pipeline": long})
    names = [plan(config, described(), EXECUTION, job).name for job in ("one", "two")]
    assert len(set(names)) == 2
    assert all(len(name) <= 63 and "--" not in name for name in names)


@pytest.mark.slow
def test_deleting_waits_for_what_cannot_be_deleted_yet_and_minds_nothing_missing() -> None:
    client = sagemaker()
    with Stubber(client) as stub:
        stub.add_client_error("delete_endpoint", "ValidationException", "Cannot update in-progress")
        stub.add_response("delete_endpoint", {}, {"EndpointName": "x"})
        stub.add_client_error("delete_endpoint_config", "ValidationException", "Could not find it")
        stub.add_response("delete_model", {}, {"ModelName": ANY})
        assert delete(client, "x", lambda: time.monotonic() + 10) == []
        stub.assert_no_pending_responses()


def test_what_cannot_be_deleted_is_named_with_what_depends_on_it() -> None:
    client = sagemaker()
    with Stubber(client) as stub:
        stub.add_client_error("delete_endpoint", "AccessDeniedException", "not authorized")
        left = delete(client, "x", lambda: time.monotonic() + 10)
        stub.assert_no_pending_responses()
    assert left == [
        "endpoint x: not authorized",
        "endpoint configuration x: not authorized",
        "model x: not authorized",
    ]
