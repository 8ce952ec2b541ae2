"""The load under which latency is measured: `endpoint.concurrency` among instances, and none."""

from __future__ import annotations

from collections.abc import Iterator

from processing.config.model import EvaluationConfig
from processing.config.threshold_scales import Location


def load_problems(config: EvaluationConfig) -> Iterator[tuple[Location, str]]:
    """The key of each mistake, and why."""
    fixed = config.endpoint.fixed_concurrency
    instances = config.infrastructure.evaluate.instance_count
    if fixed is None or config.dataset.answers_given or fixed % instances == 0:
        return
    near = instances * max(1, fixed // instances)
    yield (
        ("endpoint", "concurrency"),
        f"{fixed} calls at once are a fixed load, which {instances} instances "
        f"(infrastructure.evaluate.instance_count) cannot share evenly: take {near} or "
        f"{near + instances}, or {{max: {fixed}}} for as many as the endpoint takes",
    )
