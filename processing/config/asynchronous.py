"""`endpoint.asynchronous:`, requests that SageMaker queues, with answers that come by way of S3.

Limits: SageMaker Runtime API reference, InvokeEndpointAsync.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from processing.config.infrastructure import Infrastructure
from processing.config.section import Section


class Asynchronous(Section):
    """How long a request may wait in the queue, and be worked on by the container."""

    queue_seconds: int = Field(default=3600, ge=60, le=21_600)
    run_seconds: int = Field(default=900, ge=1, le=3600)

    @property
    def longest_seconds(self) -> int:
        """After this neither an answer nor a failure is to come any more."""
        return self.queue_seconds + self.run_seconds


def parse_asynchronous(value: Any) -> Any:
    """`true` is all defaults, `false` is the same as leaving it out."""
    return {True: {}, False: None}[value] if isinstance(value, bool) else value


def scratch_uri(infrastructure: Infrastructure) -> str:
    """Where large requests and candidates' results are for a while."""
    return f"s3://{infrastructure.bucket}/{infrastructure.prefix}/async"
