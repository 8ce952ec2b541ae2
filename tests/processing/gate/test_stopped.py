"""A run that ended before all was asked: no errors, and what decided it comes first."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from processing.config.gate import Budgets, Slice, Threshold
from processing.config.thresholds import threshold_parameters
from processing.gate.metric import Metric, scorer_metric
from processing.gate.slices import judge_slices
from processing.gate.stopped import Stopped
from processing.gate.verdict import Verdict, judge
from processing.gate.worst_case import Scale

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


PASSED = replace(
    STOPPED,
    rule="confident",
    why="every bound is kept by sequential tests (error 0.05)",
    kept=("Correctness min 0.7",),
)


def test_an_early_pass_stands_on_what_was_asked_and_says_so() -> None:
    found = verdict(420, PASSED)
    assert found.passed
    assert found.summary == (
        "all 1 thresholds hold; every bound is kept by sequential tests (error 0.05); "
        "decided as passed after 430 of 1,000 rows; 570 were not asked"
    )
    [check] = found.checks
    assert check.compared == pytest.approx(420 / 430)  # what QualityGate compares


@pytest.mark.parametrize(
    ("ones", "changes", "reason"),
    [
        (300, {}, "Correctness 0.6977 < min 0.7 (n=430)"),
        (420, {"kept": ("Other min 0.7",)}, ""),
        (420, {"budgets": Budgets(min_rows=431)}, "Correctness: 0.9767 rests on 430 rows, fewer"),
        (420, {"failed": 9}, "the endpoint failed on 9 of 430 rows"),
    ],
)
def test_what_comes_home_after_an_early_pass_can_still_close_the_gate(
    ones: int, changes: dict[str, Any], reason: str
) -> None:
    found = judge(
        {"Correctness": metric(ones, 430, 1000)},
        threshold_parameters({"Correctness": Threshold(min=0.7)}),
        changes.get("budgets", Budgets()),
        rows=1000,
        endpoint_errors=changes.get("failed", 0),
        stopped=replace(PASSED, kept=changes.get("kept", PASSED.kept)),
    )
    assert not found.passed
    assert "".join(found.reasons).startswith(reason)


def test_a_slice_that_no_test_has_decided_keeps_an_early_pass_shut() -> None:
    rows = {str(i): {"topic": "a" if i % 2 else "b"} for i in range(100)}
    scores = {row_id: {"Correctness": 1.0} for row_id in list(rows)[:50]}
    left = {"Correctness": list(rows)[50:]}
    section = {"topic": Slice(min_rows=5, thresholds={"Correctness": Threshold(min=0.7)})}
    names = [f'Correctness where topic is "{value}" min 0.7' for value in "ab"]
    for kept, passed in ((names, True), (names[:1], False)):
        found = judge(
            {"Correctness": replace(metric(50, 50, 100), rows=100)},
            threshold_parameters({"Correctness": Threshold(min=0.7)}),
            Budgets(),
            rows=100,
            endpoint_errors=0,
            slices=judge_slices(
                section, rows, scores, {"Correctness": Scale()}, not_asked=left, kept=kept
            ),
            stopped=replace(PASSED, rows=100, not_asked=50, kept=(*PASSED.kept, *kept)),
        )
        assert found.passed is passed
