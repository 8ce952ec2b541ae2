"""What was paid for here is paid for: it goes to the store in S3 that the pipeline reads."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from processing.base.aws_errors import explain
from processing.base.s3 import bucket_and_key
from processing.calls.paid_store import Store

if TYPE_CHECKING:
    from boto3 import Session

    from pipeline.definition.bundle import Bundle


@contextmanager
def paid_answers_kept(bundle: Bundle, store: Store) -> Iterator[Store]:
    """The store with the pipeline's behind it; however the block ends, what was paid goes there."""
    import boto3

    session = boto3.Session()
    uri = bundle.uri("store")
    if said := reachable_store(session, uri):
        print(f"note: {uri} cannot be read ({said}): what is paid for is kept in {store.folder} "
              "alone, and the pipeline pays for it again", flush=True)  # fmt: skip
        yield store
        return
    both = replace(store, uri=uri)
    try:
        yield both
    finally:
        send_paid(session, both, bundle.config.infrastructure.output_kms_key)


def reachable_store(session: Session, uri: str) -> str:
    """Why the store cannot be read; empty if it can."""
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    bucket, prefix = bucket_and_key(uri)
    impatient = Config(connect_timeout=5, read_timeout=5, retries={"total_max_attempts": 2})
    try:
        session.client("s3", config=impatient).list_objects_v2(
            Bucket=bucket, Prefix=f"{prefix}/", MaxKeys=1
        )
    except (ClientError, BotoCoreError) as error:
        return explain(error, "caller") or str(error)
    return ""


def send_paid(session: Session, store: Store, kms_key: str | None) -> None:
    """Upload this job's files of the store. What cannot be uploaded costs a line."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    if store.uri is None:
        return
    bucket, prefix = bucket_and_key(store.uri)
    encryption: dict[str, Any] = (
        {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key} if kms_key else {}
    )
    s3 = session.client("s3")
    try:
        for file in sorted(store.folder.rglob(f"{store.job}.jsonl")):
            key = f"{prefix}/{file.relative_to(store.folder).as_posix()}"
            s3.upload_file(str(file), bucket, key, ExtraArgs=encryption)
    except (Boto3Error, BotoCoreError, ClientError) as error:
        print(
            f"note: what was paid for is kept in {store.folder} alone, and the pipeline pays for "
            f"it again: {explain(error, 'caller') or error}",
            file=sys.stderr,
            flush=True,
        )
