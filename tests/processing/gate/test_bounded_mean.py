"""The intervals that decide: honest, and never better for a score that is worse."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from processing.gate.bounded_mean import bounded_interval
from processing.gate.intervals import CONFIDENCE
from processing.gate.metric import scorer_metric
from processing.gate.worst_case import UNIT, Scale, paired_difference

score = st.one_of(st.sampled_from([0.0, 1.0, 0.5]), st.integers(0, 20).map(lambda i: i / 20))
maybe = st.one_of(score, st.none())


def low(*values: float) -> float:
    return bounded_interval(values, 0, 1, CONFIDENCE)[0]


@pytest.mark.parametrize(("yes", "n"), [(45, 45), (44, 45), (30, 100), (1, 30), (95, 100)])
def test_of_yes_and_no_it_is_the_sharper_of_two_known_intervals(yes: int, n: int) -> None:
    found = bounded_interval([1.0] * yes + [0.0] * (n - yes), 0, 1, CONFIDENCE)
    wilson, exact = (
        binomtest(yes, n).proportion_ci(CONFIDENCE, method=method) for method in ("wilson", "exact")
    )
    # Gaffke's quantile is drawn, and Clopper and Pearson's is not
    assert found[0] == pytest.approx(max(wilson.low, exact.low), abs=3e-3)
    assert found[1] == pytest.approx(min(wilson.high, exact.high), abs=3e-3)


def test_worse_scores_do_not_open_what_equal_ones_could_not() -> None:
    """Student's t says .9213 of the first and .9665 of the second."""
    assert low(*[1.0] * 44, 0.5) < low(*[1.0] * 45)
    assert low(*[0.96] * 30) < 0.95  # a constant says little of what the next row is


def test_more_rows_and_less_spread_make_it_narrower() -> None:
    widths = [low(*[0.8, 0.9] * n) for n in (10, 50, 250, 1250)]
    assert all(before < after for before, after in pairwise(widths))
    assert low(*[0.0, 1.0] * 50) < low(*[0.4, 0.6] * 50)


def test_many_rows_are_no_burden() -> None:
    found = bounded_interval([0.7, 0.9] * 60_000, 0, 1, CONFIDENCE)
    assert found[0] < 0.8 < found[1]


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(st.lists(maybe, min_size=1, max_size=30), st.data())
def test_no_score_that_gets_worse_or_is_lost_raises_what_is_compared(
    before: list[float | None], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(before) - 1))
    was = before[place]
    worse = None if was is None else data.draw(st.one_of(st.none(), st.floats(0, was)))
    after = [*before[:place], worse, *before[place + 1 :]]
    ends = []
    for values in (before, after):
        metric = scorer_metric(values, rows=len(values), numbers="monotone")
        compared = metric.worst_interval.low if metric.missing else metric.low
        ends.append(-1.0 if compared is None else compared)
    assert ends[1] <= ends[0] + 1e-12


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(maybe, maybe), min_size=1, max_size=30), st.booleans(), st.data())
def test_nothing_that_either_model_loses_helps_the_candidate(
    before: list[tuple[float | None, float | None]], higher_is_better: bool, data: st.DataObject
) -> None:
    scale = UNIT if higher_is_better else Scale(higher_is_better=False)
    place = data.draw(st.integers(0, len(before) - 1))
    ours, theirs = before[place]
    if data.draw(st.booleans()):
        theirs = None
    elif ours is not None:
        worse = st.floats(0, ours) if higher_is_better else st.floats(ours, 1)
        ours = data.draw(st.one_of(st.none(), worse))
    after = [*before[:place], (ours, theirs), *before[place + 1 :]]
    ends = [paired_difference(pairs, scale).worst_low for pairs in (before, after)]
    assert ends[0] is not None
    assert ends[1] is not None
    assert ends[1] <= ends[0] + 1e-9
