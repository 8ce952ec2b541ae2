"""Candidates that were left behind: found by name and tag, deleted.

A job that was killed cannot clean up after itself. Three look after it: the sweep pipeline that
`trigger put` makes, the next job of the same pipeline, and a person who calls `sweep`.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from processing.candidate.deployment import (
    CREATED_TAG,
    PIPELINE_TAG,
    Deployment,
    delete,
    name_prefix,
)

LISTINGS = (
    ("list_endpoints", "Endpoints", "Endpoint"),
    ("list_endpoint_configs", "EndpointConfigs", "EndpointConfig"),
    ("list_models", "Models", "Model"),
)


def find_abandoned(client: Any, pipeline: str) -> list[Deployment]:
    """Everything that is tagged as a candidate of this pipeline, oldest first.

    An endpoint, its configuration and its model have one name and are one deployment; any of the
    three may be all that is left. The names only spare calls: what counts are the tags. Raises
    botocore's ClientError.
    """
    found: dict[str, Deployment] = {}
    for name, arn in _named(client, name_prefix(pipeline)):
        if name in found:
            continue
        tags = _tags(client, arn)
        if tags.get(PIPELINE_TAG) == pipeline and CREATED_TAG in tags:
            found[name] = Deployment(name, tags)
    return sorted(found.values(), key=lambda deployment: deployment.created)


def _named(client: Any, prefix: str) -> Iterator[tuple[str, str]]:
    for operation, listed, member in LISTINGS:
        pages = client.get_paginator(operation).paginate(NameContains=prefix)
        for page in pages:
            for summary in page[listed]:
                if summary[f"{member}Name"].startswith(prefix):
                    yield summary[f"{member}Name"], summary[f"{member}Arn"]


def _tags(client: Any, arn: str) -> dict[str, str]:
    """Empty for what is gone since it was listed."""
    from botocore.exceptions import ClientError

    try:
        pages = client.get_paginator("list_tags").paginate(ResourceArn=arn)
        return {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}
    except ClientError as error:
        if error.response["Error"].get("Code") in ("ValidationException", "ResourceNotFound"):
            return {}
        raise


def sweep(
    client: Any,
    abandoned: Iterable[Deployment],
    say: Callable[[str], None],
    wait_seconds: float = 60.0,
) -> list[str]:
    """Delete them; returns what could not be deleted, with reasons.

    For what cannot be deleted yet it waits, `wait_seconds` for all together; each is tried once.
    """
    left, until = [], time.monotonic() + wait_seconds
    for deployment in abandoned:
        remaining = delete(client, deployment.name, lambda: until)
        say(f"{'LEFT' if remaining else 'deleted'} {describe(deployment)}")
        left += remaining
    return left


def describe(deployment: Deployment) -> str:
    return (
        f"{deployment.name}, made {deployment.created:%Y-%m-%d %H:%M} by {deployment.execution_arn}"
    )


def age(deployment: Deployment) -> dt.timedelta:
    return dt.datetime.now(dt.UTC) - deployment.created
