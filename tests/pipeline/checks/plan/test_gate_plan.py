"""Whatever the file has thresholds on, and whatever an earlier run measured: chances, no errors."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from configuration_file import read_document
from hypothesis import given, settings
from hypothesis import strategies as st
from judge_models import EXAMPLE_JUDGE

from pipeline.checks.plan.earlier import EarlierRun
from pipeline.checks.plan.gate import GateErrors, gate_errors
from pipeline.checks.plan.rows import PlannedRows
from processing.config.model import EvaluationConfig
from processing.dataset.rows import make_row

LEVELS = {"kind": "template", "template": "Good? {{ outputs }}"}
SCORERS: dict[str, tuple[Any, float, float]] = {
    "is_brief": ("is_brief", 0, 1),
    "Safety": ("Safety", 0, 1),
    "rougeL_fmeasure": ("rougeL_fmeasure", 0, 1),
    "two": ({"two": {**LEVELS, "levels": {"good": 5, "bad": 1}}}, 1, 5),
    "three": ({"three": {**LEVELS, "levels": {"good": 1, "so": 0, "bad": -1}}}, -1, 1),
    "rubrics": ({"rubrics": {"kind": "RAGAS", "metric": "DomainSpecificRubrics"}}, 1, 5),
    "noise": ({"noise": {"kind": "RAGAS", "metric": "NoiseSensitivity"}}, 0, 1),
    "ranged": ({"ranged": {"file": "scorers.py", "range": [-10, 10]}}, -10, 10),
    "mine": ({"mine": {"file": "scorers.py"}}, -50, 50),
    "latency_p95_ms": (None, 0, 5_000),
    "latency_p50_ms": (None, 0, 5_000),
    "latency_mean_ms": (None, 0, 5_000),
    "output_tokens_p99": (None, 0, 500),
    "input_tokens_mean": (None, 0, 500),
}
ROWS = [make_row(f"q{n}", f"a{n}", None, {"kind": "odd" if n % 2 else "even"}) for n in range(60)]


def config_of(metric: str, threshold: dict[str, Any], **sections: Any) -> EvaluationConfig:
    document = read_document()
    document.pop("slices")
    entry = SCORERS[metric][0]
    document["scorers"] = [entry or "is_brief"]
    document["judge"] = {"model": EXAMPLE_JUDGE}
    document["thresholds"] = {metric: threshold}
    return EvaluationConfig.model_validate(document | sections)


def planned(count: int) -> PlannedRows:
    return PlannedRows(count, tuple(ROWS[:count]), None)


def run_of(metric: str, values: list[float], latencies: list[float]) -> EarlierRun:
    rows = tuple(
        {
            "error": None,
            "latency_ms": latency,
            "input_tokens": latency // 10,
            "output_tokens": 0,
            "scores": {metric: {"value": value}},
        }
        for value, latency in zip(values, latencies, strict=False)
    )
    return EarlierRun("run", {"spend": [], "number_rules": {}}, rows)


@st.composite
def gates(draw: st.DrawFn) -> GateErrors:
    metric = draw(st.sampled_from(sorted(SCORERS)))
    _, low, high = SCORERS[metric]
    bound = low + draw(st.sampled_from([0, 0.1, 0.35, 0.5, 0.9, 0.99, 1])) * (high - low)
    held = {
        draw(st.sampled_from(["min", "max"])): bound,
        "on": draw(st.sampled_from(["mean", "interval"])),
        "tier": draw(st.sampled_from(["hard", "soft", "monitor"])),
    }
    seen = draw(st.lists(st.floats(low, high), max_size=12))
    latencies = draw(st.lists(st.floats(0, 9_000), min_size=len(seen), max_size=len(seen)))
    run = run_of(metric, seen, latencies) if seen else None
    distance = draw(st.sampled_from([0.001, 0.05, 0.3]))
    return gate_errors(config_of(metric, held), planned(draw(st.integers(1, 60))), run, distance)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(gates())
def test_whatever_is_bounded_there_are_chances_or_a_word_why_not(gate: GateErrors) -> None:
    for each in gate.thresholds:
        for chance in (each.errors.false_pass, each.errors.false_stop):
            assert 0 <= chance <= 1 + 1e-12, each
        assert math.isfinite(each.errors.worse)
        assert math.isfinite(each.errors.better)
        assert each.errors.rows_needed is None or each.errors.rows_needed >= 1
    assert len(gate.thresholds) + len(gate.unknown) <= 1
    assert 0 <= gate.any_false_stop <= 1 + 1e-12
    assert gate.line()
    json.dumps([each.name for each in gate.thresholds])


def test_both_bounds_of_a_threshold_are_held() -> None:
    gate = gate_errors(config_of("rougeL_fmeasure", {"min": 0.3, "max": 0.8}), planned(45))
    assert [each.name for each in gate.thresholds] == [
        "rougeL_fmeasure min 0.3",
        "rougeL_fmeasure max 0.8",
    ]


def test_a_scale_of_one_to_five_is_that_of_its_shares() -> None:
    """0.05 of the scale is 0.2 of 1 to 5."""
    [of_five] = gate_errors(config_of("two", {"min": 3}), planned(45)).thresholds
    [of_one] = gate_errors(config_of("Safety", {"min": 0.5}), planned(45)).thresholds
    assert (of_five.errors.worse, of_five.errors.better) == pytest.approx((2.8, 3.2))
    assert of_five.errors.false_stop == pytest.approx(of_one.errors.false_stop)


def test_what_a_slice_is_called_cannot_write_on_the_terminal() -> None:
    rows = tuple(make_row(f"q{n}", "a", None, {"kind": "\x1b[31mred"}) for n in range(9))
    config = config_of(
        "Safety", {"min": 0.5}, slices={"kind": {"thresholds": {"Safety": {"min": 0.5}}}}
    )
    gate = gate_errors(config, PlannedRows(9, rows, None))
    assert len(gate.thresholds) == 2
    assert all(each.name.isprintable() for each in gate.thresholds)


def test_what_no_plan_can_know_is_named() -> None:
    config = config_of("Safety", {"min": 0.5}, champion={"metrics": {"Safety": {"margin": 0.1}}})
    assert gate_errors(config, planned(45)).unknown == (
        "champion (Safety): how often two models differ on a row is not known",
    )


def test_fewer_rows_than_min_rows_stop_every_model() -> None:
    config = config_of("is_brief", {"min": 0.5}, budgets={"min_rows": 30})
    [few] = gate_errors(config, planned(20)).thresholds
    assert (few.errors.false_pass, few.errors.false_stop) == (0, 1)
    assert "budgets.min_rows 30" in few.errors.basis
    [enough] = gate_errors(config, planned(30)).thresholds
    assert enough.errors.false_stop < 1
    assert few.errors.rows_needed is not None
    assert few.errors.rows_needed >= 30


def test_rows_to_which_a_scorer_does_not_apply_are_not_counted() -> None:
    terms = {"domain_terminology": {"terms": ["a"]}}
    held = {"domain_terminology": {"min": 0.5}}
    config = config_of(
        "is_brief", {"min": 0.5}, scorers=[terms], thresholds=held, budgets={"min_rows": 30}
    )
    [whole] = gate_errors(config, planned(60)).thresholds
    assert whole.errors.rows == 60
    seen = gate_errors(config, planned(60))
    assert any("domain_terminology: to how many rows" in line for line in seen.unknown)
    rows = tuple(
        {"error": None, "scores": {"domain_terminology": {"value": value, "error": None}}}
        for value in [1.0, 0.5, None] * 10
    )
    earlier = EarlierRun("run", {"spend": [], "number_rules": {}}, rows)
    [applied] = gate_errors(config, planned(60), earlier).thresholds
    assert applied.errors.rows == 40
    [few] = gate_errors(config, planned(42), earlier).thresholds  # 28 of them count
    assert few.errors.false_stop == 1
