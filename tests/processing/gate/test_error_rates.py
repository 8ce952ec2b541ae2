"""How often a threshold errs: held against the gate's own verdicts, simulation and the audit."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from processing.config.gate import On, Rule
from processing.config.thresholds import ThresholdParameter
from processing.gate.check import compared_number, missed
from processing.gate.error_rates import (
    ACCEPTED,
    Errors,
    any_false_stop,
    yes_no_errors,
)
from processing.gate.error_rates_by_spread import (
    endless_errors,
    graded_errors,
    percentile_errors,
)
from processing.gate.intervals import percentile
from processing.gate.metric import scorer_metric
from processing.gate.worst_case import UNIT, Scale


def threshold(bound: float, rule: Rule = "min", on: On = "mean") -> ThresholdParameter:
    return ThresholdParameter("Min", "Correctness", rule, bound, on)


def yes_no(bound: float, rows: int, distance: float = 0.05, on: On = "mean") -> Errors:
    return yes_no_errors(threshold(bound, on=on), UNIT, rows, distance)


BOUNDS = st.integers(2, 18).map(lambda twentieth: twentieth / 20)
ROWS = st.integers(1, 400)


@pytest.mark.slow
@pytest.mark.parametrize("on", ["mean", "interval"])
@settings(max_examples=12, deadline=None)
@given(
    bound=BOUNDS,
    rows=st.integers(1, 25),
    rule=st.sampled_from(["min", "max"]),
    low=st.sampled_from([0.0, 1.0]),
)
def test_the_chance_is_that_of_the_gate_s_own_verdicts(
    on: On, bound: float, rows: int, rule: Rule, low: float
) -> None:
    """Every number of yes is put to the gate, and weighed with how likely it is."""
    scale = Scale(low, low + 4, higher_is_better=rule == "min")
    held = threshold(low + 4 * bound, rule, on)
    passed = []
    for yes in range(rows + 1):
        values = [scale.high] * yes + [scale.low] * (rows - yes)
        metric = scorer_metric(
            values, scale=scale, numbers="monotone" if on == "interval" else "BCa"
        )
        passed.append(not missed("m", metric, held, compared_number(metric, held, rows)))
    found = yes_no_errors(held, scale, rows, 0.05)
    counts = np.arange(rows + 1)
    for truth, chance in ((found.worse, found.false_pass), (found.better, 1 - found.false_stop)):
        weights = binom.pmf(counts, rows, (truth - scale.low) / 4)
        assert chance == pytest.approx(float(weights @ passed), abs=1e-9)


@pytest.mark.slow
def test_the_audit_s_figures_of_a_gate_at_0_7() -> None:
    """n -> on the mean: .65 passes, .75 is stopped; on the interval the same (simulated)."""
    audited = {45: (0.24, 0.22, 0.003, 0.91), 400: (0.02, 0.01, 0.0, 0.38), 1000: (0, 0, 0, 0.06)}
    for rows, figures in audited.items():
        mean, interval = yes_no(0.7, rows), yes_no(0.7, rows, on="interval")
        found = (mean.false_pass, mean.false_stop, interval.false_pass, interval.false_stop)
        assert found == pytest.approx(figures, abs=0.01)


def test_the_audit_s_figures_of_safety() -> None:
    """At 45 rows .99 means all of them: a true .95 passes 10 %, a true .99 passes 64 %."""
    at_99 = yes_no(0.99, 45, distance=0.04)
    assert at_99.worse == pytest.approx(0.95)
    assert at_99.false_pass == pytest.approx(0.95**45) == pytest.approx(0.10, abs=0.005)
    assert binom.sf(44, 45, 0.99) == pytest.approx(0.64, abs=0.005)
    assert at_99.better == pytest.approx(0.995)  # half way to the scale's end
    assert at_99.false_stop == pytest.approx(1 - 0.995**45)


@pytest.mark.parametrize(("rows", "audited"), [(45, 0.59), (129, 0.35), (400, 0.07)])
def test_the_audit_s_figures_of_the_example_s_thresholds(rows: int, audited: float) -> None:
    """Those of its seven thresholds; the audit's spread of ROUGE, chrF and latency is not known."""
    shares = [yes_no(bound, rows).false_stop for bound in (0.9, 0.99, 0.8, 0.7)]
    spread = [0.1, 0.85] * 10 + [0.25, 0.5, 0.75] * 10
    graded = graded_errors(threshold(0.35), UNIT, spread, rows, 0.05).false_stop
    assert any_false_stop([*shares, graded, graded]) == pytest.approx(audited, abs=0.06)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(bound=BOUNDS, rows=ROWS, distance=st.floats(0.01, 0.3))
