"""What is certain of the verdict while the run goes on: whether anything could still open the gate.

Fed with every answer and every score as it is settled, in any order, `RunningVerdict` says when the
whole run could not pass any more, whatever the pending rows bring. It is in step with
`processing.gate.verdict.judge` and what that is given: a threshold is lost when it is lost with the
best number that pending rows could get (`processing.gate.certain_bounds`), a budget when nothing
that is pending could bring it down again. A row costs some microseconds.

It never decides by what is not certain: thresholds `on: calibrated` (people's labels are not known
here), scorers whose scale is only assumed, intervals of percentiles by clusters, the labels that
judges are held against.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from processing.base.visible_text import visible
from processing.config.gate import Budgets, Champion, Slice
from processing.config.thresholds import (
    SliceKey,
    ThresholdParameter,
    bound_name,
    threshold_parameters,
)
from processing.dataset.rows import Scalar
from processing.gate.certain_bounds import Least, MeanBound, PercentileBound, too_little_so_far
from processing.gate.certain_budgets import AnswerBudgets, swapped_cannot_hold
from processing.gate.champion_bound import ChampionBound
from processing.gate.non_inferiority import RowScores
from processing.gate.settled_answer import SettledAnswer
from processing.gate.slices import slice_groups
from processing.gate.swapped_answers import SwappedAnswers
from processing.gate.tally import Fate, Tally, fate_of
from processing.gate.worst_case import TIMES_AND_COUNTS, Scale


@dataclass(frozen=True)
class GateRules:
    """What the gate holds a run against.

    `scales`: of every scorer. `may_not_apply`: the scorers that may have nothing to look for in a
    row. `champion_scores`: the champion's; None without one, or where it cannot be read.
    """

    thresholds: Sequence[ThresholdParameter]
    budgets: Budgets
    scales: Mapping[str, Scale]
    may_not_apply: Collection[str] = ()
    slices: Mapping[str, Slice] = field(default_factory=dict)
    champion: Champion | None = None
    champion_scores: RowScores | None = None


class _Bound(Protocol):
    def reason(self) -> str: ...


@dataclass(frozen=True)
class _Watched:
    name: str
    threshold: ThresholdParameter
    tally: Tally
    bound: MeanBound | PercentileBound


class RunningVerdict:
    """Of all `rows` (row id -> slice column -> value), as `rules` will have it in the end.

    `clusters`: row id -> what the row belongs to. What is settled twice counts once. Not for
    several threads at once.
    """

    def __init__(
        self,
        rules: GateRules,
        rows: Mapping[str, Mapping[str, Scalar]],
        clusters: Mapping[str, str] | None = None,
    ) -> None:
        self._rules, self._rows, self._clusters = rules, list(rows), clusters
        self._least = Least(rules.budgets.min_rows, rules.budgets.max_judge_error_share)
        self._reasons: dict[int | str, str] = {}
        self._settled: set[tuple[str, str]] = set()
        self._watched: dict[str, list[_Watched]] = {}
        self._in_slices: dict[tuple[str, str], list[_Watched]] = {}
        self._swapped: dict[str, int] = {}
        hard = [threshold for threshold in rules.thresholds if threshold.tier == "hard"]
        for threshold in hard:
            self._watch(threshold)
        together = [each.tally for watched in self._watched.values() for each in watched]
        self._answers = AnswerBudgets(rules.budgets, len(self._rows), together)
        for column, section in rules.slices.items():
            self._watch_slices(column, section, slice_groups(rows, column))
        every = (*self._watched.values(), *self._in_slices.values())
        self._bounds = list({id(each): each for watched in every for each in watched}.values())
        self._champion = self._champion_bounds()
        self.closed_from_the_start = tuple(self._reasons_at_once(hard))
        """Why the gate is closed whatever is measured: such a run is for its numbers."""

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why no completion of what is pending could open the gate; empty while one may.

        Also empty where the gate was closed from the start, as with fewer rows than `min_rows`: who
        runs that wants its numbers.
        """
        if self.closed_from_the_start:
            return ()
        return tuple(visible(reason) for reason in self._reasons.values())

    def answered(self, row_id: str, answer: SettledAnswer) -> None:
        """An answer, or that there is none, which no scorer will then be asked about."""
        if self._again("", row_id):
            return
        for what, (fate, number) in answer.fates().items():
            self._settle(what, row_id, fate, number)
        self._answers.settle(failed=answer.failed, said=answer.said, cut=answer.cut)
        self._look(self._answers)
        if not answer.answered:
            for scorer in self._rules.scales:
                if not self._again(scorer, row_id):
                    self._settle(scorer, row_id, "lost", None)

    def scored(
        self, row_id: str, scorer: str, number: float | None, *, applies: bool = True
    ) -> None:
        """A verdict: its number, or None for an error; without `applies` the row does not count."""
        if not self._again(scorer, row_id):
            fate = fate_of(number) if applies else "not applicable"
            self._settle(scorer, row_id, fate, number)
            self._look(self._answers)

    def swapped(self, found: SwappedAnswers, pending: int) -> None:
        """What became so far of the swapped answers of one judge; `pending` are still asked."""
        self._swapped[found.scorer] = pending
        if reason := swapped_cannot_hold(found, pending, self._rules.budgets):
            self._reasons.setdefault(found.scorer, reason)

    def in_the_way_of_passing(self, held: Collection[str]) -> tuple[str, ...]:
        """What an early pass has to wait for, where tests say that the bounds `held` are kept.

        Those by `bound_name`; any other has to be kept by the worst that pending rows could bring.
        """
        found = [*self.closed_from_the_start, *self.reasons, *self._answers.over_so_far()]
        for each in self._bounds:
            if each.name not in held and not each.bound.holds():
                found.append(f"{each.name}: {each.tally.pending:,} rows are pending")
            elif reason := too_little_so_far(each.name, each.tally, each.bound.least):
                found.append(reason)
        if self._rules.champion and not self._champion:
            found.append("the champion's numbers are not known yet")
        for metric, bound in self._champion.items():
            if not bound.holds():
                found.append(f"{metric} beside the champion's: {bound.pending:,} rows are pending")
        for scorer, pending in self._swapped.items():
            if pending:
                found.append(f"{scorer}: {pending} swapped answers are pending")
        return tuple(map(visible, found))

    def _again(self, what: str, row_id: str) -> bool:
        before = (what, row_id) in self._settled
        self._settled.add((what, row_id))
        return before

    def _settle(self, what: str, row_id: str, fate: Fate, number: float | None) -> None:
        found = number if number is not None and fate == "number" else 0.0
        in_slices = self._in_slices.get((what, row_id), ())
        for each in (*self._watched.get(what, ()), *in_slices):
            each.tally.settle(row_id, fate, found)
            self._look(each.bound)
        if what in self._champion:
            self._champion[what].settle(row_id, fate, found)
            self._look(self._champion[what])

    def _look(self, bound: _Bound) -> None:
        """What was lost once stays lost: the pending rows become fewer."""
        if id(bound) not in self._reasons and (reason := bound.reason()):
            self._reasons[id(bound)] = reason

    def _watch(self, threshold: ThresholdParameter) -> None:
        metric, least = threshold.metric, self._least
        if metric in self._rules.scales:
            watched = self._mean_watched(threshold, self._rows, least)
            self._watched.setdefault(metric, []).append(watched)
            return
        what, statistic = measurement(metric)
        watched = self._measured(metric, threshold, statistic, least)
        self._watched.setdefault(what, []).append(watched)

    def _measured(
        self, metric: str, threshold: ThresholdParameter, statistic: str, least: Least
    ) -> _Watched:
        if statistic == "mean":
            tally = Tally(self._rows)
            mean = MeanBound(metric, threshold, tally, TIMES_AND_COUNTS, least)
            return _Watched(bound_name(threshold), threshold, tally, mean)
        tally, percent = Tally(self._rows, "sorted"), float(statistic.removeprefix("p"))
        clusters = self._clusters
        together = clusters is not None and len(set(clusters.values())) < len(self._rows)
        bound = PercentileBound(metric, threshold, percent, tally, least, clustered=together)
        return _Watched(bound_name(threshold), threshold, tally, bound)

    def _mean_watched(
        self,
        threshold: ThresholdParameter,
        rows: Sequence[str],
        least: Least,
        where: SliceKey | None = None,
    ) -> _Watched:
        sliced = f" where {where[0]} is {json.loads(where[1])}" if where else ""
        tally = Tally(rows, "by row" if threshold.on == "interval" else "sums")
        bound = MeanBound(
            f"{threshold.metric}{sliced}",
            threshold,
            tally,
            self._rules.scales[threshold.metric],
            least,
            may_not_apply=threshold.metric in self._rules.may_not_apply,
            clusters=self._clusters,
        )
        return _Watched(bound_name(threshold, where), threshold, tally, bound)

    def _watch_slices(
        self, column: str, section: Slice, groups: Mapping[str, Sequence[str]]
    ) -> None:
        hard = [t for t in threshold_parameters(section.thresholds) if t.tier == "hard"]
        judged = {key: ids for key, ids in groups.items() if len(ids) >= section.min_rows}
        if hard and not judged:
            self._reasons[f"slices.{column}"] = f"slices.{column}: no value can be judged"
        for key, ids in judged.items():
            for threshold in hard:
                least = Least(section.min_rows)
                watched = self._mean_watched(threshold, ids, least, (column, key))
                for row_id in ids:
                    self._in_slices.setdefault((threshold.metric, row_id), []).append(watched)

    def _champion_bounds(self) -> dict[str, ChampionBound]:
        section, theirs = self._rules.champion, self._rules.champion_scores
        if section is None or theirs is None:
            return {}
        return {
            metric: ChampionBound(
                metric,
                section,
                theirs,
                self._rows,
                scale=self._rules.scales[metric],
                min_rows=self._rules.budgets.min_rows,
                may_not_apply=metric in self._rules.may_not_apply,
                clusters=self._clusters,
            )
            for metric in section.metrics
        }

    def _reasons_at_once(self, hard: Sequence[ThresholdParameter]) -> Iterator[str]:
        if not hard:
            yield "no threshold is hard, and without one nothing passes"
        bounds = (each.bound for each in self._bounds)
        for bound in (self._answers, *self._champion.values(), *bounds):
            self._look(bound)
        yield from self._reasons.values()


def measurement(metric: str) -> tuple[str, str]:
    """`latency_p95_ms` -> `latency`, `p95`; `input_tokens_mean` -> `input_tokens`, `mean`."""
    what, _, statistic = metric.removesuffix("_ms").rpartition("_")
    return what, statistic
