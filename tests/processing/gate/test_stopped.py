"""A run that ended before all was asked: never passed, no errors, and the reason comes first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from processing.config.gate import Budgets, Threshold
from processing.config.thresholds import threshold_parameters
from processing.gate.metric import Metric, scorer_metric
from processing.gate.stopped import Stopped
from processing.gate.verdict import Verdict, judge

STOPPED = Stopped("certain", "Correctness cannot reach 0.7 any more", 1000, 570, 0, None, 10, 430)


def metric(ones: int, of: int, rows: int) -> Metric:
    verdicts = [1.0] * ones + [0.0] * (of - ones)
    return replace(scorer_metric(verdicts, rows=rows), asked=scorer_metric(verdicts, rows=of))


def verdict(ones: int, stopped: Stopped | None = STOPPED) -> Verdict:
    return judge(
        {"Correctness": metric(ones, 430, 1000)},
        threshold_parameters({"Correctness": Threshold(min=0.7)}),
        Budgets(),
        rows=1000,
        endpoint_errors=0,
        stopped=stopped,
    )


def test_the_decisive_reason_leads_and_what_was_not_asked_is_no_error() -> None:
    found = verdict(100)
    assert not found.passed
    assert found.reasons == (
        "Correctness cannot reach 0.7 any more; decided after 430 of 1,000 rows; "
        "570 were not asked",
        "Correctness 0.2326 < min 0.7 (n=430)",
    )
    [check] = found.checks
    assert (check.metric.errors, check.metric.not_asked) == (0, 570)
    assert check.compared == pytest.approx(0.1)  # what QualityGate compares is the worst case


def test_a_bound_that_what_was_asked_holds_is_undecided_and_the_gate_stays_shut() -> None:
    found = verdict(420)
    assert not found.passed
    assert len(found.reasons) == 1
    [check] = found.checks
    assert check.undecided == "Correctness 0.9767 over the 430 rows that were asked; 570 were not"
    assert not check.passed
    # whatever is forgotten on the way: without a reason to have stopped it does not pass either
    assert not verdict(420, None).passed


def test_at_a_cap_it_says_what_was_spent_and_what_the_whole_would_take() -> None:
    capped = replace(STOPPED, rule="max_calls", why="the 430 calls of budgets.max_calls are made")
    [reason] = verdict(420, capped).reasons
    assert reason.startswith("stopped after 430 of 1,000 rows; 570 were not asked, because the 430")
    assert reason.endswith("a start with a larger cap goes on from there and pays nothing twice")
