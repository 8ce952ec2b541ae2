"""What a run that ended before all was asked has left: rows, verdicts, and what they would cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from processing.calls.saved import Left, saved
from processing.calls.spend import ENDPOINT, Spend
from processing.config.judge import judge_name
from processing.config.model import EvaluationConfig
from processing.endpoint.answers import Answer
from processing.gate.stopped import Stopped
from processing.mlflow_record.scores import Scores


def not_asked_by_scorer(
    config: EvaluationConfig, answers: Sequence[Answer], scores: Scores
) -> dict[str, frozenset[str]]:
    """Scorer -> the rows that it was not asked about; {} where all was asked."""
    rows = {answer.row.row_id for answer in answers if not answer.asked}
    left = {
        name: frozenset(rows | {row_id for row_id, row in scores.items() if name not in row})
        for name in (spec.name for spec in config.scorers)
    }
    return left if any(left.values()) else {}


def stopped_run(
    spend: Spend, config: EvaluationConfig, answers: Sequence[Answer], scores: Scores
) -> Stopped | None:
    """Why and where the run has ended; None where all was asked."""
    stop = spend.stopped
    not_asked = sum(not answer.asked for answer in answers)
    verdicts = sum(spec.name not in row for row in scores.values() for spec in config.scorers)
    if stop is None:
        return None
    return Stopped(
        rule=stop.rule,
        why=stop.why,
        rows=len(answers),
        not_asked=not_asked,
        verdicts=verdicts,
        money=spend.money if spend.prices else None,
        tokens=spend.tokens,
        calls=sum(account.calls for account in spend.accounts.values()),
        saved=saved(spend, _left(spend, config, answers, scores)),
        kept=stop.kept,
    )


def _left(
    spend: Spend, config: EvaluationConfig, answers: Sequence[Answer], scores: Scores
) -> Mapping[str, Left]:
    """By service."""
    asked = [answer for answer in answers if answer.asked]
    left = {ENDPOINT: Left(sum(not a.reused for a in asked), len(answers) - len(asked))}
    judges: dict[str, dict[str, int]] = {}
    for spec in config.judged_scorers():
        for judge in config.judges_of(spec):
            judges.setdefault(judge_name(judge.model), {})[spec.name] = judge.repeats
    rows = len(scores) + len(answers) - len(asked)
    for service, repeats in judges.items():
        given = sum(repeats[name] for row in scores.values() for name in repeats if name in row)
        reused = spend.accounts[service].reused if service in spend.accounts else 0
        left[service] = Left(given - reused, rows * sum(repeats.values()) - given)
    return left
