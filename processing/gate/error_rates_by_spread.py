"""How often a threshold errs on numbers, times and counts, whose spread an earlier run has shown.

What `error_rates` counts exactly for yes and no, by Student's t and, for percentiles, the binomial.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from processing.config.thresholds import ThresholdParameter
from processing.gate.bounded_mean import bounded_interval
from processing.gate.error_rates import (
    ACCEPTED,
    MOST_ROWS,
    WIDEST,
    Errors,
    models_beside,
    yes_no_errors,
)
from processing.gate.intervals import CONFIDENCE, deviation
from processing.gate.worst_case import Scale

AtTruth = Callable[[float], float]
"""A model's true number -> what is said of its rows."""


def graded_errors(
    threshold: ThresholdParameter,
    scale: Scale,
    seen: Sequence[float],
    rows: int,
    distance: float,
) -> Errors:
    """Of numbers on a finite scale that spread as those `seen` in an earlier run (at least two).

    The mean of `rows` is taken as Student's t with the degrees of freedom of `seen`, and their
    standard deviation, which near the scale's end cannot be more than that of yes and no. If all
    `seen` are the same, nothing is known of their spread, and it is taken as the widest.
    """
    if deviation(seen) == 0 or not scale.holds(seen):
        return yes_no_errors(threshold, scale, rows, distance, WIDEST)
    width = scale.high - scale.low
    worse, better = models_beside(
        threshold.bound, scale.low, scale.high, distance * width, least=threshold.rule == "min"
    )

    def spread(truth: float) -> float:
        return min(deviation(seen), math.sqrt((truth - scale.low) * (scale.high - truth)))

    def compared(truth: float) -> float:
        """What the gate compares if the rows' mean is this."""
        if threshold.on == "mean":
            return truth
        middle = _quantiles(_moved(seen, truth, scale), rows)
        low, high = bounded_interval(middle, scale.low, scale.high, CONFIDENCE)
        return truth + (low if threshold.rule == "min" else high) - sum(middle) / rows

    return _by_t(
        threshold, len(seen), rows, models=(worse, better), spread=spread, compared=compared
    )


def endless_errors(
    threshold: ThresholdParameter, seen: Sequence[float], rows: int, distance: float
) -> Errors:
    """Of the mean of times or counts, which spread as those `seen` (at least two) do.

    `distance` is a share of the bound; the spread is in proportion to the mean.
    """
    models = _in_proportion(threshold, distance)
    mean, spread = math.fsum(seen) / len(seen), deviation(seen)

    def spread_at(truth: float) -> float:
        return spread * truth / mean if mean else spread

    def compared(truth: float) -> float:
        if threshold.on == "mean" or rows < 2:
            return truth
        from scipy.stats import t

        half = float(t.ppf((1 + CONFIDENCE) / 2, rows - 1)) * spread_at(truth) / math.sqrt(rows)
        return truth - half if threshold.rule == "min" else truth + half

    return _by_t(threshold, len(seen), rows, models=models, spread=spread_at, compared=compared)


def percentile_errors(
    threshold: ThresholdParameter,
    percent: float,
    seen: Sequence[float],
    rows: int,
    distance: float,
) -> Errors:
    """Of a percentile of positive times or counts, whose logarithms spread as those `seen` do.

    `distance` is a share of the bound. Binomial: the percentile lies within the bound if enough of
    the rows do; for the interval's end, as many as its order statistic needs.
    """
    from scipy.stats import binom, norm

    least = threshold.rule == "min"
    worse, better = _in_proportion(threshold, distance)
    spread = max(deviation([math.log(max(value, 1e-9)) for value in seen]), 1e-9)
    share = percent / 100

    def rank(n: int) -> int:
        """The order statistic that is compared, from 1."""
        if threshold.on == "mean":
            return round((n - 1) * share) + 1
        tail = (1 - CONFIDENCE) / 2
        return int(binom.ppf(tail, n, share) if least else binom.ppf(1 - tail, n, share) + 1)

    def passes(truth: float, n: int) -> float:
        below = norm.cdf(norm.ppf(share) + math.log(threshold.bound / truth) / spread)
        at = rank(n)
        if not 1 <= at <= n:
            return 0.0  # the rows are too few for such an end
        return float(binom.cdf(at - 1, n, below) if least else binom.sf(at - 1, n, below))

    def both(n: int) -> tuple[float, float]:
        return passes(worse, n), 1 - passes(better, n)

    false_pass, false_stop = both(rows)
    needed = _doubled_then_halved(lambda n: max(both(n)) <= ACCEPTED)
    basis = f"times of {len(seen)} rows of the earlier run, as log-normal"
    return Errors(rows, worse, better, false_pass, false_stop, needed, basis)


def _in_proportion(threshold: ThresholdParameter, distance: float) -> tuple[float, float]:
    away = distance if threshold.rule == "min" else -distance
    return threshold.bound * (1 - away), threshold.bound * (1 + away)


def _by_t(
    threshold: ThresholdParameter,
    seen: int,
    rows: int,
    *,
    models: tuple[float, float],
    spread: AtTruth,
    compared: AtTruth,
) -> Errors:
    from scipy.stats import norm, t

    worse, better = models

    def passes(truth: float) -> float:
        beyond = compared(truth) - threshold.bound
        if threshold.rule == "max":
            beyond = -beyond
        error = spread(truth) / math.sqrt(rows)
        return float(t.cdf(beyond / error, seen - 1)) if error else float(beyond >= 0)

    z = float(norm.isf(ACCEPTED)) + (
        float(norm.ppf((1 + CONFIDENCE) / 2)) * (threshold.on != "mean")
    )
    away = min(abs(threshold.bound - worse), abs(better - threshold.bound))
    widest = max(spread(worse), spread(better))
    needed = math.ceil((z * widest / away) ** 2) if away else None
    return Errors(
        rows=rows,
        worse=worse,
        better=better,
        false_pass=passes(worse) if worse != threshold.bound else 0.0,
        false_stop=1 - passes(better),
        rows_needed=needed if needed and needed <= MOST_ROWS else None,
        basis=f"spread of {seen} rows of the earlier run",
    )


def _moved(seen: Sequence[float], mean: float, scale: Scale) -> list[float]:
    """The numbers around another mean, cut where the scale ends."""
    away = mean - math.fsum(seen) / len(seen)
    return [scale.clipped(value + away) for value in seen]


def _quantiles(values: Sequence[float], count: int) -> list[float]:
    """`count` numbers that are spread as `values` are."""
    import numpy as np

    ranks = (np.arange(count) + 0.5) / count
    return [float(value) for value in np.quantile(values, ranks, method="hazen")]


def _doubled_then_halved(good: Callable[[int], bool]) -> int | None:
    """About the least number of rows that is good enough."""
    high = 2
    while not good(high):
        if high >= MOST_ROWS:
            return None
        high *= 2
    low = high // 2
    while high - low > max(1, low // 50):
        middle = (low + high) // 2
        low, high = (low, middle) if good(middle) else (middle, high)
    return high
