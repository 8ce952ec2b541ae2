"""`monitoring:`, what is done with each verdict of a pipeline that runs again and again."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from processing.config import patterns
from processing.config.section import Section

NAMESPACES = "LLMEvaluation"


class Drift(Section):
    """Each metric is held against the last `runs` runs.

    `max_drop`: metric -> by how much it may have become worse; more closes the gate. Without it
    drift is shown and warned of.
    """

    runs: int = Field(default=5, ge=2, le=50)
    max_drop: dict[str, Annotated[float, Field(gt=0)]] = {}


class Monitoring(Section):
    """`cloudwatch`: whether each verdict's metrics go there; `namespace`: instead of our own."""

    cloudwatch: bool = False
    namespace: str | None = Field(default=None, pattern=patterns.NAMESPACE)
    drift: Drift | None = None

    def namespace_of(self, pipeline: str) -> str:
        return self.namespace or f"{NAMESPACES}/{pipeline}"
