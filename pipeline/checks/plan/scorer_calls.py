"""What each scorer of a configuration asks its judge: its rows, and answers to other questions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.checks.plan.judge_calls import calls_a_row
from pipeline.checks.plan.rows import PlannedRows
from processing.config.judge import judge_name
from processing.config.model import EvaluationConfig
from processing.dataset.rows import Row
from processing.scorers.swapped_answers import PlannedControl, planned_controls, swapped_pairs


@dataclass(frozen=True)
class ScorerCalls:
    """What one scorer asks one judge (`service`). `swapped`: calls on other rows' answers."""

    scorer: str
    service: str
    a_row: float
    rows: int
    swapped: int
    source: str

    @property
    def calls(self) -> float:
        return self.a_row * self.rows + self.swapped


def scorer_calls(config: EvaluationConfig, planned: PlannedRows) -> list[ScorerCalls]:
    judged = [(spec, judge) for spec in config.scorers for judge in config.judges_of(spec)]
    controls = planned_controls(judged, gold=config.dataset.columns.context is not None)
    passages = _passages(config, planned)
    asked = [sum(turn.role == "user" for turn in row.turns) for row in planned.rows]
    turns = sum(asked) / len(asked) if asked else 1.0
    swapped = {
        (control.spec.name, control.judge.model): _pairs(control, planned) for control in controls
    }
    found = []
    for spec, judge in judged:
        a_row, source = calls_a_row(spec, passages, turns)
        if judge.repeats > 1:
            a_row, source = judge.repeats * a_row, f"{source}, {judge.repeats} times"
        again = math.ceil(swapped.pop((spec.name, judge.model), 0) * a_row)
        found.append(
            ScorerCalls(spec.name, judge_name(judge.model), a_row, planned.count, again, source)
        )
    for control in controls:
        if again := swapped.get((control.spec.name, control.judge.model), 0):
            service = judge_name(control.judge.model)
            times = control.judge.repeats
            found.append(
                ScorerCalls(control.spec.name, service, times, 0, times * again, "one call")
            )
    return found


def _passages(config: EvaluationConfig, planned: PlannedRows) -> float | None:
    """How many a row has to be judged against; None where the endpoint has yet to retrieve them."""
    if config.has_retrieved and not config.dataset.answers_given:
        return None
    found = [len(context_of(row)) for row in planned.rows]
    return sum(found) / len(found) if found else 0.0


def context_of(row: Row) -> Sequence[str]:
    """What the row is judged against, where that is known before the endpoint is asked."""
    retrieved = row.given.retrieved if row.given else None
    return retrieved.texts if retrieved else row.context or ()


def pairwise_calls(config: EvaluationConfig, planned: PlannedRows) -> list[ScorerCalls]:
    """Of each two runs that `compare` is given, in both orders."""
    return [
        ScorerCalls(spec.name, judge_name(judge.model), 2.0, planned.count, 0, "both orders")
        for spec in config.pairwise_scorers
        if (judge := config.judge_of(spec))
    ]


def _pairs(control: PlannedControl, planned: PlannedRows) -> int:
    number = control.judge.swapped_answers
    if not planned.rows:
        return min(number, planned.count)
    return len(swapped_pairs(control.spec, planned.rows, number))
