"""The mean that people's labels correct: the paper's value, an honest interval, and no way up."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from processing.config.gate import Budgets
from processing.config.thresholds import ThresholdParameter
from processing.gate.calibrated import JudgedRow, calibrated
from processing.gate.check import compared_number, missed
from processing.gate.metric import Metric
from processing.gate.verdict import judge
from processing.gate.worst_case import UNIT, Scale

score = st.integers(0, 4).map(lambda i: i / 4)
maybe = st.one_of(st.none(), score)


@st.composite
def judged_rows(draw: st.DrawFn) -> list[JudgedRow]:
    """Some drawn at random, of which some have no label, and some rows without a verdict."""
    verdicts = draw(st.lists(maybe, min_size=2, max_size=40))
    share = draw(st.integers(1, len(verdicts)))
    return [
        JudgedRow(v, draw(maybe), len(verdicts) / share) if i < share else JudgedRow(v)
        for i, v in enumerate(verdicts)
    ]


def lower(rows: list[JudgedRow], scale: Scale = UNIT) -> float:
    low = calibrated(rows, scale).worst.low
    return -math.inf if low is None else low


def test_the_value_is_that_of_prediction_powered_inference() -> None:
    """Angelopoulos et al., Science 2023: mean of f plus mean of (Y - f) over the labelled rows."""
    drawn = random.Random(3)
    rows = [JudgedRow(drawn.random(), drawn.random(), 100 / 30) for _ in range(30)]
    rows += [JudgedRow(drawn.random()) for _ in range(70)]
    ours = calibrated(rows, UNIT)
    judged = sum(row.verdict or 0 for row in rows) / 100
    moved = sum((row.label or 0) - (row.verdict or 0) for row in rows[:30]) / 30
    assert ours.value == pytest.approx(judged + moved)
    assert ours.moved == pytest.approx(moved)
    assert ours.low is not None
    assert ours.high is not None
    assert ours.low < judged + moved < ours.high
    assert (ours.worst.low, ours.worst.high) == (ours.low, ours.high)


def test_probabilities_undo_a_draw_that_prefers_some_rows() -> None:
    """Of 40 rows that the judge rejects 20 are drawn, of 60 others 6; the judge is too strict."""
    strict = [JudgedRow(0.0, float(i % 2), 2.0) for i in range(20)] + [JudgedRow(0.0)] * 20
    others = [JudgedRow(1.0, 1.0, 10.0)] * 6 + [JudgedRow(1.0)] * 54
    assert calibrated(strict + others, UNIT).value == pytest.approx(0.6 + 0.4 * 0.5)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(judged_rows(), st.data())
def test_a_worse_label_or_none_never_raises_the_lower_end(
    rows: list[JudgedRow], data: st.DataObject
) -> None:
    labelled = [i for i, row in enumerate(rows) if row.label is not None]
    assume(labelled)
    i = data.draw(st.sampled_from(labelled))
    before = lower(rows)
    worse = data.draw(st.one_of(st.none(), score.filter(lambda s: s <= (rows[i].label or 0))))
    rows[i] = replace(rows[i], label=worse)
    after = calibrated(rows, UNIT).worst.low
    assert after is None or after <= before + 1e-9


@settings(max_examples=25, deadline=None)
@given(judged_rows(), st.data())
def test_a_worse_verdict_or_none_on_a_row_without_a_label_never_raises_the_lower_end(
    rows: list[JudgedRow], data: st.DataObject
) -> None:
    """On a labelled row a worse verdict says that the judge is too strict, and may raise it."""
    free = [i for i, row in enumerate(rows) if not row.weight and row.verdict is not None]
    assume(free)
    i = data.draw(st.sampled_from(free))
    before = lower(rows)
    worse = data.draw(st.one_of(st.none(), score.filter(lambda s: s <= (rows[i].verdict or 0))))
    rows[i] = replace(rows[i], verdict=worse)
    assert lower(rows) <= before + 1e-9


@settings(max_examples=25, deadline=None)
@given(judged_rows(), st.data())
def test_losing_the_verdict_of_a_labelled_row_never_raises_the_lower_end(
    rows: list[JudgedRow], data: st.DataObject
) -> None:
    both = [i for i, row in enumerate(rows) if row.weight and row.verdict is not None]
    assume(both)
    i = data.draw(st.sampled_from(both))
    before = lower(rows)
    rows[i] = replace(rows[i], verdict=None)
    after = calibrated(rows, UNIT).worst.low
    assert after is None or after <= before + 1e-9


@settings(max_examples=15, deadline=None)
@given(judged_rows())
def test_the_other_way_round_is_the_other_end(rows: list[JudgedRow]) -> None:
    def flip(row: JudgedRow) -> JudgedRow:
        verdict, label = (None if n is None else 1 - n for n in (row.verdict, row.label))
        return JudgedRow(verdict, label, row.weight)

    ours, theirs = calibrated(rows, UNIT), calibrated([flip(row) for row in rows], UNIT)
    assume(ours.worst.low is not None and theirs.worst.high is not None)
    assert theirs.worst.high is not None
    assert ours.worst.low == pytest.approx(1 - theirs.worst.high)


@pytest.mark.slow
def test_a_line_that_is_lost_of_a_draw_with_probabilities_counts_as_the_worst() -> None:
    rows = [JudgedRow(1.0, 1.0, 2.0)] * 50 + [JudgedRow(1.0)] * 50
    lost = [*rows[:49], JudgedRow(1.0), *rows[50:]]
    assert lower(lost) < lower(rows)
    assert lower(lost) == pytest.approx(lower([*rows[:49], JudgedRow(1.0, None, 2.0), *rows[50:]]))


def test_rows_that_no_draw_could_have_reached_count_as_the_worst() -> None:
    """A data set that has grown since the draw: nobody knows how the judge is on the new rows."""
    before = [JudgedRow(1.0, 1.0, 2.0)] * 50 + [JudgedRow(1.0)] * 50
    assert lower([*before, *[JudgedRow(1.0)] * 100]) <= 0.5


@pytest.mark.parametrize("scale", [Scale(1, 5), Scale(0, 1, higher_is_better=False)])
def test_any_scale_with_two_ends(scale: Scale) -> None:
    width = scale.high - scale.low
    unit = [
        JudgedRow(i % 3 / 2, i % 2, 4.0) if i % 4 == 0 else JudgedRow(i % 3 / 2) for i in range(80)
    ]

    def put(number: float | None) -> float | None:
        return None if number is None else scale.low + number * width

    put_rows = [JudgedRow(put(row.verdict), put(row.label), row.weight) for row in unit]
    ours, theirs = calibrated(put_rows, scale), calibrated(unit, UNIT)
    assert ours.low == pytest.approx(put(theirs.low))
    assert ours.value == pytest.approx(put(theirs.value))


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [JudgedRow(1.0)] * 50,
        [JudgedRow(None, 1.0, 1.0)] * 50,
        [JudgedRow(1.0, None, 1.0)] * 50,
        [JudgedRow(1.5, 1.0, 1.0)] * 50,
    ],
)
def test_without_labels_beside_verdicts_there_is_no_number_and_the_gate_is_closed(
    rows: list[JudgedRow],
) -> None:
    found = calibrated(rows, UNIT)
    assert (found.value, found.worst.low, found.worst.high) == (None, None, None)
    for metric in (
        Metric(1.0, 50, low=0.9, high=1.0, method="Wilson", calibrated=found),
        Metric(1.0, 50, low=0.9, high=1.0, method="Wilson"),
    ):
        threshold = ThresholdParameter("MinA", "A", "min", 0.0, "calibrated", "hard")
        number = compared_number(metric, threshold, 50)
        assert number is None
        assert "on: calibrated" in missed("A", metric, threshold, number)


def test_a_handful_of_labels_opens_no_gate() -> None:
    """Four picked answers, which the judge rejected and people like, moved .42 to 1."""
    rows = [JudgedRow(0.0, 1.0, 6.0)] * 4 + [JudgedRow(float(i % 2)) for i in range(20)]
    metric = Metric(value=0.42, n=24, rows=24, calibrated=calibrated(rows, UNIT))
    threshold = ThresholdParameter("MinS", "S", "min", 0.3, on="calibrated")
    verdicts = [
        judge({"S": metric}, [threshold], Budgets(min_rows=least), rows=24, endpoint_errors=0)
        for least in (5, 4)
    ]
    assert [verdict.passed for verdict in verdicts] == [False, True]
    assert verdicts[0].reasons == (
        "S: its correction rests on 4 labels of people, fewer than min_rows 5",
    )
