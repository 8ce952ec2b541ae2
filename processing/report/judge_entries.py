"""What each scorer's judge took: calls, tokens and, where its price is known, money.

Of the verdicts that MLflow holds, whoever paid for them and when; what was paid in this run, calls
that came to nothing included, stands by service under `spend`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import astuple
from typing import Any

from processing.config.judge import judge_name
from processing.config.prices import Usage
from processing.mlflow_record.judge_use import NO_USE, JudgeUse
from processing.mlflow_record.metric_names import detail
from processing.report.evaluation import Evaluation

_FIGURES = (
    "calls",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reused_calls",
    "cost",
)


def judge_entries(evaluation: Evaluation) -> dict[str, dict[str, Any]]:
    """By scorer; {} where no judge is asked. `cost` is None without a price or without tokens."""
    return {
        name: {
            **(used := sum(of.values(), NO_USE)).figures(),
            "cost": _costs(evaluation, ((judge, each.usage) for judge, each in of.items())),
            "reused_cost": _costs(evaluation, ((judge, each.reused) for judge, each in of.items()))
            if used.reused_calls
            else None,
        }
        for name, of in _used(evaluation).items()
    }


def judge_metrics(evaluation: Evaluation) -> dict[str, float]:
    """For MLflow, whose charts compare runs: `details/Correctness.judge_calls` and so on."""
    return {
        detail(name, f"judge_{figure}"): float(entry[figure])
        for name, entry in judge_entries(evaluation).items()
        for figure in _FIGURES
        if entry.get(figure) is not None
    }


def judge_line(evaluation: Evaluation) -> str:
    """Empty where no judge is asked."""
    told = [
        f"{name} {entry['calls']} calls, {entry['input_tokens']:,} tokens in, "
        f"{entry['output_tokens']:,} out"
        + (f", {entry['cost']:.4f}" if entry["cost"] is not None else "")
        + (f" ({entry['reused_calls']} calls reused)" if entry["reused_calls"] else "")
        for name, entry in judge_entries(evaluation).items()
    ]
    return f"judges of these verdicts: {'; '.join(told)}" if told else ""


def _used(evaluation: Evaluation) -> dict[str, dict[str, JudgeUse]]:
    """By scorer, then by judge."""
    found = {
        name: dict.fromkeys(each.panel or (each.judge,), NO_USE)
        for name, each in evaluation.scorers.items()
        if each.judge
    }
    for row in evaluation.scores.values():
        for name in found.keys() & row.keys():
            of, score = found[name], row[name]
            if len(of) == 1:
                [judge] = of
                of[judge] += score.judged
            for said in score.panel:
                of[said.judge] += said.used
    return found


def _costs(evaluation: Evaluation, usages: Iterable[tuple[str, Usage]]) -> float | None:
    """None where one of the judges has no price, or none has told tokens."""
    prices = evaluation.spend.prices
    told = [
        (prices.get(judge_name(judge)), usage) for judge, usage in usages if any(astuple(usage))
    ]
    costs = [price.cost(usage) for price, usage in told if price is not None]
    return math.fsum(costs) if costs and len(costs) == len(told) else None
