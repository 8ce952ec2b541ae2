"""The worst that rows without a number could make of a metric.

A row without a number (the endpoint failed, the judge failed, NaN) is never averaged away: the
gate compares the least favourable number over every value that the missing rows could have had on
the scorer's scale (Manski's bounds: Partial Identification of Probability Distributions, Springer
2003, chapter 1). So losing a row can only make a verdict stricter.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from processing.gate.bounded_mean import bounded_interval
from processing.gate.clusters import Clusters, RowClusters
from processing.gate.intervals import CONFIDENCE, Estimate, percentile_estimate
from processing.gate.paired import paired_mean


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
TIMES_AND_COUNTS = Scale(0.0, math.inf, higher_is_better=False)
"""Of milliseconds and of tokens."""
RATES = Scale(0.0, math.inf)
"""Of tokens a second."""


def worst_percentile(
    values: Sequence[float], percent: float, missing: int, clusters: RowClusters | None = None
) -> tuple[Bounds, Bounds]:
    """The percentile, and its interval's ends, had the missing rows been the least or the greatest.

    A row that was never answered counts as infinitely fast or infinitely slow.
    """
    together = [*clusters.valued, *clusters.missing] if clusters else None
    least = percentile_estimate([*values, *([-math.inf] * missing)], percent, together)
    greatest = percentile_estimate([*values, *([math.inf] * missing)], percent, together)
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


def worst_interval(
    values: Sequence[float], missing: int, scale: Scale, clusters: RowClusters | None = None
) -> Bounds:
    """The interval's ends, had the missing rows been the scale's lowest or highest.

    The interval is monotone, so nothing between is worse. Unknown where nothing is missing (the
    shown interval stands), and where the scale is endless or the values lie outside.
    """
    ends = (scale.low, scale.high)
    if not (missing and values and all(map(math.isfinite, ends)) and scale.holds(values)):
        return Bounds()
    together = [*clusters.valued, *clusters.missing] if clusters else None
    low, _ = bounded_interval([*values, *[scale.low] * missing], *ends, CONFIDENCE, together)
    _, high = bounded_interval([*values, *[scale.high] * missing], *ends, CONFIDENCE, together)
    return Bounds(low, high)


@dataclass(frozen=True)
class PairedDifference:
    """Candidate minus champion over the rows on which both have a number; positive is better.

    Of `rows`, `missing` have none of the candidate's, `champion_missing` none of the champion's.
    `worst_low` is the interval's lower end where the former are lost by as much as the scale
    allows, and the champion is at its best on the latter; None where the scale is not known.
    """

    estimate: Estimate
    rows: int
    missing: int
    champion_missing: int
    worst_low: float | None


def paired_difference(
    pairs: Sequence[tuple[float | None, float | None]],
    scale: Scale,
    clusters: Clusters | None = None,
) -> PairedDifference:
    """Of (candidate or None, champion or None) for each row that counts, better upwards.

    `clusters`: what each row belongs to.
    """
    sign = 1 if scale.higher_is_better else -1
    better = scale.high if sign == 1 else scale.low
    both = [(ours, theirs) for ours, theirs in pairs if ours is not None and theirs is not None]
    numbers = [number for pair in pairs for number in pair if number is not None]
    width = scale.high - scale.low if scale.holds(numbers) else math.inf
    compared = clusters and [
        cluster for cluster, pair in zip(clusters, pairs, strict=True) if None not in pair
    ]
    found = paired_mean([sign * (ours - theirs) for ours, theirs in both], width, clusters=compared)
    worst = found.low
    if len(both) < len(pairs):
        # a row that is lost counts the same whatever the champion has there: one more never helps
        filled = [
            -width if ours is None else sign * (ours - (better if theirs is None else theirs))
            for ours, theirs in pairs
        ]
        worst = paired_mean(filled, width, clusters=clusters).low if math.isfinite(width) else None
    return PairedDifference(
        found,
        rows=len(pairs),
        missing=sum(ours is None for ours, _ in pairs),
        champion_missing=sum(theirs is None for _, theirs in pairs),
        worst_low=worst,
    )
