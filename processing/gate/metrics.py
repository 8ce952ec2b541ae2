"""Metrics out of numbers: a scorer's over its verdicts, latency and tokens over the answers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from processing.config.scorer_numbers import number_range
from processing.config.scorers import ScorerSpec
from processing.endpoint.answers import Answer
from processing.gate.intervals import Estimate, Numbers, estimate, percentile_estimate
from processing.gate.verdict import Metric
from processing.gate.worst_case import UNIT, Scale, worst_interval, worst_mean, worst_percentile

PERCENTS = (50, 95, 99)
TIMES_AND_COUNTS = Scale(0.0, math.inf, higher_is_better=False)


def measure(answers: Sequence[Answer]) -> dict[str, Metric]:
    """Metrics by name (`processing.config.MEASUREMENTS`): milliseconds, and tokens a row.

    Rests on the answered rows; tokens only on those where the endpoint said how many. A row that
    was never answered counts as infinitely slow where a percentile is held against a threshold.
    """
    replies = [(answer.call, answer.call.reply) for answer in answers if answer.call.reply]
    latencies = [call.latency_ms for call, _ in replies]
    rows = len(answers)
    metrics = {
        f"latency_p{percent}_ms": percentile_metric(latencies, percent, rows=rows)
        for percent in PERCENTS
    }
    metrics["latency_mean_ms"] = mean_metric(latencies, rows=rows, scale=TIMES_AND_COUNTS)
    return (
        metrics
        | _token_metrics("input_tokens", [reply.input_tokens for _, reply in replies], rows)
        | _token_metrics("output_tokens", [reply.output_tokens for _, reply in replies], rows)
    )


def _token_metrics(name: str, counts: Sequence[int | None], rows: int) -> dict[str, Metric]:
    known = [float(count) for count in counts if count is not None]
    errors = len(counts) - len(known)
    mean = mean_metric(known, errors=errors, rows=rows, scale=TIMES_AND_COUNTS)
    return {f"{name}_mean": mean} | {
        f"{name}_p{percent}": percentile_metric(known, percent, errors=errors, rows=rows)
        for percent in PERCENTS
    }


def scale_of(spec: ScorerSpec) -> Scale:
    """What a row without a verdict could have counted, at worst and at best.

    A user's own function is taken to count 0 to 1. Where a verdict lies outside of the scale, the
    worst case of rows without one is not known, and the gate is closed on any.
    """
    low, high = number_range(spec)
    if math.isinf(low) or math.isinf(high):
        low, high = 0.0, 1.0
    return Scale(low, high, spec.higher_is_better)


def scorer_metric(
    verdicts: Sequence[float | None],
    *,
    rows: int | None = None,
    scale: Scale = UNIT,
    numbers: Numbers = "BCa",
) -> Metric:
    """A scorer's metric over `verdicts`, one for each answered row: a number, or None for an error.

    NaN and infinities are errors too. `rows` counts the rows that got no answer as well; without
    it all are answered.
    `numbers="t"` where a threshold looks at the interval: its worst case is known.
    """
    values = [value for value in verdicts if value is not None and math.isfinite(value)]
    errors = len(verdicts) - len(values)
    return mean_metric(values, errors, rows=rows, scale=scale, numbers=numbers)


def mean_metric(
    values: Sequence[float],
    errors: int = 0,
    *,
    rows: int | None = None,
    scale: Scale = UNIT,
    numbers: Numbers = "BCa",
) -> Metric:
    """Mean, sample standard deviation and interval of finite `values`; no value where none are.

    The interval keeps to the scale if the values do: a share is not below 0.
    """
    found = estimate(values, numbers=numbers)
    low, high = _within(scale, values, found)
    metric = Metric(
        value=found.value,
        n=found.n,
        errors=errors,
        standard_deviation=found.standard_deviation,
        low=low,
        high=high,
        method=found.method,
        higher_is_better=scale.higher_is_better,
        rows=rows,
    )
    if metric.missing and values:
        metric = replace(metric, worst_value=worst_mean(values, metric.missing, scale))
        if numbers == "t":
            interval = worst_interval(values, metric.missing, scale)
            metric = replace(metric, worst_interval=interval)
    return metric


def _within(
    scale: Scale, values: Sequence[float], found: Estimate
) -> tuple[float | None, float | None]:
    if found.low is None or found.high is None:
        return found.low, found.high
    if any(not scale.low <= value <= scale.high for value in values):
        return found.low, found.high
    return max(found.low, scale.low), min(found.high, scale.high)


def percentile_metric(
    values: Sequence[float], percent: float, *, errors: int = 0, rows: int | None = None
) -> Metric:
    """A percentile of times or counts (lower is better) with its distribution-free interval."""
    found = percentile_estimate(values, percent)
    metric = Metric(
        value=found.value,
        n=found.n,
        errors=errors,
        standard_deviation=found.standard_deviation,
        low=found.low,
        high=found.high,
        method=found.method,
        higher_is_better=False,
        rows=rows,
    )
    if metric.missing and values:
        value, interval = worst_percentile(values, percent, metric.missing)
        metric = replace(metric, worst_value=value, worst_interval=interval)
    return metric


def as_held(measured: Metric, held: Metric) -> Metric:
    """`measured` with the numbers that MLflow holds for it."""
    return replace(
        measured,
        value=held.value,
        n=held.n,
        errors=held.errors,
        standard_deviation=held.standard_deviation,
    )
