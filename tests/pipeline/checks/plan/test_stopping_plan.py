"""`plan` says what stopping early is expected to save: as worked out by hand, or as simulated."""

from __future__ import annotations

import pytest
from running_aws import ConfigWriter

from pipeline.checks.plan.cost import Costs, ServiceCost
from pipeline.checks.plan.stopping import Savings, savings
from processing.config.file import load_config

COSTS = Costs((ServiceCost("endpoint", 1000, 0, 0, 10.0, 1.0, "", ""),), (), ())


def saved(write_config: ConfigWriter, stop_early: object, rows: int = 1000) -> list[Savings]:
    config = write_config(
        stop_early=stop_early,
        scorers=["Correctness", "rougeL_fmeasure"],
        thresholds={"Correctness": {"min": 0.7}, "latency_p95_ms": {"max": 2000}},
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


def test_nothing_is_saved_where_nothing_stops(write_config: ConfigWriter) -> None:
    assert saved(write_config, "none") == []
    assert saved(write_config, "certain", rows=20) == []  # fewer than min_rows
