"""Endpoints of the local AWS take their time, as SageMaker's do."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError
from local_definitions import IMAGE, ROLE
from local_runs import eventually


@pytest.fixture
def name(sagemaker: Any) -> str:
    """A model and an endpoint configuration of that name."""
    name = f"hosted-{uuid.uuid4().hex[:8]}"
    sagemaker.create_model(ModelName=name, PrimaryContainer={"Image": IMAGE}, ExecutionRoleArn=ROLE)
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant(name)])
    return name


def variant(model: str, instance_type: str = "ml.g5.2xlarge") -> dict[str, Any]:
    return {
        "VariantName": "AllTraffic",
        "ModelName": model,
        "InstanceType": instance_type,
        "InitialInstanceCount": 1,
    }


@pytest.mark.slow
def test_an_endpoint_is_made_served_and_gone(sagemaker: Any, name: str) -> None:
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)

    def status() -> str:
        return str(sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"])

    assert status() == "Creating"
    with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
        sagemaker.delete_endpoint(EndpointName=name)
    with pytest.raises(ClientError, match="Cannot create already existing endpoint"):
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    eventually(lambda: status() == "InService")
    sagemaker.delete_endpoint(EndpointName=name)
    assert status() == "Deleting"

    def listed() -> list[Any]:
        return list(sagemaker.list_endpoints(NameContains=name)["Endpoints"])

    eventually(lambda: not listed())
    with pytest.raises(ClientError, match="Could not find endpoint"):
        status()


def test_a_package_that_waits_for_approval_is_not_deployed_by_name(sagemaker: Any) -> None:
    group = f"group-{uuid.uuid4().hex[:8]}"
    sagemaker.create_model_package_group(ModelPackageGroupName=group)
    package = sagemaker.create_model_package(
        ModelPackageGroupName=group,
        InferenceSpecification={
            "Containers": [{"Image": IMAGE}],
            "SupportedContentTypes": ["application/json"],
            "SupportedResponseMIMETypes": ["application/json"],
        },
    )["ModelPackageArn"]
    request = {
        "ModelName": f"{group}-model",
        "ExecutionRoleArn": ROLE,
        "Containers": [{"ModelPackageName": package}],
    }
    with pytest.raises(ClientError, match="PendingManualApproval, not Approved"):
        sagemaker.create_model(**request)
    sagemaker.update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved")
    sagemaker.create_model(**request)
    with pytest.raises(ClientError, match="already existing model"):
        sagemaker.create_model(**request)


def test_an_instance_type_that_sagemaker_does_not_have_is_refused(
    sagemaker: Any, name: str
) -> None:
    with pytest.raises(ClientError, match=r"ml\.g5\.huge"):
        sagemaker.create_endpoint_config(
            EndpointConfigName=f"{name}-2", ProductionVariants=[variant(name, "ml.g5.huge")]
        )
