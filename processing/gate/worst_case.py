"""The worst that rows without a number could make of a metric.

A row without a number (the endpoint failed, the judge failed, NaN) is never averaged away: the
gate compares the least favourable number over every value that the missing rows could have had on
the scorer's scale (Manski's bounds: Partial Identification of Probability Distributions, Springer
2003, chapter 1). So losing a row can only make a verdict stricter.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from processing.gate.intervals import (
    CONFIDENCE,
    Estimate,
    deviation,
    is_yes_no,
    percentile_estimate,
    student_t,
    wilson,
)

MOST_MISSING = 2_000
"""Above this the worst interval is not computed, and so not known: the time grows as its square."""


@dataclass(frozen=True)
class Bounds:
    """The least and the greatest that something can be; None where that is not known."""

    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Scale:
    """Where a scorer's numbers lie, and which end is good. Infinite where there is no end.

    `assumed`: nobody has said where they lie, and they may lie elsewhere.
    """

    low: float = 0.0
    high: float = 1.0
    higher_is_better: bool = True
    assumed: bool = False

    def holds(self, values: Iterable[float]) -> bool:
        return all(self.low <= value <= self.high for value in values)

    def clipped(self, number: float) -> float:
        return min(max(number, self.low), self.high)


UNIT = Scale()


def worst_percentile(
    values: Sequence[float], percent: float, missing: int
) -> tuple[Bounds, Bounds]:
    """The percentile, and its interval's ends, had the missing rows been the least or the greatest.

    A row that was never answered counts as infinitely fast or infinitely slow.
    """
    least = percentile_estimate([-math.inf] * missing + list(values), percent)
    greatest = percentile_estimate([*values, *([math.inf] * missing)], percent)
    return Bounds(least.value, greatest.value), Bounds(least.low, greatest.high)


def worst_mean(values: Sequence[float], missing: int, scale: Scale) -> Bounds:
    """The mean, had the missing rows been the scale's lowest or highest (Manski's bounds).

    Unknown where values lie outside the scale, or nothing was measured.
    """
    total = len(values) + missing
    if not values or not scale.holds(values):
        return Bounds() if missing or not values else Bounds(*[math.fsum(values) / total] * 2)
    known = math.fsum(values)
    ends = [(known + missing * end) / total if missing else known / total
            for end in (scale.low, scale.high)]  # fmt: skip
    return Bounds(*(scale.clipped(end) if math.isfinite(end) else None for end in ends))


def worst_interval(values: Sequence[float], missing: int, scale: Scale) -> Bounds:
    """The interval's ends over every way in which the missing rows could have come out.

    mean - k·s is concave in each missing value, so its least value is where each lies at one of
    the scale's ends; only how many at which end matters. All such fillings of all or some of the
    missing rows are tried, by Student's t, and by Wilson's where the numbers are all 0 or 1.
    Unknown where nothing is missing (the shown interval stands), and for an endless scale.
    """
    ends = (scale.low, scale.high)
    usable = all(map(math.isfinite, ends)) and scale.holds(values) and len(values) > 1
    if not missing or missing > MOST_MISSING or not usable:
        return Bounds()
    low = _least_t(values, missing, *ends)
    high = -_least_t([-value for value in values], missing, -scale.high, -scale.low)
    if is_yes_no(values) and ends == (0.0, 1.0):
        yes, total = int(sum(values)), len(values) + missing
        low, high = min(low, wilson(yes, total)[0]), max(high, wilson(yes + missing, total)[1])
    return Bounds(low, high)


def _least_t(values: Sequence[float], missing: int, low: float, high: float) -> float:
    """The least lower end of Student's t interval, some or all missing rows at `low` or `high`."""
    import numpy as np
    from scipy.stats import t

    mean = math.fsum(values) / len(values)  # the spread is taken around it: no cancellation
    squares = math.fsum((value - mean) ** 2 for value in values)
    added = np.arange(missing + 1)
    quantiles = t.ppf((1 + CONFIDENCE) / 2, len(values) + added - 1)
    least = math.inf
    for filled, quantile in zip(added, quantiles, strict=True):
        n = len(values) + filled
        at_high = np.arange(filled + 1)
        shift = ((filled - at_high) * (low - mean) + at_high * (high - mean)) / n
        spread = (filled - at_high) * (low - mean) ** 2 + at_high * (high - mean) ** 2
        variance = np.maximum(squares + spread - n * shift**2, 0) / (n - 1)
        least = min(least, float(np.min(mean + shift - quantile * np.sqrt(variance / n))))
    return least


@dataclass(frozen=True)
class PairedDifference:
    """Candidate minus champion over the rows that both scored; positive is better.

    `worst_low` is the interval's lower end over every way in which `missing` rows (the champion
    has a number, the candidate has none) could have come out; None where it is not known.
    """

    estimate: Estimate
    missing: int
    worst_low: float | None


def paired_difference(
    pairs: Sequence[tuple[float | None, float]], scale: Scale
) -> PairedDifference:
    """Student's t on the differences of `pairs` (candidate or None, champion), better upwards.

    The paired t interval: Altman and others, Statistics with Confidence, 2nd ed., chapter 4.
    """
    sign = 1 if scale.higher_is_better else -1
    better, worse = (scale.high, scale.low) if sign == 1 else (scale.low, scale.high)
    differences = [sign * (ours - theirs) for ours, theirs in pairs if ours is not None]
    unpaired = [theirs for ours, theirs in pairs if ours is None]
    known = scale.holds(number for pair in pairs for number in pair if number is not None)
    span = Scale(scale.low - scale.high, scale.high - scale.low)
    found = _paired_t(differences)
    if known and found.low is not None and found.high is not None:
        found = replace(found, low=span.clipped(found.low), high=span.clipped(found.high))
    if not unpaired:
        return PairedDifference(found, 0, found.low)
    lost = Scale(
        min(sign * (worse - theirs) for theirs in unpaired),
        max(sign * (better - theirs) for theirs in unpaired),
    )
    # a difference may lie outside of `lost`, which only says where the missing ones are
    wide = len(differences) > 1 and known and math.isfinite(lost.low) and math.isfinite(lost.high)
    if not wide or len(unpaired) > MOST_MISSING:
        return PairedDifference(found, len(unpaired), None)
    worst = _least_t(differences, len(unpaired), lost.low, lost.high)
    return PairedDifference(found, len(unpaired), span.clipped(worst))


def _paired_t(differences: Sequence[float]) -> Estimate:
    n = len(differences)
    if n < 2:
        value = differences[0] if n else None
        return Estimate(value, None, None, None, n, "none: fewer than two rows in common")
    low, high = student_t(differences)
    mean = math.fsum(differences) / n
    return Estimate(mean, low, high, deviation(differences), n, "Student t: paired differences")