def test_one_more_row_never_raises_both_errors(bound: float, rows: int, distance: float) -> None:
    fewer, more = yes_no(bound, rows, distance), yes_no(bound, rows + 1, distance)
    hair = 1e-12
    assert more.false_pass <= fewer.false_pass + hair or more.false_stop <= fewer.false_stop + hair


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(bound=BOUNDS, rows=ROWS, distances=st.tuples(st.floats(0.01, 0.4), st.floats(0.01, 0.4)))
def test_a_greater_distance_is_told_more_often(
    bound: float, rows: int, distances: tuple[float, float]
) -> None:
    near, far = (yes_no(bound, rows, distance) for distance in sorted(distances))
    if near.worse != bound:
        assert far.false_pass <= near.false_pass + 1e-12
    assert far.false_stop <= near.false_stop + 1e-12


@settings(max_examples=8, deadline=None)
@given(bound=BOUNDS, on=st.sampled_from(["mean", "interval"]))
def test_so_many_rows_keep_to_five_percent(bound: float, on: On) -> None:
    needed = yes_no(bound, 10, on=on).rows_needed
    assert needed is not None
    if on == "mean" or needed < 700:
        found = yes_no(bound, needed, on=on)
        # the search has Wilson's end, and the gate may have a hair's sharper one
        assert max(found.false_pass, found.false_stop) <= ACCEPTED + (
            0.01 if on == "interval" else 0
        )


def test_what_cannot_err_does_not() -> None:
    assert yes_no(0.0, 45).false_pass == 0  # nothing is below the scale
    assert yes_no(1.0, 45).false_stop == 0  # what is better never says no
    assert yes_no(1.0, 45, on="interval").false_stop == 1  # no rows show perfection
    assert yes_no(1.0, 45, on="interval").rows_needed is None


@pytest.mark.slow
@pytest.mark.parametrize("on", ["mean", "interval"])
def test_graded_numbers_err_as_simulated(on: On) -> None:
    random = np.random.default_rng(3)
    seen = list(random.choice([0.3, 0.4, 0.5, 0.6, 0.8], 2_000))
    rows, held = 60, threshold(0.6, on=on)
    found = graded_errors(held, UNIT, seen, rows, 0.04 if on == "mean" else 0.1)
    mean = math.fsum(seen) / len(seen)
    for truth, chance in ((found.worse, found.false_pass), (found.better, 1 - found.false_stop)):
        moved = [value + truth - mean for value in seen]
        passed = 0
        for _ in range(60):
            drawn = [*map(float, random.choice(moved, rows))]
            metric = scorer_metric(drawn, numbers="monotone")
            number = compared_number(metric, held, rows)
            passed += number is not None and number >= 0.6
        assert chance == pytest.approx(passed / 60, abs=0.15)


def test_a_percentile_errs_as_simulated() -> None:
    random = np.random.default_rng(4)
    seen = list(random.lognormal(6, 0.3, 4_000))
    held = ThresholdParameter("Max", "latency_p95_ms", "max", 800.0)
    found = percentile_errors(held, 95, seen, 60, 0.1)
    for truth, chance in ((found.worse, found.false_pass), (found.better, 1 - found.false_stop)):
        scaled = np.asarray(seen) * truth / np.percentile(seen, 95)
        draws = [percentile(list(random.choice(scaled, 60)), 95) or 0 for _ in range(1_000)]
        assert chance == pytest.approx(np.mean([d <= 800 for d in draws]), abs=0.08)


def test_a_mean_time_errs_less_with_more_rows() -> None:
    held = ThresholdParameter("Max", "latency_mean_ms", "max", 700.0)
    seen = [500.0, 600.0, 700.0, 800.0, 900.0]
    few, many = (endless_errors(held, seen, rows, 0.05) for rows in (20, 200))
    assert many.false_pass < few.false_pass < 0.5
    assert many.false_stop < few.false_stop < 0.5


def test_numbers_that_are_all_the_same_say_nothing_of_their_spread() -> None:
    assert graded_errors(threshold(0.7), UNIT, [0.9] * 20, 45, 0.05).false_stop == pytest.approx(
        yes_no(0.7, 45).false_stop
    )


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_any_false_stop_lies_between_the_worst_and_the_sum(chances: list[float]) -> None:
    found = any_false_stop(chances)
    assert max(chances) - 1e-9 <= found <= min(1.0, sum(chances)) + 1e-9
