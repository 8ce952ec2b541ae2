"""What is settled of one metric over some rows while a run goes on, and what it can still become.

Every row is known; a pending one may yet get any number on the scale, or none. The best that can
come of a threshold is therefore reached where every pending row gets the number at the good end of
the scale, and every settled row without a number counts as the worst, as it will in the gate
(`processing.gate.worst_case`).
"""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Literal

from processing.config.gate import Rule
from processing.gate.bounded_mean import bounded_end, score_interval
from processing.gate.clusters import collapsed
from processing.gate.intervals import CONFIDENCE, end_ranks, interpolated
from processing.gate.worst_case import Scale

HAIR = 1e-8
"""By so large a part of the scale a number has to miss a bound before that is certain.

The gate compares MLflow's mean, which may differ from ours by a part in 1e9
(`processing.mlflow_record.scores.require_same_means`).
"""

LOOKS = 25
"""An interval takes up to half a second to compute: that often a run, at most, it is looked at."""

Z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)

Fate = Literal["number", "error", "lost", "not applicable"]
"""What became of a row: `lost` has no answer, `error` an answer that could not be scored."""


def fate_of(number: float | None) -> Fate:
    """Of a row that was to be scored: None, NaN and infinities are errors."""
    return "number" if number is not None and math.isfinite(number) else "error"


@dataclass
class Tally:
    """Counts of one metric over `rows`, of which those that are not settled are pending.

    `keeps`: whether the numbers themselves are wanted, by row for an interval's sake, or sorted
    for a percentile's.
    """

    rows: Sequence[str]
    keeps: Literal["sums", "by row", "sorted"] = "sums"
    n: int = 0
    errors: int = 0
    lost: int = 0
    not_applicable: int = 0
    total: float = 0.0
    least: float = math.inf
    greatest: float = -math.inf
    by_row: dict[str, float | None] = field(default_factory=dict)
    ordered: list[float] = field(default_factory=list)

    @property
    def settled(self) -> int:
        return self.n + self.missing + self.not_applicable

    @property
    def missing(self) -> int:
        """Rows that count as the worst, whatever comes."""
        return self.errors + self.lost

    @property
    def pending(self) -> int:
        return len(self.rows) - self.settled

    @property
    def counted(self) -> int:
        """Rows that the mean is over, unless a pending one turns out to be none."""
        return len(self.rows) - self.not_applicable

    def settle(self, row_id: str, fate: Fate, number: float = 0.0) -> None:
        if fate == "number":
            self._count(number)
        elif fate == "error":
            self.errors += 1
        elif fate == "lost":
            self.lost += 1
        else:
            self.not_applicable += 1
        if self.keeps == "by row" and fate != "not applicable":
            self.by_row[row_id] = number if fate == "number" else None

    def _count(self, number: float) -> None:
        self.n += 1
        self.total += number
        self.least, self.greatest = min(self.least, number), max(self.greatest, number)
        if self.keeps == "sorted":
            insort(self.ordered, number)

    def lies_on(self, scale: Scale) -> bool:
        """Whether the scale is known, and every number so far lies on it."""
        return not scale.assumed and scale.low <= self.least and self.greatest <= scale.high


def best_mean(tally: Tally, scale: Scale, rule: Rule) -> float:
    """The greatest mean for `min`, the least for `max`, that the gate may yet compare.

    Infinitely bad where a row without a number has no worst case: the gate then compares nothing.
    """
    worst, best = (scale.low, scale.high) if rule == "min" else (scale.high, scale.low)
    total = tally.total
    if tally.missing:
        total += tally.missing * worst
    if tally.pending and math.isfinite(total):
        total += tally.pending * best
    return total / tally.counted


def sure_mean(tally: Tally, scale: Scale, rule: Rule) -> float | None:
    """The mean that is reached whatever the pending rows become; None where that is not known."""
    unknown = tally.missing + tally.pending
    if not tally.n or (unknown and not tally.lies_on(scale)):
        return None
    worst = scale.low if rule == "min" else scale.high
    return (tally.total + (unknown * worst if unknown else 0.0)) / tally.counted


def best_interval_end(
    tally: Tally, scale: Scale, rule: Rule, clusters: Mapping[str, str] | None
) -> float:
    """The pessimistic end of the interval that the gate makes of the best that may yet come.

    As in `processing.gate.worst_case.worst_interval`; no pending row may turn out not to count.
    """
    worst, best = (scale.low, scale.high) if rule == "min" else (scale.high, scale.low)
    known = tally.by_row
    numbers = [worst if number is None else number for number in known.values()]
    numbers += [best] * tally.pending
    together = None
    if clusters is not None:
        pending = [r for r in tally.rows if r not in known] if tally.pending else []
        together = [clusters[row_id] for row_id in (*known, *pending)]
    return bounded_end(numbers, scale.low, scale.high, CONFIDENCE, together, upper=rule == "max")


def nearest_interval_end(mean: float, effective: float, scale: Scale, rule: Rule) -> float:
    """Wilson's end for that mean, and so a part of `best_interval_end` that costs nothing.

    The interval's own end is never on the pessimistic side of this.
    """
    share = min(max((mean - scale.low) / (scale.high - scale.low), 0.0), 1.0)
    low, high = score_interval(share, effective, Z)
    return scale.low + (low if rule == "min" else high) * (scale.high - scale.low)


def effective_rows(rows: Sequence[str], clusters: Mapping[str, str] | None) -> float:
    """As many as an interval over all of them rests on."""
    if clusters is None:
        return float(len(rows))
    return collapsed([0.0] * len(rows), [clusters[row_id] for row_id in rows]).effective


def best_percentile(tally: Tally, percent: float, rule: Rule) -> float:
    """The percentile, had pending rows been as good as can be: 0 for `max`, endless for `min`.

    Rows without a number count as the worst.
    """
    found = interpolated(lambda place: _ordered(tally, place, rule), len(tally.rows), percent)
    # between one endlessly small and another number the gate has nothing to compare
    return -math.inf if math.isnan(found) else found


def sure_percentile(tally: Tally, percent: float, rule: Rule) -> float:
    """The percentile, had all that is pending or missing been as bad as can be."""
    below = tally.missing + tally.pending if rule == "min" else 0

    def ordered(place: int) -> float:
        if place < below:
            return -math.inf
        return tally.ordered[place - below] if place < below + tally.n else math.inf

    return interpolated(ordered, len(tally.rows), percent)


def best_percentile_end(tally: Tally, percent: float, rule: Rule) -> float | None:
    """The same of its interval's pessimistic end; None where the rows are too few for that."""
    lower, upper = end_ranks(len(tally.rows), percent / 100)
    rank = lower if rule == "min" else upper
    return None if rank is None else _ordered(tally, rank - 1, rule)


def _ordered(tally: Tally, place: int, rule: Rule) -> float:
    below = tally.pending if rule == "max" else tally.missing
    if place < below:
        return 0.0 if rule == "max" else -math.inf
    return tally.ordered[place - below] if place < below + tally.n else math.inf
