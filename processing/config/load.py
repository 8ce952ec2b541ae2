"""The load that latency is measured under: `endpoint.concurrency` among instances, and queues."""

from __future__ import annotations

from collections.abc import Iterator

from processing.config.model import EvaluationConfig
from processing.config.threshold_scales import Location


def load_problems(config: EvaluationConfig) -> Iterator[tuple[Location, str]]:
    """The key of each mistake, and why."""
    candidate = config.candidate
    if candidate and candidate.invocations_per_instance and config.endpoint.asynchronous is None:
        yield (
            ("candidate", "invocations_per_instance"),
            "is of an asynchronous endpoint: write asynchronous: true into endpoint:",
        )
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
