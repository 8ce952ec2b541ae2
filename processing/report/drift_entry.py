"""Drift, as evaluation.json has it."""

from __future__ import annotations

from typing import Any

from processing.gate.drift import METHOD, Change, DriftVerdict
from processing.report.label_entries import finite


def drift_entry(found: DriftVerdict) -> dict[str, Any]:
    return {
        "runs": list(found.run_ids),
        "runs_wanted": found.wanted,
        "method": METHOD,
        "failure": found.failure,
        "metrics": {change.metric: _change(change) for change in found.changes},
    }


def _change(change: Change) -> dict[str, Any]:
    """`runs` may be fewer than all: those with the same scorer."""
    return {
        "change": finite(change.change),
        "low": finite(change.low),
        "high": finite(change.high),
        "n": change.n,
        "earlier": finite(change.earlier),
        "earlier_n": change.earlier_n,
        "runs": change.runs,
        "between_runs": finite(change.between),
        "worse": int(change.is_worse),
        "max_drop": change.max_drop,
        "unknown": change.unknown,
    }
