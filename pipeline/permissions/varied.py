"""What a varied file asks of the job role that the upserted file did not: `start --set`."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.definition.bundle import Bundle
from pipeline.permissions.job_role import job_policy


def rights_beyond(bundle: Bundle, varied: Bundle) -> list[str]:
    """`action on resource`, for each that `permissions create` gives the job role for `varied`
    alone.
    """
    given = set(_rights(bundle))
    return [right for right in dict.fromkeys(_rights(varied)) if right not in given]


def _rights(bundle: Bundle) -> Iterator[str]:
    for statement in job_policy(bundle)["Statement"]:
        for action in statement["Action"]:
            for resource in statement["Resource"]:
                yield f"{action} on {resource}"
