"""The gate and a judge that accepts the answers to other questions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing.config.gate import Budgets
from processing.config.thresholds import ThresholdParameter
from processing.gate.metric import Metric
from processing.gate.swapped_answers import SwappedAnswers
from processing.gate.verdict import Verdict, judge

PERFECT = {"Correctness": Metric(value=1.0, n=50, rows=50)}
THRESHOLD = ThresholdParameter("MinCorrectness", "Correctness", "min", 0.7)


def verdict(swapped: SwappedAnswers, budgets: Budgets = Budgets()) -> Verdict:  # noqa: B008
    return judge(PERFECT, [THRESHOLD], budgets, rows=50, endpoint_errors=0, swapped=[swapped])


def found(rejected: int, asked: int = 5, **changes: int) -> SwappedAnswers:
    return SwappedAnswers("Correctness", "bedrock:/m", asked, rejected, **changes)  # type: ignore[arg-type]


def test_a_judge_that_says_yes_to_everything_opens_no_gate() -> None:
    closed = verdict(found(0))
    assert not closed.passed
    assert closed.reasons == (
        "Correctness rejected 0 of 5 swapped answers (the expected answers to other questions), "
        "under min_swapped_rejected_share 0.5: bedrock:/m does not tell right from wrong",
    )


@pytest.mark.parametrize(("rejected", "passed"), [(5, True), (3, True), (2, False)])
def test_half_is_asked_for(rejected: int, passed: bool) -> None:
    assert verdict(found(rejected)).passed is passed


def test_what_decides_nothing_is_a_warning() -> None:
    shown = verdict(found(0, decides=False))
    assert shown.passed
    assert "does not tell right from wrong" in shown.warnings[0]


def test_errors_are_neither_rejections_nor_acceptances() -> None:
    assert verdict(found(2, errors=2)).passed
    assert not verdict(found(1, errors=2)).passed


def test_a_judge_that_gave_too_few_verdicts_to_be_known_opens_no_gate() -> None:
    untested = verdict(found(2, errors=3))
    assert not untested.passed
    said = "whether Correctness's judge can say no is not known: 2 of 5 swapped answers got a"
    assert untested.reasons[0].startswith(said)
    off = Budgets(min_swapped_rejected_share=0)
    assert verdict(found(2, errors=3), off).passed
    beside = verdict(found(2, errors=3, decides=False))
    assert beside.passed
    assert beside.warnings[0].startswith(said)


def test_the_share_is_the_users() -> None:
    strict, off = Budgets(min_swapped_rejected_share=1), Budgets(min_swapped_rejected_share=0)
    assert not verdict(found(4), strict).passed
    assert verdict(found(0), off).passed


@given(asked=st.integers(0, 20), errors=st.integers(0, 20), rejected=st.integers(0, 20))
def test_one_more_acceptance_never_opens_the_gate(asked: int, errors: int, rejected: int) -> None:
    errors = min(errors, asked)
    rejected = min(rejected, asked - errors)
    if not verdict(found(rejected, asked, errors=errors)).passed and rejected:
        assert not verdict(found(rejected - 1, asked, errors=errors)).passed
