"""A refusal that is as good as certain before the run is over: `stop_early: confident`.

**Refusals share the error.** A model that is good enough keeps every threshold, and is refused
falsely as soon as any one of k tests errs: each is made at error / k (Bonferroni). So the
probability that a good model is refused early is at most `error` in all, whatever the scorers have
to do with each other. What counts are the hard thresholds, and those of slices, on the mean of
scorers whose scale is known. A threshold `on: interval` may be refused by its mean, which is never
on the pessimistic side of the interval's end. The champion, percentiles, and corrections by
people's labels have no test here: they decide when they are certain
(`processing.gate.running_verdict`), or at the end.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from processing.base.visible_text import visible
from processing.config.thresholds import SliceKey, ThresholdParameter, threshold_parameters
from processing.dataset.rows import Scalar
from processing.gate.betting import Outcome, SequentialTest
from processing.gate.running_verdict import GateRules
from processing.gate.slices import slice_groups
from processing.gate.worst_case import Scale


@dataclass(frozen=True)
class Tested:
    """A bound over some rows, with each row's place in the drawn order of these.

    `where`: the slice that they are; None for all rows.
    """

    threshold: ThresholdParameter
    places: Mapping[str, int]
    where: SliceKey | None = None

    @property
    def shown(self) -> str:
        sliced = f" where {self.where[0]} is {json.loads(self.where[1])}" if self.where else ""
        return f"{self.threshold.metric}{sliced}"

    def test(self, scale: Scale, error: float, outcome: Outcome) -> SequentialTest:
        return SequentialTest(
            len(self.places),
            self.threshold.rule,
            self.threshold.bound,
            scale,
            error=error,
            outcome=outcome,
        )


class ConfidentRefusal:
    """Sequential tests of all thresholds that can be tested, fed with scores in any order.

    `rows`: every row in **the drawn order**, row id -> slice column -> value. The order has to be
    random and drawn before anything is asked, as the one that rows are asked in; what arrives out
    of turn waits (`processing.gate.betting`). What is settled twice counts once.
    """

    def __init__(
        self, rules: GateRules, rows: Mapping[str, Mapping[str, Scalar]], *, error: float
    ) -> None:
        self._rules, self.error = rules, error
        tested = tested_bounds(rules, rows)
        self.tests = len(tested)
        """The number of tests among which refusals share the error."""
        self._refusals = [
            (each, each.test(rules.scales[each.threshold.metric], error / len(tested), "refused"))
            for each in tested
        ]
        self._by_scorer: dict[str, list[tuple[Tested, SequentialTest]]] = {}
        for each, test in self._refusals:
            self._by_scorer.setdefault(each.threshold.metric, []).append((each, test))

    def scored(
        self, row_id: str, scorer: str, number: float | None, *, applies: bool = True
    ) -> None:
        """A verdict: its number, or None for an error; without `applies` the row does not count."""
        for each, test in self._by_scorer.get(scorer, ()):
            if row_id in each.places:
                test.settle(each.places[row_id], number, applies=applies)

    def lost(self, row_id: str) -> None:
        """The endpoint has no answer for this row: no scorer has a number for it."""
        for scorer in self._rules.scales:
            self.scored(row_id, scorer, None)

    @property
    def refusals(self) -> tuple[str, ...]:
        """Why the gate would, as good as certainly, stay shut; empty while nothing is decided."""
        return tuple(
            visible(self._refused(each, test)) for each, test in self._refusals if test.decided
        )

    def _refused(self, each: Tested, test: SequentialTest) -> str:
        rule, bound = each.threshold.rule, each.threshold.bound
        does_not = "does not reach" if rule == "min" else "does not stay within"
        shared = f", of {self.error:g} shared by {self.tests} tests" if self.tests > 1 else ""
        return (
            f"{each.shown} {does_not} {bound:g}: {test.mean:.4g} over the first {test.used:,} of "
            f"{len(each.places):,} rows, by a sequential test (error {test.error:.2g}{shared})"
        )


def tested_bounds(rules: GateRules, rows: Mapping[str, Mapping[str, Scalar]]) -> list[Tested]:
    """Every hard bound that a sequential test can decide, those of slices too.

    `rows`: every row in the drawn order, row id -> slice column -> value.
    """
    everywhere = {row_id: place for place, row_id in enumerate(rows)}
    found = [Tested(t, everywhere) for t in rules.thresholds if _is_testable(rules, t)]
    for column, section in rules.slices.items():
        for key, ids in slice_groups(rows, column).items():
            if len(ids) < section.min_rows:
                continue
            # a random order of all rows is one of these, too
            places = {row_id: place for place, row_id in enumerate(ids)}
            found += [
                Tested(threshold, places, (column, key))
                for threshold in threshold_parameters(section.thresholds)
                if _is_testable(rules, threshold)
            ]
    return found


def _is_testable(rules: GateRules, threshold: ThresholdParameter) -> bool:
    scale = rules.scales.get(threshold.metric)
    if threshold.tier != "hard" or threshold.on == "calibrated" or scale is None:
        return False
    return (
        not scale.assumed
        and scale.low <= threshold.bound <= scale.high
        and (scale.low < scale.high)
    )
