"""What an AWS account has before the pipeline comes: a bucket, roles, models behind endpoints.

Made through boto3, as a person would make them in a real account.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from processing.config.model import EvaluationConfig

if TYPE_CHECKING:
    from boto3 import Session

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


def furnish(session: Session, config: EvaluationConfig, images: Mapping[str, str]) -> None:
    """Create the bucket and the roles that the configuration names, and the endpoints.

    `images`: endpoint -> image of the model behind it.
    """
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
    for name, image in images.items():
        _create_endpoint(sagemaker, config, name, image)
    for name in images:
        while sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] == "Creating":
            time.sleep(0.1)


def _create_endpoint(sagemaker: Any, config: EvaluationConfig, name: str, image: str) -> None:
    infrastructure = config.infrastructure
    model = f"{name}-model"
    sagemaker.create_model(
        ModelName=model,
        ExecutionRoleArn=infrastructure.job_role,
        PrimaryContainer={
            "Image": image,
            "ModelDataUrl": f"s3://{infrastructure.bucket}/models/{model}.tar.gz",
        },
    )
    sagemaker.create_endpoint_config(
        EndpointConfigName=f"{name}-config",
        ProductionVariants=[
            {
                "VariantName": "AllTraffic",
                "ModelName": model,
                "InstanceType": "ml.g4dn.xlarge",
                "InitialInstanceCount": 1,
            }
        ],
    )
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=f"{name}-config")
