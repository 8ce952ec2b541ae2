"""The region and the account that a configuration is for, and the ARNs of what is there."""

from __future__ import annotations

import os
from dataclasses import dataclass

from pipeline.definition.bundle import Bundle
from processing.base.errors import LaunchError


@dataclass(frozen=True)
class Account:
    """Where the configuration's resources are. The account is that of its pipeline role."""

    partition: str
    region: str
    number: str

    def arn(self, service: str, resource: str) -> str:
        return f"arn:{self.partition}:{service}:{self.region}:{self.number}:{resource}"

    def sagemaker(self, *resources: str) -> list[str]:
        return [self.arn("sagemaker", resource) for resource in resources]

    def role(self, name: str) -> str:
        return f"arn:{self.partition}:iam::{self.number}:role/{name}"

    def s3(self, bucket: str, *keys: str) -> list[str]:
        """Objects of a bucket, or the bucket itself without keys."""
        arn = f"arn:{self.partition}:s3:::{bucket}"
        return [f"{arn}/{key}" for key in keys] or [arn]


def account_of(bundle: Bundle) -> Account:
    _, partition, _, _, number, _ = bundle.config.infrastructure.pipeline_role.split(":", 5)
    return Account(partition, region(bundle), number)


def region(bundle: Bundle) -> str:
    """The region to work in: the configuration's, or else the environment's.

    Also exported, because `import sagemaker` fails where AWS_DEFAULT_REGION is not set.
    Raises LaunchError if neither says one.
    """
    import boto3

    found = bundle.config.infrastructure.region or boto3.Session().region_name
    if not found:
        raise LaunchError(
            "no AWS region: set infrastructure.region in the configuration, or AWS_DEFAULT_REGION"
        )
    os.environ.setdefault("AWS_DEFAULT_REGION", found)
    return str(found)
