"""A verdict that is as good as certain before the run is over: `stop_early: confident`.

**Refusals share the error.** A model that is good enough keeps every threshold, and is refused
falsely as soon as any one of k tests errs: each is made at error / k (Bonferroni). So the
probability that a good model is refused early is at most `error` in all, whatever the scorers have
to do with each other. What counts are the hard thresholds, and those of slices, on the mean of
scorers whose scale is known. A threshold `on: interval` may be refused by its mean, which is never
on the pessimistic side of the interval's end. The champion, percentiles, and corrections by
people's labels have no test here: they decide when they are certain
(`processing.gate.running_verdict`), or at the end.

**Passes share nothing.** A model that is not good enough misses some threshold, and passes falsely
only if the test of that very threshold errs, for all of them have to say "passed": the probability
is at most that test's `error` (an intersection-union test: Berger, Technometrics 24 (1982)
295-300). Thresholds `on: interval` and `on: calibrated` are not passed early.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from processing.base.visible_text import visible
from processing.config.thresholds import ThresholdParameter, threshold_parameters
from processing.dataset.rows import Scalar
from processing.gate.betting import Outcome, SequentialTest
from processing.gate.running_verdict import GateRules, RunningVerdict
from processing.gate.slices import slice_groups
from processing.gate.worst_case import Scale


@dataclass(frozen=True)
class _Tested:
    """A threshold over some rows, with each row's place in the drawn order of these."""

    shown: str
    threshold: ThresholdParameter
    places: Mapping[str, int]
    in_slice: bool = False

    def test(self, scale: Scale, error: float, outcome: Outcome) -> SequentialTest:
        return SequentialTest(
            len(self.places),
            self.threshold.rule,
            self.threshold.bound,
            scale,
            error=error,
            outcome=outcome,
        )


_Test = tuple[_Tested, SequentialTest]


class ConfidentVerdict:
    """Sequential tests of all thresholds that can be tested, fed with scores in any order.

    `rows`: every row in **the drawn order**, row id -> slice column -> value. The order has to be
    random and drawn before anything is asked, as the one that rows are asked in; what arrives out
    of turn waits (`processing.gate.betting`). What is settled twice counts once.
    """

    def __init__(
        self, rules: GateRules, rows: Mapping[str, Mapping[str, Scalar]], *, error: float
    ) -> None:
        self._rules, self.error = rules, error
        tested = list(_tested(rules, rows))
        self.tests = len(tested)
        """The number of tests among which refusals share the error."""
        self._refusals = [
            (each, each.test(rules.scales[each.threshold.metric], error / len(tested), "refused"))
            for each in tested
        ]
        self._passes = [
            (each, each.test(rules.scales[each.threshold.metric], error, "passed"))
            for each in tested
            if each.threshold.on == "mean" and not each.in_slice
        ]
        self._of_all: dict[str, list[_Test]] = {}
        self._of_slices: dict[tuple[str, str], list[_Test]] = {}
        for each, test in (*self._refusals, *self._passes):
            scorer = each.threshold.metric
            if not each.in_slice:
                self._of_all.setdefault(scorer, []).append((each, test))
            for row_id in each.places if each.in_slice else ():
                self._of_slices.setdefault((scorer, row_id), []).append((each, test))

    def scored(
        self, row_id: str, scorer: str, number: float | None, *, applies: bool = True
    ) -> None:
        """A verdict: its number, or None for an error; without `applies` the row does not count."""
        in_slices = self._of_slices.get((scorer, row_id), ())
        for each, test in (*self._of_all.get(scorer, ()), *in_slices):
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

    def _refused(self, each: _Tested, test: SequentialTest) -> str:
        rule, bound = each.threshold.rule, each.threshold.bound
        does_not = "does not reach" if rule == "min" else "does not stay within"
        shared = f", of {self.error:g} shared by {self.tests} tests" if self.tests > 1 else ""
        return (
            f"{each.shown} {does_not} {bound:g}: {test.mean:.4g} over the first {test.used:,} of "
            f"{len(each.places):,} rows, by a sequential test (error {test.error:.2g}{shared})"
        )

    def not_passed_yet(self, certain: RunningVerdict) -> tuple[str, ...]:
        """What stands in the way of an early pass; empty if the model passes.

        Every hard threshold has to be decided as passed by its test, or all its rows be there (as
        those of latency are, where every row is answered before judges are asked); so have the rows
        of slices and of the champion. The metrics rest on `min_rows`, and budgets are kept by what
        is settled. `certain` has been fed with the same. Labels that judges are held against, and
        swapped answers, are the caller's to see to.
        """
        waiting = [
            f"{each.shown}: not decided after {test.used:,} of {len(each.places):,} rows"
            for each, test in self._passes
            if not test.decided
        ]
        decided = [each.threshold for each, test in self._passes if test.decided]
        return (*map(visible, waiting), *certain.in_the_way_of_passing(decided))


def _tested(rules: GateRules, rows: Mapping[str, Mapping[str, Scalar]]) -> Iterator[_Tested]:
    everywhere = {row_id: place for place, row_id in enumerate(rows)}
    for threshold in rules.thresholds:
        if _is_testable(rules, threshold):
            yield _Tested(threshold.metric, threshold, everywhere)
    for column, section in rules.slices.items():
        for key, ids in slice_groups(rows, column).items():
            if len(ids) < section.min_rows:
                continue
            # a random order of all rows is one of these, too
            places = {row_id: place for place, row_id in enumerate(ids)}
            for threshold in threshold_parameters(section.thresholds):
                if _is_testable(rules, threshold):
                    shown = f"{threshold.metric} where {column} is {json.loads(key)}"
                    yield _Tested(shown, threshold, places, in_slice=True)


def _is_testable(rules: GateRules, threshold: ThresholdParameter) -> bool:
    scale = rules.scales.get(threshold.metric)
    if threshold.tier != "hard" or threshold.on == "calibrated" or scale is None:
        return False
    return (
        not scale.assumed
        and scale.low <= threshold.bound <= scale.high
        and (scale.low < scale.high)
    )
