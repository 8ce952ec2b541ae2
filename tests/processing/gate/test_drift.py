"""Drift: a metric against earlier runs, whose own spread counts."""

from __future__ import annotations

import math

import numpy as np
import pytest

from processing.gate.drift import Measured, change_of, drift_of
from processing.gate.intervals import wilson
from processing.gate.metric import Metric

ROWS = 200


def now(share: float, *, n: int = ROWS, higher_is_better: bool = True) -> Metric:
    low, high = wilson(round(share * n), n)
    return Metric(share, n, low=low, high=high, higher_is_better=higher_is_better)


def measured(share: float, n: int = ROWS) -> Measured:
    return Measured(share, n, *wilson(round(share * n), n))


@pytest.mark.parametrize(("between", "runs"), [(0.0, 5), (0.05, 5), (0.05, 3), (0.15, 8)])
def test_without_drift_the_interval_holds_no_change_about_95_times_in_100(
    between: float, runs: int
) -> None:
    """However much runs differ by themselves."""
    random = np.random.default_rng(0)
    held = 0
    for _ in range(1_000):
        shares = np.clip(random.normal(0.75, between, runs + 1), 0.02, 0.98)
        *earlier, last = random.binomial(ROWS, shares) / ROWS
        change = change_of("m", now(float(last)), [measured(float(one)) for one in earlier])
        assert change.low is not None
        assert change.high is not None
        held += change.low <= 0 <= change.high
    assert 0.925 <= held / 1_000 <= 1


def test_a_large_fall_is_seen_and_runs_that_differ_by_themselves_hide_a_small_one() -> None:
    steady = [measured(share) for share in (0.9, 0.91, 0.9, 0.89, 0.9)]
    fallen = change_of("m", now(0.7), steady)
    assert fallen.is_worse
    assert fallen.change == pytest.approx(-0.2, abs=0.002)
    unsteady = [measured(share) for share in (0.98, 0.8, 0.9, 0.7, 0.95)]
    assert not change_of("m", now(0.7), unsteady).is_worse


def test_where_less_is_better_more_is_worse() -> None:
    earlier = [measured(share) for share in (0.1, 0.11, 0.1)]
    assert change_of("m", now(0.5, higher_is_better=False), earlier).is_worse
    assert not change_of("m", now(0.5), earlier).is_worse


@pytest.mark.parametrize(
    ("metric", "earlier", "said"),
    [
        (now(0.9), [measured(0.9)], "1 earlier runs, fewer than 2"),
        (Metric(None, 0), [measured(0.9)] * 2, "has no value now"),
        (Metric(math.nan, 3), [measured(0.9)] * 2, "has no value now"),
        (Metric(0.9, 3), [measured(0.9)] * 2, "no interval: a run has none"),
        (Metric(3.0, 3, low=3.0, high=3.0), [Measured(3.0, 3, 3.0, 3.0)] * 2, "has no spread"),
    ],
)
def test_what_cannot_be_told_is_said(metric: Metric, earlier: list[Measured], said: str) -> None:
    change = change_of("m", metric, earlier)
    assert said in change.words
    assert not change.is_worse


def test_only_max_drop_closes_the_gate() -> None:
    earlier = {"m": [measured(0.9)] * 4}
    metrics = {"m": now(0.7)}
    shown = drift_of(metrics, earlier, ["r"] * 4, wanted=5, max_drop={})
    assert not shown.reasons
    assert "drift: m: -0.2" in shown.warnings[0]
    closed = drift_of(metrics, earlier, ["r"] * 4, wanted=5, max_drop={"m": 0.1})
    assert "max_drop 0.1" in closed.reasons[0]
    open_ = drift_of(metrics, earlier, ["r"] * 4, wanted=5, max_drop={"m": 0.25})
    assert not open_.reasons
    lost = drift_of({"m": Metric(None, 0)}, earlier, ["r"], wanted=5, max_drop={"m": 0.1})
    assert "has no value" in lost.reasons[0]
    first = drift_of(metrics, {}, [], wanted=5, max_drop={"m": 0.1})
    assert not first.reasons
    assert "not held against anything yet" in first.warnings[0]


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_a_number_that_is_none_closes_a_gate_with_max_drop(value: float | None) -> None:
    """Also where rows were counted."""
    earlier = {"m": [measured(0.9), measured(0.9)]}
    lost = drift_of({"m": Metric(value, ROWS)}, earlier, ["r"] * 2, wanted=5, max_drop={"m": 0.1})
    assert lost.reasons == ["drift: m has no value to hold against max_drop"]
    gone = drift_of({}, earlier, ["r"] * 2, wanted=5, max_drop={"m": 0.1})
    assert gone.reasons == lost.reasons


def test_no_drop_at_all_is_waited_for_like_any_other() -> None:
    first = drift_of({"m": now(0.9)}, {}, [], wanted=5, max_drop={"m": 0.0})
    assert "max_drop of m is not held against anything yet" in first.warnings[0]
