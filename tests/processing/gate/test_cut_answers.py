"""Answers that end at the token limit: told above a share, and within a budget if there is one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from processing.config.gate import Budgets, Threshold
from processing.config.thresholds import threshold_parameters
from processing.gate.cut_answers import CutAnswers
from processing.gate.metric import Metric
from processing.gate.verdict import Verdict, judge

THRESHOLDS = threshold_parameters({"good": Threshold(min=0.5)})
GOOD = {"good": Metric(value=1.0, n=100)}


def verdict_on(cut: int, known: int = 100, total: int = 100, **budgets: float) -> Verdict:
    return judge(
        GOOD,
        THRESHOLDS,
        Budgets.model_validate(budgets),
        rows=100,
        endpoint_errors=0,
        cut_answers=CutAnswers(cut, known, total),
    )


def test_without_a_budget_they_close_no_gate_and_are_told_above_five_percent() -> None:
    assert verdict_on(5).warnings == ()
    told = verdict_on(6)
    assert told.passed
    assert told.warnings[0].startswith(
        "6 of 100 answers were cut at the token limit: raise max_tok"
    )


def test_over_its_budget_the_gate_is_shut() -> None:
    assert verdict_on(2, max_cut_answer_share=0.02).passed
    shut = verdict_on(3, max_cut_answer_share=0.02)
    assert not shut.passed
    assert shut.reasons[0].startswith("3 of 100 answers were cut at the token limit, over max_cut_")
    assert shut.warnings == ()
    assert not verdict_on(1, max_cut_answer_share=0).passed


def test_an_endpoint_that_does_not_say_keeps_no_budget() -> None:
    shut = verdict_on(0, known=0, max_cut_answer_share=0.5)
    assert not shut.passed
    assert "do not say whether they were cut" in shut.reasons[0]
    assert verdict_on(0, known=0).passed


counts = st.integers(0, 50)


@given(whole=counts, cut=counts, unknown=counts, budget=st.floats(0, 1))
def test_losing_a_stop_reason_never_opens_the_gate(
    whole: int, cut: int, unknown: int, budget: float
) -> None:
    total = whole + cut + unknown

    def passed(cut: int, known: int) -> bool:
        return verdict_on(cut, known, total, max_cut_answer_share=budget).passed

    if not passed(cut, whole + cut):
        if cut:
            assert not passed(cut - 1, whole + cut - 1)  # one that was cut is unknown now
        if whole:
            assert not passed(cut, whole + cut - 1)
