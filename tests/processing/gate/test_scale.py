"""No number of the gate leaves the scorer's scale: mean, interval, worst case, difference."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing.config.gate import Budgets, Threshold
from processing.config.scorer_numbers import number_of
from processing.config.scorers import parse_scorer
from processing.config.thresholds import threshold_parameters
from processing.dataset.rows import make_row
from processing.endpoint.answers import Answer
from processing.endpoint.client import Call
from processing.endpoint.reply import Reply
from processing.evaluation.measurements import measure
from processing.gate.metric import as_held, scale_of, scorer_metric
from processing.gate.verdict import judge
from processing.gate.worst_case import Scale, paired_difference

SCALES = (Scale(), Scale(1, 5), Scale(0, 10, False), Scale(0.1, 0.9), Scale(-1, 1))
BUDGETS = Budgets(min_rows=1, max_endpoint_error_share=1, max_judge_error_share=1)

scales = st.sampled_from(SCALES)
shares = st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.5, 1.0]))
verdicts = st.lists(st.one_of(shares, st.just(1.0), st.none()), min_size=1, max_size=12)


def on(scale: Scale, share: float | None) -> float | None:
    return None if share is None else scale.clipped(scale.low + share * (scale.high - scale.low))


@pytest.mark.slow
@given(scale=scales, shares=verdicts, unanswered=st.integers(0, 4))
def test_mean_interval_and_worst_case_lie_on_the_scale(
    scale: Scale, shares: list[float | None], unanswered: int
) -> None:
    values = [on(scale, share) for share in shares]
    metric = scorer_metric(values, rows=len(values) + unanswered, scale=scale, numbers="monotone")
    ends = (metric.low, metric.high, metric.value, metric.worst_value.low, metric.worst_value.high,
            metric.worst_interval.low, metric.worst_interval.high)  # fmt: skip
    assert all(end is None or scale.low <= end <= scale.high for end in ends)


@pytest.mark.slow
@given(scale=scales, pairs=st.lists(st.tuples(st.one_of(shares, st.none()), shares), min_size=1))
def test_a_difference_from_the_champion_is_no_greater_than_the_scale(
    scale: Scale, pairs: list[tuple[float | None, float]]
) -> None:
    placed = [(on(scale, ours), on(scale, theirs)) for ours, theirs in pairs]
    found = paired_difference(placed, scale)  # type: ignore[arg-type]
    span = scale.high - scale.low
    ends = (found.estimate.low, found.estimate.high, found.worst_low)
    assert all(end is None or -span <= end <= span for end in ends)


@pytest.mark.parametrize("level", [0.1, 0.7, 0.9, 1.1, 1 / 3])
@pytest.mark.parametrize("n", [3, 7, 10, 59, 1_000])
def test_equal_verdicts_have_that_mean_whatever_mlflow_rounds(level: float, n: int) -> None:
    """np.mean([0.1] * 3) is 0.10000000000000002, and a mean of 0.9's can be less than 0.9."""
    measured = scorer_metric([level] * n, scale=Scale(0, level))
    held = scorer_metric([float(np.mean([level] * n))] * n)
    assert as_held(measured, held).value == level
    for rule in ("min", "max"):
        bounds = threshold_parameters({"x": Threshold(**{rule: level})})
        metrics = {"x": as_held(measured, held)}
        assert judge(metrics, bounds, BUDGETS, rows=n, endpoint_errors=0).passed


def test_a_mean_of_mlflow_s_that_is_another_is_not_taken_for_rounding() -> None:
    measured = scorer_metric([0.5] * 9)
    assert as_held(measured, scorer_metric([0.6] * 9)).value == pytest.approx(0.6)


def test_one_row_of_sixty_without_a_number_lowers_perfect_rows_to_the_scale_s_bad_end() -> None:
    for scale, perfect, worst in (
        (Scale(), 1.0, 59 / 60),
        (Scale(1, 5), 5.0, (59 * 5 + 1) / 60),
        (Scale(0, 10, higher_is_better=False), 0.0, 10 / 60),
    ):
        metric = scorer_metric([perfect] * 59 + [None], scale=scale)
        bad = metric.worst_value.low if scale.higher_is_better else metric.worst_value.high
        assert bad == pytest.approx(worst)


def test_a_user_s_range_is_the_scale_of_the_worst_case() -> None:
    ranged = {"file": "scorers.py", "range": [0, 10], "higher_is_better": False}
    assert scale_of(parse_scorer({"typos": ranged})) == Scale(0, 10, higher_is_better=False)
    assert scale_of(parse_scorer({"typos": {"file": "scorers.py"}})).assumed


@pytest.mark.parametrize("tokens", [-5, 10**400, None])
def test_a_number_of_tokens_that_cannot_be_is_an_error_of_the_row(tokens: int | None) -> None:
    def answer(count: int | None, number: int) -> Answer:
        call = Call(Reply("x", count, 3), None, 1, 1.0, 0, 1)
        return Answer(make_row(f"{number}?", "x"), {}, call)

    metrics = measure([answer(7, 1), answer(tokens, 2)])
    mean = metrics["input_tokens_mean"]
    assert (mean.value, mean.n, mean.errors) == (7.0, 1, 1)
    assert metrics["input_tokens_p95"].errors == 1
    assert math.isfinite(metrics["output_tokens_mean"].value or math.nan)


@pytest.mark.parametrize(
    ("number", "counted"), [(0.99999999995, 1.0), (1.0000000000000004, 1.0), (1e-12, 0.0)]
)
def test_a_hair_beside_an_end_of_the_scale_is_that_end(number: float, counted: float) -> None:
    """RAGAS divides by what it has added 1e-10 to: a perfect score would miss a minimum of 1."""
    assert number_of(parse_scorer({"ContextPrecision": {"kind": "RAGAS"}}), number) == counted
