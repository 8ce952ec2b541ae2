"""The gate is closed whenever there is any doubt."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import pytest
from configuration_file import read_document, write_document
from running_aws import ConfigWriter
from typed_command import typed

from processing.base.errors import ConfigError
from processing.config.file import load_config
from processing.config.gate import Budgets, Threshold
from processing.config.scorers import parse_scorer
from processing.config.thresholds import override, threshold_parameters
from processing.gate.metric import Metric, mean_metric, percentile_metric, scorer_metric
from processing.gate.verdict import judge
from processing.gate.worst_case import Scale

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
        (Metric(1.0, n=29), "Correctness: 1 rests on 29 rows, fewer than min_rows 30"),
        (
            Metric(1.0, n=94, errors=6),
            "Correctness: 1, but 6 of 100 rows could not be scored, "
            "over max_judge_error_share 0.05",
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
    changed = override(THRESHOLDS, ["MinCorrectness=0.9"], [parse_scorer("Correctness")])
    assert [(p.name, p.bound) for p in changed] == [
        ("MinCorrectness", 0.9),
        ("MaxLatencyP95Ms", 2000.0),
    ]


@pytest.mark.parametrize(
    "given",
    [
        "MinCorrectnes=0.9",
        "MinCorrectness=high",
        "MinCorrectness=nan",
        "MinCorrectness=70",
        "MaxLatencyP95Ms=-1",
    ],
)
def test_a_parameter_that_is_no_bound_is_refused(given: str) -> None:
    with pytest.raises(ConfigError, match=given):
        override(THRESHOLDS, [given], [parse_scorer("Correctness")])


def metric_of(*values: float | None, rows: int = 100, **more: Any) -> Metric:
    return scorer_metric(values, rows=rows, **more)


def judged(metric: Metric, threshold: Threshold, rows: int = 100):  # noqa: ANN201
    parameters = threshold_parameters({"Correctness": threshold})
    return judge({"Correctness": metric}, parameters, BUDGETS, rows=rows, endpoint_errors=0)


def test_dropping_bad_rows_as_errors_does_not_lift_the_mean_over_the_threshold() -> None:
    bad = [0.0] * 32 + [1.0] * 68
    errors = [None] * 3 + [0.0] * 29 + [1.0] * 68
    assert not judged(metric_of(*bad), Threshold(min=0.7)).passed
    metric = metric_of(*errors)
    assert metric.value == pytest.approx(68 / 97)
    assert metric.value > 0.7
    assert judged(metric, Threshold(min=0.7)).reasons == (
        "Correctness 0.68 < min 0.7 (0.701 over n=97, 3 errors; 3 of 100 rows count as the worst)",
    )


def test_rows_that_a_scorer_does_not_apply_to_leave_the_verdict_to_the_others() -> None:
    metric = metric_of(*[1.0] * 39, None, not_applicable=60)
    verdict = judged(metric, Threshold(min=0.97))
    assert verdict.passed
    assert verdict.checks[0].compared == pytest.approx(0.975)
    assert not judged(metric, Threshold(min=0.98)).passed
    assert not judged(metric_of(not_applicable=100), Threshold(min=0.0)).passed
    assert not judged(metric_of(*[1.0] * 20, not_applicable=80), Threshold(min=0.5)).passed


def test_rows_without_a_number_that_could_not_change_the_verdict_do_not_close_the_gate() -> None:
    verdict = judged(metric_of(*[None] * 2, *[0.0] * 18, *[1.0] * 80), Threshold(min=0.7))
    assert verdict.passed
    assert verdict.checks[0].compared == pytest.approx(0.8)


def test_lower_is_better_counts_missing_rows_at_the_upper_end() -> None:
    bias = metric_of(*[None] * 2, *[0.0] * 98, scale=Scale(higher_is_better=False))
    assert judged(bias, Threshold(max=0.02)).passed
    assert not judged(bias, Threshold(max=0.019)).passed


def test_numbers_beyond_the_scale_give_no_worst_case_so_that_every_row_is_needed() -> None:
    assert judged(metric_of(*[120.0] * 100), Threshold(max=200)).passed
    verdict = judged(metric_of(None, *[120.0] * 99), Threshold(max=200))
    assert verdict.reasons == (
        "Correctness has no number for 1 of 100 rows, and how bad these could be is not known "
        "(n=99)",
    )


def test_a_metric_that_does_not_know_of_all_rows_is_not_trusted() -> None:
    assert not judged(Metric(1.0, n=98), Threshold(min=0.5)).passed


def test_the_interval_s_pessimistic_end_can_be_what_is_compared() -> None:
    metric = metric_of(*[0.0] * 20, *[1.0] * 80, numbers="monotone")  # Wilson: 0.7112 .. 0.8666
    assert judged(metric, Threshold(min=0.75)).passed
    lower = judged(metric, Threshold(min=0.75, on="interval"))
    assert lower.reasons == (
        "Correctness, lower end of the 95 % interval, 0.7112 < min 0.75 (n=100)",
    )
    assert lower.checks[0].compared == pytest.approx(0.7112, abs=5e-5)
    assert not judged(metric, Threshold(max=0.85, on="interval")).passed
    assert judged(metric, Threshold(min=0.71, max=0.87, on="interval")).passed


def test_a_missing_interval_closes_the_gate() -> None:
    slow = percentile_metric([float(x) for x in range(100)], 99, rows=100)
    verdict = judged(slow, Threshold(max=1e6, on="interval"))
    assert "has no 95 % interval to compare (order statistics" in verdict.summary
    assert verdict.checks[0].compared > 1e6


def test_rows_that_were_never_answered_are_infinitely_slow() -> None:
    times = [10.0] * 94
    assert judged(percentile_metric(times, 50, rows=100), Threshold(max=20)).passed
    assert not judged(percentile_metric(times, 95, rows=100), Threshold(max=20)).passed


def test_a_soft_threshold_warns_and_a_monitor_only_shows() -> None:
    thresholds = threshold_parameters(
        {
            "latency_p95_ms": Threshold(max=2000),
            "Correctness": Threshold(min=0.9, tier="soft"),
            "Safety": Threshold(min=0.9, tier="monitor"),
        }
    )
    verdict = judge(GOOD, thresholds, BUDGETS, rows=100, endpoint_errors=0)
    assert verdict.passed
    assert verdict.warnings == ("Correctness 0.7 < min 0.9 (n=100)",)
    assert [check.passed for check in verdict.checks] == [True, False, False]
    assert verdict.summary == "all 1 hard thresholds hold; 1 warning(s)"


def test_without_a_hard_threshold_nothing_passes() -> None:
    soft = threshold_parameters({"Correctness": Threshold(min=0.1, tier="soft")})
    assert not judge(GOOD, soft, BUDGETS, rows=100, endpoint_errors=0).passed


def test_rows_that_a_scorer_failed_on_do_not_dilute_the_endpoint_s_failures() -> None:
    budgets = Budgets(min_rows=1, max_endpoint_error_share=0.02, max_judge_error_share=0.5)
    thresholds = threshold_parameters({"Correctness": Threshold(min=0.1)})

    def verdict_with(errors: int) -> bool:
        metric = mean_metric([1.0] * 97, errors=errors, rows=100 + errors)
        rows = 100 + errors
        return judge(
            {"Correctness": metric}, thresholds, budgets, rows=rows, endpoint_errors=3
        ).passed

    assert not verdict_with(0)
    assert not verdict_with(60)


@pytest.mark.integration
def test_the_condition_step_compares_only_what_is_hard(write_config: ConfigWriter) -> None:
    path = write_config(
        scorers=["rougeL_fmeasure", "ChrfScore", "BleuScore"],
        thresholds={
            "rougeL_fmeasure": {"min": 0.3, "on": "interval"},
            "ChrfScore": {"min": 0.3, "tier": "soft"},
            "BleuScore": {"max": 0.9, "tier": "monitor"},
        },
    )
    made = typed("definition", "--config", str(path))
    assert made.returncode == 0, made.stderr
    definition = json.loads(made.stdout)
    steps = {step["Name"]: step["Arguments"] for step in definition["Steps"]}
    holding = steps["QualityGate"]["Conditions"]
    here, missing = steps["GateNotPassed"]["Conditions"]
    for conditions in (holding, [here, *missing["Conditions"]]):
        compared = [c.get("Condition", c)["LeftValue"]["Std:JsonGet"]["Path"] for c in conditions]
        assert compared == [
            "evaluated_here",
            "execution_arn",
            "gate.passed",
            "thresholds.MinRougeLFmeasure.compared",
        ]
    parameters = {parameter["Name"] for parameter in definition["Parameters"]}
    assert parameters >= {"MinRougeLFmeasure", "MinChrfScore", "MaxBleuScore"}


@pytest.mark.parametrize(
    ("sections", "place", "message"),
    [
        ({"thresholds": {"Safety": {"min": 1, "tier": "soft"}}}, "thresholds", "none is tier"),
        ({"thresholds": {"Safety": {"min": 1, "on": "median"}}}, "thresholds.Safety.on", "mean"),
        ({"slices": {"topic": {"thresholds": {"Safty": {"min": 1}}}}},
         "slices.topic.thresholds.Safty", "did you mean 'Safety'?"),
        ({"slices": {"topic": {"thresholds": {"Safety": {"mn": 1}}}}},
         "slices.topic.thresholds.Safety.mn", "did you mean 'min'?"),
        ({"slices": {"topic": {"min_row": 1}}}, "slices.topic.min_row", "did you mean 'min_rows'?"),
        ({"slices": {"answer": {"thresholds": {"Safety": {"min": 1}}}}}, "slices.answer", "slice"),
        ({"champion": {"metrics": {"Corectness": {"margin": 0.1}}}},
         "champion.metrics.Corectness", "did you mean 'Correctness'?"),
        ({"champion": {"metrics": {"Correctness": {"margin": -1}}}},
         "champion.metrics.Correctness.margin", "greater than or equal to 0"),
    ],
)  # fmt: skip
def test_mistakes_are_found_before_anything_is_created(
    write_config: ConfigWriter, sections: dict[str, Any], place: str, message: str
) -> None:
    path = write_config(**{key: value for key, value in sections.items() if key == "thresholds"})
    write_document(read_document(path) | sections, path)
    with pytest.raises(ConfigError, match=re.escape(f": {place}: ")) as raised:
        load_config(path)
    assert message in str(raised.value)
