"""Which model stands behind an endpoint, from SageMaker's answers (botocore checks their form)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from processing.base.errors import EndpointError
from processing.config.endpoint import Endpoint
from processing.endpoint.client import describe_model

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
ARN = "arn:aws:sagemaker:us-east-1:123456789012"
PACKAGE = f"{ARN}:model-package/candidates/7"


def endpoint_answer(status: str = "InService") -> dict[str, Any]:
    return {
        "EndpointName": "qa",
        "EndpointArn": f"{ARN}:endpoint/qa",
        "EndpointConfigName": "qa-config",
        "EndpointStatus": status,
        "CreationTime": NOW,
        "LastModifiedTime": NOW,
    }


def config_answer(*variants: dict[str, Any]) -> dict[str, Any]:
    return {
        "EndpointConfigName": "qa-config",
        "EndpointConfigArn": f"{ARN}:endpoint-config/qa-config",
        "ProductionVariants": list(variants),
        "CreationTime": NOW,
    }


def model_answer(name: str, container: dict[str, Any]) -> dict[str, Any]:
    return {
        "ModelName": name,
        "PrimaryContainer": container,
        "CreationTime": NOW,
        "ModelArn": f"{ARN}:model/{name}",
    }


def component_answer(specification: dict[str, Any]) -> dict[str, Any]:
    return {
        "InferenceComponentName": "part",
        "InferenceComponentArn": f"{ARN}:inference-component/part",
        "EndpointName": "qa",
        "EndpointArn": f"{ARN}:endpoint/qa",
        "CreationTime": NOW,
        "LastModifiedTime": NOW,
        "Specification": specification,
    }


def described(endpoint: Endpoint, **answers: dict[str, Any]) -> Any:
    client = boto3.client(
        "sagemaker", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    with Stubber(client) as stub:
        for operation, answer in answers.items():
            stub.add_response(operation, answer)
        return describe_model(client, endpoint)


def test_a_model_made_from_a_package_is_registered_as_that_package() -> None:
    model = described(
        Endpoint(name="qa"),
        describe_endpoint=endpoint_answer(),
        describe_endpoint_config=config_answer({"VariantName": "A", "ModelName": "m"}),
        describe_model=model_answer("m", {"ModelPackageName": PACKAGE}),
    )
    assert model.source_uri == PACKAGE


def test_a_model_of_its_own_is_registered_as_itself() -> None:
    model = described(
        Endpoint(name="qa", variant="B"),
        describe_endpoint=endpoint_answer(),
        describe_endpoint_config=config_answer(
            {"VariantName": "A", "ModelName": "a"}, {"VariantName": "B", "ModelName": "b"}
        ),
        describe_model=model_answer("b", {"Image": "image"}),
    )
    assert model.source_uri == f"{ARN}:model/b"


def test_an_inference_component_s_model_is_the_one_that_is_registered() -> None:
    model = described(
        Endpoint(name="qa", inference_component="part"),
        describe_endpoint=endpoint_answer(),
        describe_inference_component=component_answer({"ModelName": "m"}),
        describe_model=model_answer("m", {"Image": "image"}),
    )
    assert model.source_uri == f"{ARN}:model/m"


@pytest.mark.parametrize(
    ("endpoint", "answers", "message"),
    [
        (
            Endpoint(name="qa"),
            {"describe_endpoint": endpoint_answer("Updating")},
            "is Updating, not InService",
        ),
        (
            Endpoint(name="qa"),
            {
                "describe_endpoint": endpoint_answer(),
                "describe_endpoint_config": config_answer(
                    {"VariantName": "A", "ModelName": "a"}, {"VariantName": "B", "ModelName": "b"}
                ),
            },
            "has the variants A, B: say in endpoint.variant",
        ),
        (
            Endpoint(name="qa"),
            {
                "describe_endpoint": endpoint_answer(),
                "describe_endpoint_config": config_answer({"VariantName": "A"}),
            },
            "say in endpoint.inference_component",
        ),
        (
            Endpoint(name="qa", inference_component="part"),
            {
                "describe_endpoint": endpoint_answer(),
                "describe_inference_component": component_answer(
                    {"Container": {"DeployedImage": {"SpecifiedImage": "i"}}}
                ),
            },
            "nothing to register",
        ),
    ],
    ids=["updating", "two variants", "components", "component without model"],
)
def test_what_cannot_be_registered_is_refused_before_it_is_evaluated(
    endpoint: Endpoint, answers: dict[str, Any], message: str
) -> None:
    with pytest.raises(EndpointError, match=message):
        described(endpoint, **answers)
