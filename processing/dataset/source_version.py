"""What lies at a dataset's address in S3 right now, told without reading it.

The step cache of SageMaker Pipelines goes by addresses, behind which objects may be replaced.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from processing.base.aws_errors import explain
from processing.base.errors import DatasetError
from processing.base.s3 import bucket_and_key


def source_version(client: Any, uri: str) -> str:
    """A digest of the names, sizes and ETags of all objects that a job gets from this s3:// URI.

    Raises botocore's ClientError. Uses ListBucket.
    """
    bucket, prefix = bucket_and_key(uri)
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    listed = [
        [entry["Key"], entry["Size"], entry["ETag"]]
        for page in pages
        for entry in page.get("Contents", [])
    ]
    return hashlib.sha256(json.dumps(sorted(listed)).encode()).hexdigest()


def version_for_job(uri: str) -> str | None:
    """`source_version` with the job's rights; None for what is not in S3. Raises DatasetError."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    if not uri.startswith("s3://"):
        return None
    try:
        return source_version(boto3.client("s3"), uri)
    except (BotoCoreError, ClientError) as error:
        raise DatasetError(
            f"{uri} cannot be listed: {explain(error, 'job')}; with pipeline.cache the job looks "
            "whether it has changed (s3:ListBucket)"
        ) from error


def require_unchanged(uri: str, prepared_version: str | None, prepared_by: str) -> None:
    """Rows that an earlier execution has prepared are used only if their source is still the same.

    Raises DatasetError.
    """
    if version_for_job(uri) != prepared_version:
        raise DatasetError(
            f"{uri} has changed since execution {prepared_by} prepared it, and PrepareDataset was "
            "taken from the cache: start again with `pipeline_definition.py start`, which looks at "
            "the dataset, or give DatasetVersion another value"
        )
