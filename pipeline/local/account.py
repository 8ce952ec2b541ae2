"""What an AWS account has before the pipeline comes: a bucket, roles, models behind endpoints.

Made through boto3, as a person would make them in a real account.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from processing.config import EvaluationConfig

if TYPE_CHECKING:
    from boto3 import Session

DEMO_IMAGE = "demo-endpoint:not-a-model"
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


def furnish(session: Session, config: EvaluationConfig, endpoints: Iterable[str]) -> None:
    """Create the bucket and the roles that the configuration names, and the endpoints."""
    infrastructure = config.infrastructure
    session.client("s3").create_bucket(Bucket=infrastructure.bucket)
    iam = session.client("iam")
    for arn in dict.fromkeys([infrastructure.pipeline_role, infrastructure.job_role]):
        iam.create_role(
            RoleName=arn.rpartition("/")[2], AssumeRolePolicyDocument=json.dumps(TRUST_SAGEMAKER)
        )
    sagemaker = session.client("sagemaker")
    for name in endpoints:
        _create_endpoint(sagemaker, config, name)


def _create_endpoint(sagemaker: Any, config: EvaluationConfig, name: str) -> None:
    infrastructure = config.infrastructure
    model = f"{name}-model"
    sagemaker.create_model(
        ModelName=model,
        ExecutionRoleArn=infrastructure.job_role,
        PrimaryContainer={
            "Image": DEMO_IMAGE,
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
