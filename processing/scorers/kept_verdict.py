"""A scorer's verdict on its scale, as MLflow takes it and as it is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from processing.calls.judge_calls import INQUIRY
from processing.calls.paid_store import Record
from processing.config.scorer_numbers import is_not_applicable, number_of, off_scale
from processing.judges.verdict import JudgeError
from processing.mlflow_record.scores import CATEGORY
from processing.scorers.build import BuiltScorer

if TYPE_CHECKING:
    from mlflow.entities import Feedback


def numbered(built: BuiltScorer, feedback: Feedback) -> Feedback:
    """The feedback under the scorer's name, with a value that MLflow can average.

    MLflow averages numbers, booleans and yes/no; a category's number takes its place, and the
    category stays in the metadata. Raises JudgeError for a verdict that is none on the scorer's
    scale.
    """
    if feedback.error is not None:
        raise JudgeError(feedback.error.error_message or "the judge failed", retryable=True)
    if is_not_applicable(built.spec, feedback.value):
        return feedback
    said = feedback.value
    number = number_of(built.spec, said)
    if number is None:
        raise JudgeError(off_scale(built.spec, said), retryable=True, off_scale=True)
    feedback.name = built.spec.name
    if _by_mlflow(said) != number:
        if isinstance(said, str | bool):
            feedback.metadata = {**(feedback.metadata or {}), CATEGORY: str(said)}
            feedback.rationale = f"{said}: {feedback.rationale or ''}".strip(": ")
        feedback.value = number
    return feedback


def _by_mlflow(value: Any) -> float | None:
    """What MLflow counts a verdict as, whatever `levels` says."""
    if isinstance(value, str):
        return {"yes": 1.0, "no": 0.0}.get(value.lower())
    return float(value)


def held_still(built: BuiltScorer, kept: Record) -> Record | None:
    """A kept verdict on the scale of today; None where it is none on it.

    It may have been kept under other numbers of the same `levels`, or by a version that looked less
    closely.
    """
    feedback = kept_feedback(kept)
    word = (feedback.metadata or {}).pop(CATEGORY, None)
    if word is not None:
        feedback.value = word
        feedback.rationale = (feedback.rationale or "").removeprefix(word).removeprefix(": ")
    try:
        return kept_record(numbered(built, feedback))
    except JudgeError:
        return None


def kept_record(feedback: Feedback) -> Record:
    value: Any = feedback.value
    return {
        "name": feedback.name,
        "value": getattr(value, "value", value),  # a CategoricalRating is a string in an enum
        "rationale": feedback.rationale,
        "metadata": {k: str(v) for k, v in (feedback.metadata or {}).items()},
        "source": feedback.source.to_dictionary(),
    }


def kept_feedback(kept: Record) -> Feedback:
    from mlflow.entities import AssessmentSource, Feedback

    source = AssessmentSource.from_dictionary(kept["source"])
    given = {key: value for key, value in kept.items() if key != INQUIRY}
    return Feedback(**{**given, "source": source})


def failed_feedback(name: str, record: Record) -> Feedback:
    """No verdict, and yet something to tell: what each judge of a panel said."""
    from mlflow.entities import AssessmentError, AssessmentSource, Feedback

    return Feedback(
        name=name,
        # the code that MLflow gives to what a scorer raises
        error=AssessmentError(error_code="SCORER_ERROR", error_message=record["error"]),
        source=AssessmentSource.from_dictionary(record["source"]),
        metadata=record["metadata"],
    )
