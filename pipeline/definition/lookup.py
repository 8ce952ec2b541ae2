"""What SageMaker has of the definition's already: a pipeline, a model package group."""

from __future__ import annotations

from typing import Any


def find_pipeline(client: Any, name: str) -> dict[str, Any] | None:
    """As DescribePipeline tells it; None if there is none. Raises ClientError."""
    from botocore.exceptions import ClientError

    try:
        described: dict[str, Any] = client.describe_pipeline(PipelineName=name)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFound":
            return None
        raise
    return described


def group_is_there(client: Any, group: str) -> bool:
    """Raises botocore's ClientError if SageMaker does not say."""
    from botocore.exceptions import ClientError

    try:
        client.describe_model_package_group(ModelPackageGroupName=group)
    except ClientError as error:
        if "does not exist" in error.response["Error"]["Message"].lower():
            return False
        raise
    return True
