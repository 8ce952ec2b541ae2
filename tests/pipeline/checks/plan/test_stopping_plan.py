"""`plan` says what stopping early is expected to save: as worked out by hand, or as simulated."""

from __future__ import annotations

import pytest
from running_aws import ConfigWriter

from pipeline.checks.plan.cost import Costs, ServiceCost
from pipeline.checks.plan.stopping import Savings, savings
from processing.config.file import load_config

COSTS = Costs((ServiceCost("endpoint", 1000, 0, 0, 10.0, 1.0, "", ""),), (), ())


def saved(
    write_config: ConfigWriter, stop_early: object, rows: int = 1000, *, timed: bool = True
) -> list[Savings]:
    bounds = {"latency_p95_ms": {"max": 2000}} if timed else {}
    config = write_config(
        stop_early=stop_early,
        scorers=["Correctness", "rougeL_fmeasure"],
        thresholds={"Correctness": {"min": 0.7}, **bounds},
    )
    return list(savings(load_config(config), rows, COSTS))


def test_certain_is_when_too_many_rows_are_lost(write_config: ConfigWriter) -> None:
    """A model of 0.5 loses 300 of 1,000 rows, all that a bound of 0.7 allows, after 60 %."""
    far, near = saved(write_config, "certain")
    assert far.asked == pytest.approx(0.3 / 0.5, abs=0.02)
    assert near.asked == pytest.approx(0.3 / 0.35, abs=0.02)
    assert far.bound == "Correctness min 0.7"
    assert far.calls == pytest.approx(400, abs=20)
    assert far.cost == pytest.approx(4.0, abs=0.2)


def test_confident_is_sooner(write_config: ConfigWriter) -> None:
    """6 % of the rows in an earlier simulation (docs/scale.md); near the bound many more."""
    far, near = saved(write_config, "confident")
    assert 0.02 < far.asked < 0.12
    assert far.asked < near.asked < 0.86


def test_good_models_pass_when_the_last_bound_is_shown(write_config: ConfigWriter) -> None:
    """Without a failure 184 rows say that at most 2 % fail; 0.05 above 0.7 is harder to show."""
    early = {"mode": "confident", "for": "both"}
    *refused, far, near = saved(write_config, early, timed=False)
    assert [each.passed for each in refused] == [False, False]
    assert far.passed
    assert (far.bound, far.asked) == ("budgets.max_endpoint_error_share 0.02", 0.184)
    assert near.bound == "Correctness min 0.7"
    assert 0.3 < near.asked < 0.7
    # latency is known when its rows are there
    assert not any(each.passed for each in saved(write_config, early))


def test_nothing_is_saved_where_nothing_stops(write_config: ConfigWriter) -> None:
    assert saved(write_config, "none") == []
    assert saved(write_config, "certain", rows=20) == []  # fewer than min_rows
