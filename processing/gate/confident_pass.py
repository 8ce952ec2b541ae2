"""A pass that is as good as certain before the run is over: `stop_early: {..., for: both}`.

**Passes share nothing.** A model that is not good enough misses some bound: a threshold, one of a
slice, or a budget. It passes falsely only if the test of that very bound errs, for all of them have
to say "kept": the probability is at most that test's `error` (an intersection-union test: Berger,
Technometrics 24 (1982) 295-300). Nor do passes and refusals share: of a model that is good enough
only refusals can be false (`processing.gate.confident`), of any other only passes. So whichever it
is, the verdict is false with a probability of `error` at most.

**What a test decides**: the mean of scorers whose scale is known, over all rows and in slices, and
budgets that are shares of rows, by sequential tests on what a row adds to them:

- the endpoint's: failed <= share (rows - errors of a scorer), so the mean of 1 for a row that the
  endpoint failed on, and of the share for one that the scorer failed on, stays within the share;
- a judge's: errors <= share (numbers + errors), so the mean of 1 - share for an error, and of
  -share for a number, stays within 0; the same of answers that were cut at the token limit.

**What none decides** is kept by the worst that pending rows could bring, or is waited for: latency
and tokens, which change with the load and so along the order; the champion; swapped answers
(`RunningVerdict.in_the_way_of_passing`). `on: interval`, `on: calibrated` and `judges:` are refused
beside this (`processing.config.early_pass`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from processing.config.gate import Budgets
from processing.config.thresholds import bound_name
from processing.dataset.rows import Scalar
from processing.gate.betting import SequentialTest
from processing.gate.confident import tested_bounds
from processing.gate.running_verdict import (
    GateRules,
    RunningVerdict,
    measurement,
)
from processing.gate.settled_answer import SettledAnswer
from processing.gate.tally import Fate, fate_of
from processing.gate.worst_case import UNIT, Scale

ANSWER = ""
"""Stands for the endpoint's answer among what becomes of a row; the others are scorers."""


@dataclass(frozen=True)
class _ShareTest:
    """Whether a share of rows stays within its budget, by what each fate adds to it."""

    name: str
    test: SequentialTest
    adds: Mapping[Fate, float]


class ConfidentPass:
    """Sequential tests of all that has to be kept, fed with scores in any order.

    `rows`: as `processing.gate.confident` has them. What is settled twice counts once.
    """

    def __init__(
        self, rules: GateRules, rows: Mapping[str, Mapping[str, Scalar]], *, error: float
    ) -> None:
        self.error = error
        self._places = {row_id: place for place, row_id in enumerate(rows)}
        self._bounds = [
            (each, each.test(rules.scales[each.threshold.metric], error, "passed"))
            for each in tested_bounds(rules, rows)
            if each.threshold.on == "mean"
        ]
        budgets, count = rules.budgets, len(rows)
        hard = {t.metric for t in rules.thresholds if t.tier == "hard"}
        what = {name if name in rules.scales else measurement(name)[0] for name in hard}
        self._shares = {name: list(_of_errors(name, budgets, count, error)) for name in what}
        self._shares[ANSWER] = list(_of_answers(budgets, count, error))
        self._scorers = list(rules.scales)

    def answered(self, row_id: str, answer: SettledAnswer) -> None:
        """An answer, or that there is none, which no scorer will then be asked about."""
        self._settle(ANSWER, row_id, _fate_of_answer(answer), None)
        for what, (fate, number) in answer.fates().items():
            self._settle(what, row_id, fate, number)
        if not answer.answered:
            for scorer in self._scorers:
                self._settle(scorer, row_id, "lost", None)

    def scored(
        self, row_id: str, scorer: str, number: float | None, *, applies: bool = True
    ) -> None:
        """A verdict: its number, or None for an error; without `applies` the row does not count."""
        self._settle(scorer, row_id, fate_of(number) if applies else "not applicable", number)

    @property
    def decided(self) -> bool:
        """Whether every test says that what it tests is kept."""
        shares = (each.test for tests in self._shares.values() for each in tests)
        return all(test.decided for test in (*shares, *(test for _, test in self._bounds)))

    @property
    def kept(self) -> tuple[str, ...]:
        """The bounds that tests say are kept, by `bound_name`."""
        return tuple(
            bound_name(each.threshold, each.where) for each, t in self._bounds if t.decided
        )

    @property
    def why(self) -> str:
        """What the tests say, in one clause."""
        return f"every bound is kept by sequential tests (error {self.error:g})"

    def waits_for(self, certain: RunningVerdict) -> tuple[str, ...]:
        """What stands in the way of an early pass; empty if the model passes.

        `certain` has been fed with the same. Labels of people are the caller's to see to.
        """
        open_tests = [
            f"{bound_name(each.threshold, each.where)}: not decided after {test.used:,} of "
            f"{len(each.places):,} rows"
            for each, test in self._bounds
            if not test.decided
        ]
        open_tests += [
            f"{each.name}: not decided after {each.test.used:,} rows"
            for tests in self._shares.values()
            for each in tests
            if not each.test.decided
        ]
        return (*open_tests, *certain.in_the_way_of_passing(self.kept))

    def _settle(self, what: str, row_id: str, fate: Fate, number: float | None) -> None:
        for share in self._shares.get(what, ()):
            share.test.settle(self._places[row_id], share.adds[fate])
        for each, test in self._bounds:
            if each.threshold.metric == what and row_id in each.places:
                applies = fate != "not applicable"
                test.settle(each.places[row_id], number if applies else None, applies=applies)


def _fate_of_answer(answer: SettledAnswer) -> Fate:
    """`error` stands for an answer that counts as cut."""
    if answer.failed or not answer.said:
        return "lost" if answer.failed else "not applicable"
    return "error" if answer.cut is not False else "number"


def _of_answers(budgets: Budgets, rows: int, error: float) -> Iterator[_ShareTest]:
    failed, cut = budgets.max_endpoint_error_share, budgets.max_cut_answer_share
    if failed < 1:
        yield _within("max_endpoint_error_share", failed, rows, error)
    if cut is not None and cut < 1:
        yield _errors_within("max_cut_answer_share", cut, rows, error)


def _of_errors(name: str, budgets: Budgets, rows: int, error: float) -> Iterator[_ShareTest]:
    """Of a scorer that a hard threshold is on, or of what one measures."""
    failed, errors = budgets.max_endpoint_error_share, budgets.max_judge_error_share
    if failed < 1:
        # rows that a scorer failed on do not dilute the endpoint's share
        said = f"max_endpoint_error_share beside {name}"
        yield _within(said, failed, rows, error, of_an_error=failed)
    if errors < 1:
        yield _errors_within(f"max_judge_error_share of {name}", errors, rows, error)


def _within(
    name: str, share: float, rows: int, error: float, *, of_an_error: float = 0.0
) -> _ShareTest:
    """Lost rows within a share of all."""
    test = SequentialTest(rows, "max", share, UNIT, error=error, outcome="passed")
    return _ShareTest(
        name, test, {"lost": 1, "error": of_an_error, "number": 0, "not applicable": 0}
    )


def _errors_within(name: str, share: float, rows: int, error: float) -> _ShareTest:
    """Errors within a share of numbers and errors; other rows are part of neither."""
    scale = Scale(-share, 1 - share)
    test = SequentialTest(rows, "max", 0.0, scale, error=error, outcome="passed")
    return _ShareTest(
        name, test, {"lost": 0, "error": 1 - share, "number": -share, "not applicable": 0}
    )
