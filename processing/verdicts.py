"""One scorer's verdict on one row: asked again where that can help, kept once it has been paid for.

Wraps every scorer of the configuration into an MLflow scorer, so that `mlflow.genai.evaluate` logs
what it returns, and what it raises, as that row's assessment.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from processing.dataset import Row
from processing.scorers.catalogue import BuiltScorer, JudgeError, Question, number_of
from processing.spend import Spend, judge_name
from processing.store import Record, Shelf, key_of

if TYPE_CHECKING:
    from mlflow.entities import Feedback
    from mlflow.genai.scorers import Scorer

ATTEMPTS = 4
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 15.0


@dataclass(frozen=True)
class VerdictDesk:
    """What every scorer needs besides itself: the rows by id, the kept verdicts, the spending."""

    rows: Mapping[str, Row]
    shelves: Mapping[str, Shelf]
    spend: Spend


def mlflow_scorer(built: BuiltScorer, desk: VerdictDesk) -> Scorer:
    """The scorer in the form that `mlflow.genai.evaluate` takes."""
    from mlflow.entities import Trace
    from mlflow.genai.scorers import scorer

    name = built.spec.name

    # no time-out of MLflow's, which leaves the call running and starts a thread for each verdict
    @scorer(name=name, timeout=0)
    def verdict(outputs: str, trace: Trace) -> Feedback:
        row = desk.rows[trace.info.tags["row_id"]]
        question = Question(
            question=row.question,
            answer=outputs,
            expected_response=row.expected_response,
            context=row.context,
        )
        if built.judge is None:
            return _numbered(built, built.score(question))
        return _paid_once(built, question, desk)

    made: Scorer = verdict
    return made


def definition_digest(built: BuiltScorer) -> str:
    """What the scorer's kept verdicts lie under: another guideline is another scorer."""
    return key_of(built.definition)[:16]


def _paid_once(built: BuiltScorer, question: Question, desk: VerdictDesk) -> Feedback:
    assert built.judge is not None
    shelf = desk.shelves[built.spec.name]
    key = key_of(
        built.definition,
        question.question,
        question.answer,
        question.expected_response,
        question.context,
    )
    kept = shelf.get(key)
    if kept is not None:
        desk.spend.add(judge_name(built.judge.model), reused=1)
        return _feedback(kept)
    feedback = asked_again(lambda: _numbered(built, built.score(question)))
    shelf.put(key, _record(feedback))
    return feedback


def asked_again(ask: Callable[[], Feedback]) -> Feedback:
    """Ask up to ATTEMPTS times, with full jitter between. Raises the last JudgeError."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return ask()
        except JudgeError as error:
            if not error.retryable or attempt == ATTEMPTS:
                raise
        ceiling = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** (attempt - 1))
        time.sleep(random.uniform(0, ceiling))
    raise AssertionError("the loop returns or raises")


def _numbered(built: BuiltScorer, feedback: Feedback) -> Feedback:
    """The feedback under the scorer's name, with a value that MLflow can average.

    MLflow averages numbers, booleans and yes/no; a category's number takes its place, and the
    category stays in the metadata. Raises JudgeError for a verdict that is no number.
    """
    if feedback.error is not None:
        raise JudgeError(feedback.error.error_message or "the judge failed", retryable=True)
    number = number_of(built.spec, feedback.value)
    if number is None:
        raise JudgeError(f"the verdict {feedback.value!r} is no number", retryable=True)
    feedback.name = built.spec.name
    shown = str(feedback.value)
    if isinstance(feedback.value, str) and shown.lower() not in ("yes", "no"):
        feedback.metadata = {**(feedback.metadata or {}), "category": shown}
        feedback.rationale = f"{shown}: {feedback.rationale or ''}".strip(": ")
        feedback.value = number
    return feedback


def _record(feedback: Feedback) -> Record:
    value: Any = feedback.value
    return {
        "name": feedback.name,
        "value": getattr(value, "value", value),  # a CategoricalRating is a string in an enum
        "rationale": feedback.rationale,
        "metadata": {k: str(v) for k, v in (feedback.metadata or {}).items()},
        "source": feedback.source.to_dictionary(),
    }


def _feedback(kept: Record) -> Feedback:
    from mlflow.entities import AssessmentSource, Feedback

    source = AssessmentSource.from_dictionary(kept["source"])
    return Feedback(**{**kept, "source": source})
