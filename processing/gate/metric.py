"""A metric: a number, the rows it rests on, its interval, and its worst case."""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass, replace

from processing.config.scorer_numbers import number_range
from processing.config.scorers import ScorerSpec
from processing.gate.calibrated import Calibrated
from processing.gate.clusters import RowClusters
from processing.gate.frequent_error import FrequentError
from processing.gate.intervals import Numbers, estimate, percentile_estimate
from processing.gate.worst_case import (
    UNIT,
    Bounds,
    Scale,
    worst_interval,
    worst_mean,
    worst_percentile,
)


@dataclass(frozen=True)
class Metric:
    """A metric and what it rests on.

    `n` rows gave a number and `errors` answered rows should have but did not; `value` is None
    without rows. `rows` is how many rows the dataset (or the slice) has: those that are in neither
    count got no answer. `low` to `high` is the 95 % interval, by `method`, over the `n` rows.
    `not_applicable` rows are no part of `rows`: the scorer has nothing to look for in them.
    `frequent_error` is the reason that most of the `errors` share.
    `asked`: the same over the rows that were asked, where the run ended before all were.
    `worst_value` and `worst_interval` are what value and interval could have been had the missing
    rows had numbers. `calibrated` is what people's labels make of it, None without labels.
    `load`: the calls at once under which times were measured; empty for what is no time.
    """

    value: float | None
    n: int
    errors: int = 0
    standard_deviation: float | None = None
    low: float | None = None
    high: float | None = None
    method: str = ""
    higher_is_better: bool = True
    rows: int | None = None
    not_applicable: int = 0
    frequent_error: FrequentError | None = None
    worst_value: Bounds = Bounds()  # noqa: RUF009 (frozen)
    worst_interval: Bounds = Bounds()  # noqa: RUF009
    calibrated: Calibrated | None = None
    asked: Metric | None = None
    load: str = ""

    @property
    def not_asked(self) -> int:
        """Rows that nobody was asked about: no errors."""
        return self.total - self.asked.total if self.asked else 0

    @property
    def error_share(self) -> float:
        """errors / (n + errors), or 1 where nothing was scored."""
        total = self.n + self.errors
        return self.errors / total if total else 1.0

    @property
    def total(self) -> int:
        """All rows that should have had a number."""
        return max(self.rows or 0, self.n + self.errors)

    @property
    def missing(self) -> int:
        """Rows without a number, for whatever reason."""
        return self.total - self.n

    @property
    def coverage(self) -> float:
        """n / rows of the dataset, or 0 where there are none."""
        return self.n / self.total if self.total else 0.0


def scale_of(spec: ScorerSpec) -> Scale:
    """What a row without a verdict could have counted, at worst and at best.

    A user's own function without a scale is taken to count 0 to 1. Where a verdict lies outside,
    the worst case of rows without one is not known, and the gate is closed on any.
    """
    low, high = number_range(spec)
    if math.isinf(low) or math.isinf(high):
        return Scale(higher_is_better=spec.higher_is_better, assumed=True)
    return Scale(low, high, spec.higher_is_better)


def scorer_metric(
    verdicts: Sequence[float | None],
    *,
    rows: int | None = None,
    not_applicable: int = 0,
    scale: Scale = UNIT,
    numbers: Numbers = "BCa",
    clusters: RowClusters | None = None,
) -> Metric:
    """A scorer's metric over `verdicts`, one for each answered row: a number, or None for an error.

    NaN and infinities are errors too. `rows` counts the rows that got no answer as well; without
    it all are answered. `not_applicable` of them have no verdict and need none.
    `numbers="monotone"` where a threshold looks at the interval. `clusters`: what each verdict's
    row belongs to, and the rows without an answer.
    """
    values = [value for value in verdicts if value is not None and math.isfinite(value)]
    if clusters is not None:
        with_number = [value is not None and math.isfinite(value) for value in verdicts]
        clusters = RowClusters(
            [*itertools.compress(clusters.valued, with_number)],
            [
                *itertools.compress(clusters.valued, map(operator.not_, with_number)),
                *clusters.missing,
            ],
        )
    errors = len(verdicts) - len(values)
    if rows is not None:
        rows -= not_applicable
    metric = mean_metric(values, errors, rows=rows, scale=scale, numbers=numbers, clusters=clusters)
    return replace(metric, not_applicable=not_applicable)


def mean_metric(
    values: Sequence[float],
    errors: int = 0,
    *,
    rows: int | None = None,
    scale: Scale = UNIT,
    numbers: Numbers = "BCa",
    clusters: RowClusters | None = None,
) -> Metric:
    """Mean, sample standard deviation and interval of finite `values`; no value where none are.

    The interval, and its worst case, keep to the scale if the values do: a share is not below 0.
    """
    found = estimate(
        values,
        numbers=numbers,
        ends=(scale.low, scale.high),
        clusters=clusters.valued if clusters else None,
    )
    shown = _within(scale, values, Bounds(found.low, found.high))
    metric = Metric(
        value=found.value,
        n=found.n,
        errors=errors,
        standard_deviation=found.standard_deviation,
        low=shown.low,
        high=shown.high,
        method=found.method,
        higher_is_better=scale.higher_is_better,
        rows=rows,
    )
    if metric.missing and values:
        metric = replace(metric, worst_value=worst_mean(values, metric.missing, scale))
        if numbers == "monotone":
            interval = worst_interval(values, metric.missing, scale, clusters)
            metric = replace(metric, worst_interval=_within(scale, values, interval))
    return metric


def _within(scale: Scale, values: Sequence[float], ends: Bounds) -> Bounds:
    if ends.low is None or ends.high is None or not scale.holds(values):
        return ends
    return Bounds(scale.clipped(ends.low), scale.clipped(ends.high))


def percentile_metric(
    values: Sequence[float],
    percent: float,
    *,
    errors: int = 0,
    rows: int | None = None,
    clusters: RowClusters | None = None,
    higher_is_better: bool = False,
) -> Metric:
    """A percentile of times, counts or rates with its distribution-free interval."""
    found = percentile_estimate(values, percent, clusters.valued if clusters else None)
    metric = Metric(
        value=found.value,
        n=found.n,
        errors=errors,
        standard_deviation=found.standard_deviation,
        low=found.low,
        high=found.high,
        method=found.method,
        higher_is_better=higher_is_better,
        rows=rows,
    )
    if metric.missing and values:
        value, interval = worst_percentile(values, percent, metric.missing, clusters)
        metric = replace(metric, worst_value=value, worst_interval=interval)
    return metric


def as_held(measured: Metric, held: Metric) -> Metric:
    """`measured` with the numbers that MLflow holds for it.

    MLflow's mean of equal verdicts may lie a hair beside them, and so beside scale and threshold.
    """
    value, ours = held.value, measured.value
    if measured.standard_deviation == 0 and ours is not None and value is not None:
        value = ours if math.isclose(value, ours, rel_tol=1e-9) else value
    return replace(
        measured,
        value=value,
        n=held.n,
        errors=held.errors,
        standard_deviation=held.standard_deviation,
    )
