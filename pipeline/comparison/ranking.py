"""The compared evaluations in order: those that passed the gate first, then by one metric.

Every pair is tested, not only those with the first evaluation, and a rank says no more than the
rows do: it is 1 and as many as are really ahead. So evaluations that cannot be told apart may share
a rank, and the order in which they were given changes nothing.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pipeline.comparison.differences import LEVEL, Difference, difference_in
from pipeline.comparison.mismatches import mismatches
from pipeline.comparison.run import MEASUREMENTS, ComparedRun, ComparisonError
from processing.base.suggestion import did_you_mean
from processing.gate.paired import holm

MOST_PAIRS = 15
"""Where there is little room for them: all of six evaluations."""


@dataclass(frozen=True)
class Pair:
    """Two evaluations, `ahead` the one whose mean over the shared rows is the better one.

    `difference` is that of `ahead` minus that of `behind`, in the metric's own unit; `low` to
    `high` its interval, rows without a number at their worst: all pairs' intervals hold together
    with 95 % (Holm's levels). Of the rows, `pairs` have a number in both, and `missing` none in one
    or both. `real`: Holm's p-value is at most 0.05, and the interval has no 0 in it. Not `tested`
    if there is nothing to compare: `reason` says why.
    """

    ahead: str
    behind: str
    real: bool = False
    tested: bool = False
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    pairs: int = 0
    missing: int = 0
    p_holm: float | None = None
    reason: str = ""

    def sentence(self, names: Mapping[str, str]) -> str:
        """In words; `names` are by label."""
        ahead, behind = names[self.ahead], names[self.behind]
        if not self.tested:
            return f"{ahead} and {behind} are not compared: {self.reason}"
        said = f"{ahead} is better than {behind}" if self.real else (
            f"{ahead} and {behind} cannot be told apart"
        )  # fmt: skip
        interval = "no interval"
        if self.low is not None or self.high is not None:
            ends = ["unknown" if end is None else f"{end:.3g}" for end in (self.low, self.high)]
            interval = f"95 % interval {' to '.join(ends)}"
        lost = f", {self.missing} more without a number at their worst" if self.missing else ""
        p = "p < 0.001" if (self.p_holm or 0) < 0.001 else f"p {self.p_holm:.3f}"
        return f"{said}: difference {self.difference:.3g}, {interval}, {p}, {self.pairs} rows{lost}"


@dataclass(frozen=True)
class Place:
    """An evaluation's `rank`: 1 and as many as are really ahead of it.

    `value` is the mean of the `n` rows that have a number; `missing` should have one, and do not.
    """

    rank: int
    run: str
    name: str
    passed: bool
    value: float | None
    n: int
    missing: int


@dataclass(frozen=True)
class Ranking:
    """`places` from the best on. `tests`: of how many pairs Holm's correction is."""

    metric: str
    higher_is_better: bool
    places: tuple[Place, ...]
    pairs: tuple[Pair, ...]
    tests: int

    @property
    def best(self) -> list[Place]:
        """Those that nothing is really ahead of: one, or several that cannot be told apart."""
        return [place for place in self.places if place.rank == 1]

    @property
    def names(self) -> dict[str, str]:
        """What each is called, by label: its name, with the label if two have one name."""
        names = [place.name for place in self.places]
        return {
            place.run: place.name if names.count(place.name) == 1 else f"{place.run} ({place.name})"
            for place in self.places
        }

    @property
    def rule(self) -> str:
        better = "higher" if self.higher_is_better else "lower"
        return (
            f"by {self.metric} ({better} is better), those that passed the gate first; a rank is 1 "
            "and as many as are really ahead. Every pair is tested with rows without a number at "
            "their worst; intervals and p-values hold for all pairs together (Holm, "
            f"{self.tests} {'test' if self.tests == 1 else 'tests'})"
        )

    def shared(self, place: Place) -> bool:
        """Whether another has this rank, too."""
        return sum(other.rank == place.rank for other in self.places) > 1


def rank(runs: Sequence[ComparedRun], metric: str | None = None) -> Ranking:
    """By that metric; without one, by the first that a threshold of the first run names.

    Raises ComparisonError for a metric that the rows have no numbers of.
    """
    chosen = _metric(runs, metric)
    in_order = sorted(runs, key=lambda run: (run.name, run.label))
    pairs = _tested([_trial(a, b, chosen) for a, b in itertools.combinations(in_order, 2)])
    beaten = {(pair.ahead, pair.behind) for pair in pairs if pair.real}

    def is_ahead(one: ComparedRun, other: ComparedRun) -> bool:
        if _passed(one) != _passed(other):
            return _passed(one)
        return (one.label, other.label) in beaten

    higher = runs[0].scale(chosen).higher_is_better
    places = [
        _place(run, chosen, 1 + sum(is_ahead(other, run) for other in runs)) for run in in_order
    ]
    places.sort(key=functools.partial(_best_first, higher_is_better=higher))
    order = {place.run: number for number, place in enumerate(places)}
    return Ranking(
        metric=chosen,
        higher_is_better=higher,
        places=tuple(places),
        pairs=tuple(
            sorted(pairs, key=lambda pair: sorted((order[pair.ahead], order[pair.behind])))
        ),
        tests=sum(pair.tested for pair in pairs),
    )


def rankable(runs: Sequence[ComparedRun]) -> list[str]:
    """Metrics that rows have a number of; a percentile is none of a row's."""
    return [*dict.fromkeys(name for run in runs for name in run.scorers), *MEASUREMENTS]


def require_rankable(metric: str | None, known: Sequence[str]) -> None:
    """Raises ComparisonError if it is none of those."""
    if metric is not None and metric not in known:
        raise ComparisonError(
            f"--rank-by {metric}: no row has a number of {metric!r}{did_you_mean(metric, known)}; "
            f"there are {', '.join(known)}"
        )


def _metric(runs: Sequence[ComparedRun], metric: str | None) -> str:
    known = rankable(runs)
    require_rankable(metric, known)
    bounds = (bound["metric"] for bound in runs[0].document["thresholds"].values())
    return metric or next((name for name in bounds if name in known), known[0])


@dataclass(frozen=True)
class _Trial:
    """`found` is `other` minus `first`, tested alone and without an interval yet."""

    first: ComparedRun
    other: ComparedRun
    found: Difference
    comparable: bool = True


def _trial(first: ComparedRun, other: ComparedRun, metric: str) -> _Trial:
    for found in mismatches(first, other):
        if metric in found.scorers:
            reason = f"{metric} has {found.kind.replace('other ', 'another ')} in each"
            found_none = Difference(other.label, metric, reason=reason)
            return _Trial(first, other, found_none, comparable=False)
    return _Trial(first, other, difference_in(first, other, metric, confidence=None))


def _tested(trials: Sequence[_Trial]) -> list[Pair]:
    """Holm's procedure: each pair's p-value, and its interval at the level it was tested at.

    Pairs that could be tested and have no number left count as tests that show nothing: else to
    lose all of one evaluation's verdicts would make other differences look surer.
    """
    p_values = [trial.found.p for trial in trials if trial.found.p is not None]
    p_values += [1.0 for trial in trials if trial.found.p is None and trial.comparable]
    adjusted = iter(holm(p_values))
    pairs = []
    for trial in trials:
        found = trial.found
        if found.p is None:
            pairs.append(Pair(trial.first.label, trial.other.label, reason=found.reason))
            continue
        confidence = 1 - _level(found.p, p_values)
        exact = difference_in(trial.first, trial.other, found.metric, confidence)
        pairs.append(_told(trial.first.label, replace(exact, p_holm=next(adjusted))))
    return pairs


def _level(p: float, p_values: Sequence[float]) -> float:
    """The level at which a p-value is tested; after the first that fails, that one's.

    Equal ones have the first one's level, so that their order does not matter.
    """
    ordered, most = sorted(p_values), len(p_values)
    fails = (k for k, each in enumerate(ordered) if each > LEVEL / (most - k))
    return LEVEL / (most - min(ordered.index(p), next(fails, most - 1)))


def _told(first: str, found: Difference) -> Pair:
    """`found` is its run minus `first`."""
    difference = found.difference or 0.0
    low, high = found.worst_low, found.worst_high
    beyond = (low is not None and low > 0) if difference > 0 else (high is not None and high < 0)
    pair = Pair(
        ahead=found.run,
        behind=first,
        real=found.p_holm is not None and found.p_holm <= LEVEL and difference != 0 and beyond,
        tested=True,
        difference=difference,
        low=low,
        high=high,
        pairs=found.pairs,
        missing=found.missing,
        p_holm=found.p_holm,
        reason=found.reason,
    )
    if difference != 0 and (difference > 0) == found.higher_is_better:
        return pair
    return replace(
        pair,
        ahead=first,
        behind=found.run,
        difference=0.0 - difference,
        low=None if high is None else 0.0 - high,
        high=None if low is None else 0.0 - low,
    )


def _place(run: ComparedRun, metric: str, number: int) -> Place:
    found = [run.number(metric, row) for row in run.rows]
    known = [value for value in found if value is not None]
    silent = sum(run.does_not_apply(metric, row) for row in run.rows)
    return Place(
        rank=number,
        run=run.label,
        name=run.name,
        passed=_passed(run),
        value=math.fsum(known) / len(known) if known else None,
        n=len(known),
        missing=max(run.document["counts"]["rows"], len(found)) - len(known) - silent,
    )


def _passed(run: ComparedRun) -> bool:
    return bool(run.document["gate"]["passed"] == 1)


def _best_first(place: Place, *, higher_is_better: bool) -> tuple[int, bool, bool, float]:
    value = place.value or 0.0
    better = -value if higher_is_better else value
    return place.rank, not place.passed, place.value is None, better
