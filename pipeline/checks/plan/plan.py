"""The whole plan of one evaluation."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipeline.checks.plan.cost import Costs, costs
from pipeline.checks.plan.earlier import EarlierRun
from pipeline.checks.plan.gate import DISTANCE, GateErrors, gate_errors
from pipeline.checks.plan.rows import PlannedRows, planned_rows
from pipeline.checks.plan.stopping import Savings, savings, waits_for_all
from pipeline.definition.bundle import Bundle


@dataclass(frozen=True)
class Plan:
    rows: PlannedRows
    costs: Costs
    gate: GateErrors
    savings: tuple[Savings, ...] = ()
    waiting: tuple[str, ...] = ()
    """What an early pass waits for with all of its rows."""

    def document(self) -> dict[str, Any]:
        """The plan as JSON has it: money in the prices' currency, times in seconds."""
        costs, gate = self.costs, self.gate
        return {
            "rows": self.rows.count,
            "independent_rows": self.rows.independent(),
            "services": [asdict(service) for service in costs.services],
            "scorers": [{**asdict(each), "calls": each.calls} for each in costs.scorers],
            "pairwise": [{**asdict(each), "calls": each.calls} for each in costs.pairwise],
            # at most, on the champion's answers, if it was judged otherwise
            "rejudge_calls": costs.rejudge,
            "cost": costs.money,
            "unpriced": costs.unpriced,
            "seconds": costs.seconds,
            # by stop_early, where a model is so far beyond one bound, or better than all
            "stop_early": [asdict(each) for each in self.savings],
            "stop_early_waits_for": list(self.waiting),
            "limit": {"service": costs.slowest.service, "by": costs.slowest.limit}
            if costs.slowest
            else None,
            "gate": {
                "distance": gate.distance,
                "thresholds": [_threshold(each) for each in gate.thresholds],
                "not_counted": list(gate.unknown),
                "any_false_stop": gate.any_false_stop,
                "any_false_stop_without_slices": gate.any_false_stop_without_slices,
                "least_false_stop": gate.least_false_stop,
                "rows_needed": gate.rows_needed,
                "errs_too_often": gate.errs_too_often,
            },
        }


def _threshold(each: Any) -> dict[str, Any]:
    threshold = each.threshold
    return {
        "metric": threshold.metric,
        "rule": threshold.rule,
        "bound": threshold.bound,
        "on": threshold.on,
        "tier": threshold.tier,
        "where": each.where,
        **asdict(each.errors),
    }


def plan(
    bundle: Bundle,
    config: Path,
    *,
    rows: int | None = None,
    earlier: EarlierRun | None = None,
    distance: float = DISTANCE,
) -> Plan:
    """Raises DatasetError, LaunchError."""
    planned = planned_rows(bundle, config, rows)
    spent = costs(bundle.config, planned, earlier)
    return Plan(
        planned,
        spent,
        gate_errors(bundle.config, planned, earlier, distance),
        savings(bundle.config, planned.count, spent),
        tuple(waits_for_all(bundle.config)) if bundle.config.stop_early.passes else (),
    )
