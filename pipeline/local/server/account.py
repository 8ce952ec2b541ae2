"""What an AWS account has before the pipeline comes: a bucket, roles, models behind endpoints.

Made through boto3, as a person would make them in a real account.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from processing.config.model import EvaluationConfig

if TYPE_CHECKING:
    from boto3 import Session

ALL_TRAFFIC = "AllTraffic"
DEMO_IMAGE = "demo-endpoint:not-a-model"
SERVER_IMAGE = "openai-compatible-server:on-this-machine"
TRUST_SAGEMAKER = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "sagemaker.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


@dataclass(frozen=True)
class Hosted:
    """An endpoint: the image of the model behind it, the names of its parts, and whether calls are
    queued.
    """

    endpoint: str
    image: str
    variants: tuple[str, ...] = (ALL_TRAFFIC,)
    components: tuple[str, ...] = ()
    asynchronous: bool = False


def furnish(session: Session, config: EvaluationConfig, hosted: Sequence[Hosted]) -> None:
    """Create the bucket and the roles that the configuration names, and the endpoints."""
    infrastructure = config.infrastructure
    session.client("s3").create_bucket(Bucket=infrastructure.bucket)
    iam = session.client("iam")
    roles = [
        *(infrastructure.pipeline_role, infrastructure.job_role),
        *(infrastructure.model_role, infrastructure.stamp_role, infrastructure.register_role),
    ]
    for arn in dict.fromkeys(role for role in roles if role):
        iam.create_role(
            RoleName=arn.rpartition("/")[2], AssumeRolePolicyDocument=json.dumps(TRUST_SAGEMAKER)
        )
    sagemaker = session.client("sagemaker")
    for each in hosted:
        _create_endpoint(sagemaker, config, each)
    for each in hosted:
        while _status(sagemaker, each) == "Creating":
            time.sleep(0.1)
        for component in each.components:
            sagemaker.create_inference_component(
                InferenceComponentName=component,
                EndpointName=each.endpoint,
                VariantName=each.variants[0],
                Specification={"ModelName": f"{each.endpoint}-model"},
            )


def _status(sagemaker: Any, hosted: Hosted) -> str:
    return str(sagemaker.describe_endpoint(EndpointName=hosted.endpoint)["EndpointStatus"])


def _create_endpoint(sagemaker: Any, config: EvaluationConfig, hosted: Hosted) -> None:
    infrastructure, name = config.infrastructure, hosted.endpoint
    model = f"{name}-model"
    sagemaker.create_model(
        ModelName=model,
        ExecutionRoleArn=infrastructure.job_role,
        PrimaryContainer={
            "Image": hosted.image,
            "ModelDataUrl": f"s3://{infrastructure.bucket}/models/{model}.tar.gz",
        },
    )
    sagemaker.create_endpoint_config(
        EndpointConfigName=f"{name}-config",
        ProductionVariants=[
            {
                "VariantName": variant,
                "ModelName": model,
                "InstanceType": "ml.g4dn.xlarge",
                "InitialInstanceCount": 1,
            }
            for variant in hosted.variants
        ],
        **({"AsyncInferenceConfig": _queued(infrastructure.bucket, name)}
           if hosted.asynchronous else {}),
    )  # fmt: skip
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=f"{name}-config")


def _queued(bucket: str, endpoint: str) -> dict[str, Any]:
    """Results lie outside the pipeline's prefix, as those of an endpoint of somebody else's do."""
    place = f"s3://{bucket}/endpoints/{endpoint}"
    return {
        "OutputConfig": {"S3OutputPath": f"{place}/output", "S3FailurePath": f"{place}/failure"}
    }
