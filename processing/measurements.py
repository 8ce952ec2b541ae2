"""Numbers that come from the endpoint's answers themselves: latency and tokens."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from processing.answers import Answer
from processing.gate import Metric


def measure(answers: Sequence[Answer]) -> dict[str, Metric]:
    """Metrics by name (`processing.config.MEASUREMENTS`): milliseconds, and tokens a row.

    Rests on the answered rows; tokens only on those where the endpoint said how many.
    """
    replies = [(answer.call, answer.call.reply) for answer in answers if answer.call.reply]
    latencies = [call.latency_ms for call, _ in replies]
    tokens = {
        "input_tokens_mean": [reply.input_tokens for _, reply in replies],
        "output_tokens_mean": [reply.output_tokens for _, reply in replies],
    }
    metrics = {
        f"latency_p{percent}_ms": Metric(percentile(latencies, percent), len(latencies))
        for percent in (50, 95, 99)
    }
    metrics["latency_mean_ms"] = mean_metric(latencies)
    for name, counts in tokens.items():
        known = [float(count) for count in counts if count is not None]
        metrics[name] = mean_metric(known, errors=len(counts) - len(known))
    return metrics


def mean_metric(values: Sequence[float], errors: int = 0) -> Metric:
    """Mean and sample standard deviation of `values`; no value where there are none."""
    return Metric(
        value=statistics.fmean(values) if values else None,
        n=len(values),
        errors=errors,
        standard_deviation=statistics.stdev(values) if len(values) > 1 else None,
    )


def percentile(values: Sequence[float], percent: float) -> float | None:
    """Linear interpolation between closest ranks (numpy's default; Hyndman and Fan's type 7)."""
    import numpy as np

    return float(np.percentile(values, percent)) if values else None
