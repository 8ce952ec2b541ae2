"""The gate is closed whenever there is any doubt."""

from __future__ import annotations

import math

import pytest

from processing.config import Budgets, Threshold
from processing.errors import ConfigError
from processing.gate import Metric, judge, override, threshold_parameters

BUDGETS = Budgets(min_rows=30, max_endpoint_error_share=0.02, max_judge_error_share=0.05)
THRESHOLDS = threshold_parameters(
    {"Correctness": Threshold(min=0.7), "latency_p95_ms": Threshold(max=2000)}
)
GOOD = {"Correctness": Metric(0.7, n=100), "latency_p95_ms": Metric(2000.0, n=100)}


def verdict_on(metrics: dict[str, Metric], rows: int = 100, endpoint_errors: int = 0):  # noqa: ANN201
    return judge(metrics, THRESHOLDS, BUDGETS, rows=rows, endpoint_errors=endpoint_errors)


def test_bounds_are_inclusive() -> None:
    verdict = verdict_on(GOOD)
    assert verdict.passed
    assert verdict.summary == "all 2 thresholds hold"


@pytest.mark.parametrize(
    ("metric", "reason"),
    [
        (Metric(0.69, n=100), "Correctness 0.69 < min 0.7 (n=100)"),
        (Metric(None, n=0, errors=100), "Correctness has no value (n=0, 100 errors)"),
        (Metric(math.nan, n=100), "Correctness has no value (n=100)"),
        (Metric(math.inf, n=100), "Correctness has no value (n=100)"),
        (Metric(1.0, n=29), "Correctness rests on 29 rows, fewer than min_rows 30"),
        (
            Metric(1.0, n=94, errors=6),
            "Correctness could not be scored for 6 of 100 rows, over max_judge_error_share 0.05",
        ),
    ],
)
def test_each_doubt_closes_the_gate_and_is_named(metric: Metric, reason: str) -> None:
    verdict = verdict_on({**GOOD, "Correctness": metric})
    assert not verdict.passed
    assert verdict.reasons == (reason,)


def test_a_metric_that_was_never_measured_closes_the_gate() -> None:
    verdict = verdict_on({"latency_p95_ms": GOOD["latency_p95_ms"]})
    assert verdict.reasons == ("Correctness has no value (n=0)",)


def test_an_endpoint_that_failed_too_often_closes_the_gate() -> None:
    assert verdict_on(GOOD, endpoint_errors=2).passed
    verdict = verdict_on(GOOD, endpoint_errors=3)
    assert verdict.reasons == (
        "the endpoint failed on 3 of 100 rows, over max_endpoint_error_share 0.02",
    )


def test_a_dataset_that_is_too_small_closes_the_gate() -> None:
    assert "29 rows, fewer than min_rows 30" in verdict_on(GOOD, rows=29).summary


def test_no_thresholds_is_not_passed() -> None:
    assert not judge(GOOD, [], BUDGETS, rows=100, endpoint_errors=0).passed


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf])
def test_what_the_condition_step_compares_fails_where_there_is_no_number(
    value: float | None,
) -> None:
    metrics = dict.fromkeys(GOOD, Metric(value, n=100))
    at_least, at_most = verdict_on(metrics).checks
    assert math.isfinite(at_least.compared)
    assert at_least.compared < at_least.threshold.bound
    assert math.isfinite(at_most.compared)
    assert at_most.compared > at_most.threshold.bound


def test_the_summary_fits_into_a_step_s_failure_reason() -> None:
    many = threshold_parameters({f"metric_{i}": Threshold(min=1) for i in range(100)})
    summary = judge({}, many, BUDGETS, rows=100, endpoint_errors=0).summary
    assert summary.startswith("100 reason(s): metric_0 has no value")
    assert len(f"Quality gate not passed: {summary}") <= 1024


def test_parameters_given_at_start_replace_the_bounds() -> None:
    changed = override(THRESHOLDS, ["MinCorrectness=0.9"])
    assert [(p.name, p.bound) for p in changed] == [
        ("MinCorrectness", 0.9),
        ("MaxLatencyP95Ms", 2000.0),
    ]


@pytest.mark.parametrize(
    "given", ["MinCorrectnes=0.9", "MinCorrectness=high", "MinCorrectness=nan"]
)
def test_a_parameter_that_is_no_bound_is_refused(given: str) -> None:
    with pytest.raises(ConfigError, match=given):
        override(THRESHOLDS, [given])
