"""An S3 object, or all objects below a prefix, as files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from processing.base.aws_errors import explain
from processing.base.errors import DatasetError
from processing.base.inside import OutsideError, below


def bucket_and_key(uri: str) -> tuple[str, str]:
    """`s3://bucket/some/key` -> `("bucket", "some/key")`."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def download(uri: str, folder: Path) -> None:
    """Download `s3://bucket/key`, or else everything below `s3://bucket/key/`, into `folder`.

    Raises DatasetError where there is nothing, or S3 refuses. Uses HeadObject, GetObject and, for a
    prefix, ListBucket.
    """
    import boto3
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    bucket, key = bucket_and_key(uri)
    try:
        client = boto3.client("s3")
        if key and not key.endswith("/") and _is_object(client, bucket, key):
            client.download_file(bucket, key, str(_target(folder, uri, key.rpartition("/")[2])))
            return
        found = False
        for name, relative in _keys_below(client, bucket, key):
            found = True
            target = _target(folder, f"s3://{bucket}/{name}", relative)
            target.parent.mkdir(parents=True, exist_ok=True)
            client.download_file(bucket, name, str(target))
    except (BotoCoreError, ClientError, Boto3Error) as error:
        raise DatasetError(
            f"{uri} cannot be read: {explain(error, 'job')}; check the URI, the region and the job "
            "role's permissions (s3:GetObject, s3:ListBucket, and kms:Decrypt for an encrypted "
            "bucket)"
        ) from error
    if not found:
        raise DatasetError(f"{uri}: there is no such object, and none below it")


def _target(folder: Path, uri: str, name: str) -> Path:
    try:
        return below(folder, name)
    except OutsideError as error:
        raise DatasetError(f"{uri}: refused, its key leads out of the prefix: {error}") from error


def _is_object(client: Any, bucket: str, key: str) -> bool:
    from botocore.exceptions import ClientError

    try:
        client.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        # 403: without s3:ListBucket S3 does not say whether the key exists.
        if error.response["ResponseMetadata"]["HTTPStatusCode"] in (403, 404):
            return False
        raise
    return True


def _keys_below(client: Any, bucket: str, key: str) -> Iterator[tuple[str, str]]:
    """Keys below a prefix, whole and without the prefix; folder markers are left out."""
    prefix = f"{key.rstrip('/')}/" if key else ""
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    for page in pages:
        for entry in page.get("Contents", []):
            if not entry["Key"].endswith("/"):
                yield entry["Key"], entry["Key"].removeprefix(prefix)
