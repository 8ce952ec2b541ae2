"""Each metric's difference: over the rows that both runs scored, with interval, test, and losses.

A row on which one run has no number is in no mean, is counted, and is put in at its worst before a
difference is called real: losing rows never makes one look surer than it is.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from pipeline.comparison.mismatches import same_rows
from pipeline.comparison.run import MEASUREMENTS, ComparedRun
from processing.gate.intervals import CONFIDENCE, Estimate, is_yes_no
from processing.gate.paired import holm, paired_estimate
from processing.gate.sign_flips import cluster_sums, sign_flip_estimate, sign_flip_p
from processing.gate.worst_case import Scale

LEVEL = 0.05

State = Literal["better", "worse", "not shown", "not compared"]


@dataclass(frozen=True)
class Difference:
    """One metric of run `run` minus that of the first, in the metric's own unit.

    `first` and `other` are the means over the `pairs`. Of the other rows, `missing` have no number
    in a run that should have one, and `unpaired` are in one data set only. `better`, `worse` and
    `same` count pairs. `low` to `high` is the 95 % interval over the pairs, `worst_low` to
    `worst_high` with the missing rows at their worst. `p` is the test's, `p_holm` Holm's.
    """

    run: str
    metric: str
    higher_is_better: bool = True
    first: float | None = None
    other: float | None = None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    worst_low: float | None = None
    worst_high: float | None = None
    method: str = ""
    pairs: int = 0
    missing: int = 0
    unpaired: int = 0
    not_applicable: int = 0
    better: int = 0
    worse: int = 0
    same: int = 0
    p: float | None = None
    p_holm: float | None = None
    reason: str = ""

    @property
    def counted_p(self) -> float | None:
        """What counts among the tests: a metric that lost all its numbers shows nothing.

        It is not one test fewer, which would make the others look surer.
        """
        return 1.0 if self.p is None and self.missing else self.p

    def corrected(self, p_holm: float | None) -> Difference:
        return replace(self, p_holm=None if self.p is None else p_holm)

    @property
    def real(self) -> bool:
        """Whether it holds after Holm's correction, the missing rows at their worst.

        The interval has to leave out 0 as well: where few rows differ, the two may not quite agree.
        """
        if self.p_holm is None or self.p_holm > LEVEL:
            return False
        low, high = self.worst_low, self.worst_high
        return not ((low is not None and low <= 0) and (high is not None and high >= 0))

    @property
    def state(self) -> State:
        if self.p is None:
            return "not compared"
        if not self.real or not self.difference:
            return "not shown"
        return "better" if (self.difference > 0) == self.higher_is_better else "worse"


@dataclass
class _Pairing:
    """What the rows of two runs say of one metric."""

    scale: Scale
    first: list[float] = field(default_factory=list)
    other: list[float] = field(default_factory=list)
    lowest: list[float] = field(default_factory=list)
    highest: list[float] = field(default_factory=list)
    clusters: list[str] = field(default_factory=list)
    paired_clusters: list[str] = field(default_factory=list)
    missing: int = 0
    not_applicable: int = 0

    @property
    def differences(self) -> list[float]:
        return [b - a for a, b in zip(self.first, self.other, strict=True)]

    @property
    def clustered(self) -> bool:
        return len(set(self.clusters)) < len(self.clusters)

    def add(self, first: float | None, other: float | None, cluster: str) -> None:
        self.clusters.append(cluster)
        if first is not None and other is not None:
            self.first.append(first)
            self.other.append(other)
            self.lowest.append(other - first)
            self.highest.append(other - first)
            self.paired_clusters.append(cluster)
            return
        self.missing += 1
        low, high = self.scale.low, self.scale.high
        self.lowest.append((low if other is None else other) - (high if first is None else first))
        self.highest.append((high if other is None else other) - (low if first is None else first))


def differences(
    runs: Sequence[ComparedRun], not_compared: Collection[tuple[str, str]]
) -> list[Difference]:
    """Of each run from the first, metric by metric; Holm's correction is over all of them.

    `not_compared`: (run's label, scorer) whose verdicts mean something else in the two runs.
    """
    first, *others = runs
    found = [
        Difference(run.label, metric, reason="see above")
        if (run.label, metric) in not_compared
        else difference_in(first, run, metric)
        for run in others
        for metric in _metrics(first, run)
    ]
    return _corrected(found)


def _metrics(first: ComparedRun, other: ComparedRun) -> list[str]:
    return [*dict.fromkeys([*first.scorers, *other.scorers]), *MEASUREMENTS]


def _corrected(found: list[Difference]) -> list[Difference]:
    adjusted = holm_of_tests([difference.counted_p for difference in found])
    return [difference.corrected(p) for difference, p in zip(found, adjusted, strict=True)]


def holm_of_tests(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's p-values over those that are tests; None where there is no test."""
    adjusted = iter(holm([p for p in p_values if p is not None]))
    return [None if p is None else next(adjusted) for p in p_values]


def difference_in(
    first: ComparedRun, other: ComparedRun, metric: str, confidence: float | None = CONFIDENCE
) -> Difference:
    """`other` minus `first`, tested alone; its intervals are of that confidence, None for none."""
    pairing = _paired(first, other, metric)
    scale, found = pairing.scale, pairing.differences
    only_one = 0 if same_rows(first, other) else len(first.rows.keys() ^ other.rows.keys())
    counts = Difference(
        other.label,
        metric,
        higher_is_better=scale.higher_is_better,
        missing=pairing.missing,
        unpaired=only_one,
        not_applicable=pairing.not_applicable,
    )
    if not found:
        return replace(counts, reason="no row has a number in both")
    yes_no = (
        metric not in MEASUREMENTS
        and is_yes_no([*pairing.first, *pairing.other])
        and ((scale.low, scale.high) == (0, 1) or scale.assumed)
    )
    gained = [d if scale.higher_is_better else -d for d in found]
    p = sign_flip_p(
        cluster_sums(pairing.lowest, pairing.clusters)[0],
        cluster_sums(pairing.highest, pairing.clusters)[0],
    )
    without_missing = cluster_sums(found, pairing.paired_clusters)[0]
    lost = pairing.missing and p > LEVEL >= sign_flip_p(without_missing)
    tested = replace(
        counts,
        first=math.fsum(pairing.first) / len(found),
        other=math.fsum(pairing.other) / len(found),
        difference=math.fsum(found) / len(found),
        pairs=len(found),
        better=sum(d > 0 for d in gained),
        worse=sum(d < 0 for d in gained),
        same=sum(d == 0 for d in gained),
        p=p,
        reason=f"{pairing.missing} rows without a number could undo it" if lost else "",
    )
    if confidence is None:
        return tested
    return _with_intervals(tested, pairing, confidence, yes_no=yes_no)


def _with_intervals(
    tested: Difference, pairing: _Pairing, confidence: float, *, yes_no: bool
) -> Difference:
    scale = pairing.scale
    yes_no &= not pairing.clustered
    together = pairing.paired_clusters
    estimate = _mean(pairing.differences, together, confidence, yes_no=yes_no)
    low, high = _within(scale, estimate.low, estimate.high)
    worst_low, worst_high = low, high
    if pairing.missing:
        ends = _worst_interval(pairing, confidence, yes_no=yes_no)
        worst_low, worst_high = _within(scale, *ends)
    return replace(
        tested,
        low=low,
        high=high,
        worst_low=worst_low,
        worst_high=worst_high,
        method=estimate.method,
    )


def _paired(first: ComparedRun, other: ComparedRun, metric: str) -> _Pairing:
    """Rows in the order of their ids, so that the other way round they are in the same order."""
    rows, in_neither = rows_to_pair(first, other)
    numbers = [(first.number(metric, row), other.number(metric, row)) for row in rows]
    pairing = _Pairing(_scale(first, other, metric, numbers))
    for row, (ours, theirs) in zip(rows, numbers, strict=True):
        applies = not (first.does_not_apply(metric, row) or other.does_not_apply(metric, row))
        if applies or ours is not None or theirs is not None:
            cluster = first.cluster(row) or other.cluster(row) or f"row {row}"
            pairing.add(ours, theirs, cluster)
        else:
            pairing.not_applicable += 1
    for number in range(in_neither):
        pairing.add(None, None, f"in neither file, {number}")
    return pairing


def rows_to_pair(first: ComparedRun, other: ComparedRun) -> tuple[list[str], int]:
    """The ids of the rows that count in both, in order, and how many more are in neither file."""
    if not same_rows(first, other):
        return sorted(first.rows.keys() & other.rows.keys()), 0
    rows = sorted(first.rows.keys() | other.rows.keys())
    evaluated = max(run.document["counts"]["rows"] for run in (first, other))
    return rows, max(evaluated - len(rows), 0)


def _scale(
    first: ComparedRun,
    other: ComparedRun,
    metric: str,
    numbers: Sequence[tuple[float | None, float | None]],
) -> Scale:
    """Endless where one does not say it, they say different ones, or a number lies outside."""
    ours, theirs = first.scale(metric), other.scale(metric)
    known = (number for pair in numbers for number in pair if number is not None)
    if ours == theirs and not ours.assumed and ours.holds(known):
        return ours
    return Scale(-math.inf, math.inf, ours.higher_is_better, assumed=True)


def _within(
    scale: Scale, low: float | None, high: float | None
) -> tuple[float | None, float | None]:
    span = Scale(scale.low - scale.high, scale.high - scale.low)
    return (
        None if low is None else span.clipped(low),
        None if high is None else span.clipped(high),
    )


def _worst_interval(
    pairing: _Pairing, confidence: float, *, yes_no: bool
) -> tuple[float | None, float | None]:
    """With the missing rows at their worst; an end is None where nobody knows how bad that is."""
    low = high = None
    if all(map(math.isfinite, pairing.lowest)):
        low = _mean(pairing.lowest, pairing.clusters, confidence, yes_no=yes_no).low
    if all(map(math.isfinite, pairing.highest)):
        high = _mean(pairing.highest, pairing.clusters, confidence, yes_no=yes_no).high
    return low, high


def _mean(
    differences: Sequence[float], clusters: Sequence[str], confidence: float, *, yes_no: bool
) -> Estimate:
    """Tango's interval, or that of the test, which flips the signs of whole clusters."""
    if yes_no:
        return paired_estimate(differences, yes_no=True, confidence=confidence)
    return sign_flip_estimate(differences, confidence, clusters)
