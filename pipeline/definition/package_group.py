"""The model package group that the pipeline registers in, with the configured tags.

CreateModelPackage takes no tags for a version of a group: it has its group's (API reference). And
RegisterModel makes a missing group without any, so the group is made here first.
"""

from __future__ import annotations

from typing import Any

from pipeline.definition.descriptions import described
from pipeline.definition.steps.processing_job import sdk_tags
from processing.config.model import EvaluationConfig


def put_group(client: Any, config: EvaluationConfig) -> None:
    """Make the group if there are tags to give it; one that is there stays as it is.

    Raises botocore's ClientError if SageMaker refuses.
    """
    from botocore.exceptions import ClientError

    if not config.infrastructure.tags:
        return
    try:
        client.create_model_package_group(
            ModelPackageGroupName=config.registration.model_package_group,
            ModelPackageGroupDescription=group_description(config),
            Tags=sdk_tags(config.infrastructure),
        )
    except ClientError as error:
        if "already exists" not in error.response["Error"]["Message"]:
            raise


def group_description(config: EvaluationConfig) -> str:
    return described(f"Models that passed their evaluation by the pipeline {config.pipeline.name}.")
