"""What each scorer's judge took: calls, tokens and, where its price is known, money.

Of the verdicts that MLflow holds, whoever paid for them and when; what was paid in this run, calls
that came to nothing included, stands by service under `spend`.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from processing.config.judge import judge_name
from processing.mlflow_record.scores import JudgeUse
from processing.report.evaluation import Evaluation


def judge_entries(evaluation: Evaluation) -> dict[str, dict[str, Any]]:
    """By scorer; {} where no judge is asked. `cost` is None without a price or without tokens."""
    return {
        name: {
            **asdict(used),
            "cost": _cost(evaluation, name, used.input_tokens, used.output_tokens),
            "reused_cost": _cost(
                evaluation, name, used.reused_input_tokens, used.reused_output_tokens
            )
            if used.reused_calls
            else None,
        }
        for name, used in _used(evaluation).items()
    }


def judge_metrics(evaluation: Evaluation) -> dict[str, float]:
    """For MLflow, whose charts compare runs: `Correctness/judge_calls` and so on."""
    return {
        f"{name}/judge_{figure}": float(entry[figure])
        for name, entry in judge_entries(evaluation).items()
        for figure in ("calls", "input_tokens", "output_tokens", "reused_calls", "cost")
        if entry[figure] is not None
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


def _used(evaluation: Evaluation) -> dict[str, JudgeUse]:
    found = {name: JudgeUse() for name, each in evaluation.scorers.items() if each.judge}
    for row in evaluation.scores.values():
        for name in found.keys() & row.keys():
            found[name] += row[name].judged
    return found


def _cost(
    evaluation: Evaluation, scorer: str, input_tokens: int, output_tokens: int
) -> float | None:
    judge = evaluation.scorers[scorer].judge
    price = evaluation.spend.prices.get(judge_name(judge or ""))
    if price is None or not input_tokens + output_tokens:
        return None
    spent = input_tokens * price.input_per_million + output_tokens * price.output_per_million
    return spent / 1_000_000
