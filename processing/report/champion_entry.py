"""The comparison with the champion, in evaluation.json."""

from __future__ import annotations

from typing import Any

from processing.gate.champion import ChampionVerdict
from processing.report.label_entries import finite


def champion_entry(champion: ChampionVerdict) -> dict[str, Any]:
    return {
        "state": champion.state,
        "group": champion.group,
        "model_package_arn": champion.package_arn,
        "mlflow_run_id": champion.run_id,
        "error": champion.error,
        # metrics of which the champion was judged by another judge, or by other rules
        "refusals": list(champion.refusals),
        # whose verdicts on the champion's answers were taken instead, and what they cost
        "rejudged": champion.rejudged,
        "metrics": {
            comparison.metric: {
                "difference": finite(comparison.difference.estimate.value),
                "low": finite(comparison.difference.estimate.low),
                "high": finite(comparison.difference.estimate.high),
                "method": comparison.difference.estimate.method,
                "pairs": comparison.difference.estimate.n,
                "missing": comparison.difference.missing,
                "champion_missing": comparison.difference.champion_missing,
                "compared": finite(comparison.difference.worst_low),
                "margin": comparison.margin,
                "passed": int(comparison.passed),
                "reason": comparison.reason,
            }
            for comparison in champion.comparisons
        },
    }
