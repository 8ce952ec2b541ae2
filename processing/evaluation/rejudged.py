"""The champion's kept answers, put to the judges and scorers of this evaluation.

Each verdict is paid for once, as any other: an answer that both models gave has one already.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from processing.base.sigterm import Stopped
from processing.calls.paid_store import Record, key_of
from processing.config.judge import judge_name
from processing.config.scorer_numbers import number_of, number_rule
from processing.dataset.judged_answer import JudgedAnswer
from processing.dataset.rows import Row
from processing.evaluation.run import EvaluationRun
from processing.gate.champion import Rejudged
from processing.gate.metric import scale_of
from processing.gate.scorer_record import ScorerRecord
from processing.judges.verdict import Question, question_of
from processing.scorers.asked_once import PaidVerdicts, definition_digest
from processing.scorers.build import BuiltScorer
from processing.scorers.kept_verdict import numbered
from processing.scorers.scheduler import judging


def rejudged(
    run: EvaluationRun,
    paid: PaidVerdicts,
    scorers: Sequence[str],
    answers: Mapping[str, JudgedAnswer],
    rows: Mapping[str, Row],
) -> Rejudged:
    """What the `scorers` say of the champion's `answers` (by row id) to the `rows`.

    Raises JudgingError if a judge refuses everything, DiskError if a verdict could not be kept.
    """
    chosen = [built for built in run.scorers if built.spec.name in scorers]
    before = _calls(run, chosen)
    scores: dict[str, dict[str, float | None]] = {row_id: {} for row_id in answers}
    with judging(chosen, paid) as judges:
        asked = {
            (row_id, built.spec.name): judges.verdict_on(built, question_of(rows[row_id], answer))
            for built in chosen
            if built.judge is not None
            for row_id, answer in answers.items()
        }
        for built in chosen:
            for row_id, answer in answers.items():
                waiting = asked.get((row_id, built.spec.name))
                question = question_of(rows[row_id], answer)
                record = waiting.result() if waiting else _computed(built, question)
                scores[row_id][built.spec.name] = _number(built, record)
    calls = _calls(run, chosen) - before
    judged = "; ".join(_whose(chosen))
    words = f"re-judged on {len(answers)} kept answers by {judged}; {calls} calls"
    failed = sum(number is None for row in scores.values() for number in row.values())
    return Rejudged(scores, words + (f", {failed} without a verdict" if failed else ""))


def _computed(built: BuiltScorer, question: Question) -> Record:
    """The verdict of a scorer that asks no judge."""
    try:
        return {"value": numbered(built, built.score(question)).value}
    except Stopped:
        raise
    except BaseException as error:  # noqa: BLE001 a user's function raises what it likes
        return {"error": type(error).__name__}


def _number(built: BuiltScorer, record: Record) -> float | None:
    return None if "error" in record else number_of(built.spec, record.get("value"))


def _whose(chosen: Sequence[BuiltScorer]) -> Iterator[str]:
    """Each judge, with what it was asked for."""
    judges: dict[str, list[str]] = {}
    for built in chosen:
        judge = built.judge.model if built.judge else "the scorers' own code"
        judges.setdefault(judge, []).append(built.spec.name)
    for judge, names in judges.items():
        yield f"{judge} ({', '.join(names)})"


def _calls(run: EvaluationRun, chosen: Sequence[BuiltScorer]) -> int:
    asked = [each.judge for built in chosen for each in built.asked]
    services = {judge_name(judge.model) for judge in asked if judge}
    accounts = run.spend.accounts
    return sum(accounts[service].calls for service in services if service in accounts)


def scorer_record_of(built: BuiltScorer) -> ScorerRecord:
    """What another evaluation must share for this scorer's verdicts to be comparable."""
    scale = scale_of(built.spec)
    decides = json.loads(built.definition)
    versions = decides.pop("versions")
    record = ScorerRecord(
        definition=definition_digest(built),
        judge=built.judge.model if built.judge else None,
        low=scale.low,
        high=scale.high,
        repeats=built.repeats,
        parts={part: key_of(value)[:16] for part, value in decides.items()},
        versions=versions,
        number_rule=number_rule(built.spec),
        panel=tuple(each.judge.model for each in built.panel if each.judge),
    )
    return replace(record, low=None, high=None) if scale.assumed else record
