"""Where in S3 an exported template lies, and what a person does with it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipeline.definition.bundle import Bundle, encryption_of, send

if TYPE_CHECKING:
    from boto3 import Session


def upload(session: Session, bundle: Bundle, template: str) -> str:
    """The template's address in S3. What its pipeline reads is sent there, too.

    Raises botocore's ClientError if S3 refuses.
    """
    send(bundle, session)
    s3, bucket = session.client("s3"), bundle.config.infrastructure.bucket
    digest = hashlib.sha256(template.encode()).hexdigest()[:16]
    key = f"{bundle.config.infrastructure.prefix}/cloudformation/{digest}/template.json"
    s3.put_object(Bucket=bucket, Key=key, Body=template.encode(), **encryption_of(bundle))
    return f"{s3.meta.endpoint_url}/{bucket}/{key}"


def told(bundle: Bundle, url: str | None) -> Iterator[str]:
    """What is in S3, or has to be, and the command that deploys the template."""
    for each in bundle.uploads:
        yield f"uploaded {each.path} to {each.uri}" if url else f"needs {each.uri}: {each.path}"
    if url is None:
        yield "`export cloudformation --upload` brings these and the template to S3"
        return
    yield "deploy it:"
    yield (
        f"  aws cloudformation create-stack --stack-name {bundle.config.pipeline.name} "
        f"--capabilities CAPABILITY_NAMED_IAM --template-url {url}"
    )
