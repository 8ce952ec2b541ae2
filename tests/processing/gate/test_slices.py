"""Slices have their own rows and thresholds, and errors do not talk them out of these."""

from __future__ import annotations

import math
from typing import Any

import pytest

from processing.config.gate import Slice
from processing.gate.slices import SlicesVerdict, judge_slices

Scores = dict[str, dict[str, float | None]]


def judged(groups: dict[Any, list[float | None]], section: dict[str, Any]) -> SlicesVerdict:
    """`groups`: slice value -> the verdicts of its rows."""
    rows: dict[str, dict[str, Any]] = {}
    scores: Scores = {}
    for value, verdicts in groups.items():
        for verdict in verdicts:
            row_id = f"{len(rows):016x}"
            rows[row_id] = {"topic": value}
            scores[row_id] = {"Correctness": verdict}
    return judge_slices({"topic": Slice.model_validate(section)}, rows, scores, {})


MIN = {"min_rows": 5, "thresholds": {"Correctness": {"min": 0.6}}}


def test_each_value_with_enough_rows_is_judged_by_itself() -> None:
    verdict = judged({"heart": [1.0] * 6, "sleep": [1.0, 1.0, 0.0, 0.0, 0.0, 1.0]}, MIN)
    assert [(c.value, c.check.metric.n, c.check.passed) for c in verdict.checks] == [
        ("heart", 6, True),
        ("sleep", 6, False),
    ]
    assert verdict.reasons == ("Correctness where topic is sleep 0.5 < min 0.6 (n=6)",)
    assert verdict.checks[0].check.metric.low == pytest.approx(0.6097, abs=5e-5)  # Wilson, 6/6


def test_too_few_rows_is_named_and_not_judged() -> None:
    verdict = judged({"heart": [1.0] * 6, "sleep": [0.0] * 4}, MIN)
    assert verdict.reasons == ()
    assert verdict.warnings == ("too few rows to judge (under 5) where topic is sleep",)


def test_errors_do_not_make_a_judged_value_one_with_too_few_rows() -> None:
    verdict = judged({"heart": [1.0] * 6, "sleep": [0.0] * 4 + [None]}, MIN)
    assert verdict.reasons == (
        "Correctness where topic is sleep: 0 rests on 4 rows, fewer than its min_rows 5",
    )
    for missing in (None, math.nan, math.inf):
        verdict = judged({"heart": [1.0] * 6, "sleep": [1.0] * 3 + [missing] * 3}, MIN)
        assert len(verdict.reasons) == 1


def test_a_row_that_the_scorer_does_not_apply_to_does_not_count() -> None:
    rows = {str(i): {"topic": "sleep"} for i in range(10)}
    scores: Scores = {str(i): {"Correctness": 1.0} if i < 5 else {} for i in range(10)}
    section = {"topic": Slice.model_validate(MIN)}
    none = {str(i): ["Correctness"] for i in range(5, 10)}
    verdict = judge_slices(section, rows, scores, {}, none)
    assert verdict.reasons == ()
    assert verdict.checks[0].check.compared == 1.0
    del none["9"]  # without a number, and nobody says that it needs none
    verdict = judge_slices(section, rows, scores, {}, none)
    assert verdict.checks[0].check.compared == pytest.approx(5 / 6)


def test_a_row_without_a_number_counts_as_the_worst() -> None:
    verdict = judged({"sleep": [1.0] * 3 + [0.0] * 2 + [None]}, MIN)
    assert verdict.checks[0].check.metric.value == 0.6
    assert verdict.checks[0].check.compared == 0.5
    assert len(verdict.reasons) == 1


def test_soft_and_monitor_slices_do_not_block() -> None:
    section = {"min_rows": 1, "thresholds": {"Correctness": {"min": 0.6, "tier": "soft"}}}
    verdict = judged({"sleep": [0.0]}, section)
    assert verdict.reasons == ()
    assert verdict.warnings == ("Correctness where topic is sleep 0 < min 0.6 (n=1)",)


def test_a_column_that_no_row_has_closes_the_gate() -> None:
    verdict = judge_slices({"topc": Slice.model_validate(MIN)}, {"a": {"topic": "x"}}, {}, {})
    assert verdict.reasons == ("slices.topc: no row of the dataset has a column 'topc'",)


def test_a_column_of_which_no_value_can_be_judged_closes_the_gate() -> None:
    verdict = judged({f"value {i}": [1.0] for i in range(20)}, MIN)
    assert verdict.reasons == ("slices.topic: no value has min_rows 5 rows, so none can be judged",)


def test_values_that_only_look_alike_are_different_slices() -> None:
    rows = {str(i): {"topic": value} for i, value in enumerate([1, "1", True, None, 1.5])}
    section = Slice.model_validate({"min_rows": 1, "thresholds": {"Correctness": {"min": 0}}})
    scores: Scores = {row_id: {"Correctness": 1.0} for row_id in rows}
    verdict = judge_slices({"topic": section}, rows, scores, {})
    assert sorted(repr(c.value) for c in verdict.checks) == ["'1'", "1", "1.5", "None", "True"]


def test_rows_that_were_never_answered_belong_to_their_slice() -> None:
    rows = {str(i): {"topic": "sleep" if i < 6 else "heart"} for i in range(12)}
    scores: Scores = {row_id: {"Correctness": 1.0} for row_id in rows if row_id not in ("0", "1")}
    verdict = judge_slices({"topic": Slice.model_validate(MIN)}, rows, scores, {})
    assert verdict.reasons == (
        "Correctness where topic is sleep: 1 rests on 4 rows, fewer than its min_rows 5",
    )
