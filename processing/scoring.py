"""Phase two of an evaluation: `mlflow.genai.evaluate` scores the answers; the scores are counted.

MLflow leaves a verdict that failed, or that is no number, out of a mean without a word. Here every
answered row must have a verdict from every scorer, and each that has no number is counted.
"""

from __future__ import annotations

import contextlib
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from processing.answers import Answer
from processing.config import EvaluationConfig
from processing.errors import TrackingError
from processing.gate import Metric
from processing.measurements import mean_metric
from processing.scorers.catalogue import build_scorers
from processing.tracking import TrackedRun, quiet_evaluate, require_traces, traces_by_row

if TYPE_CHECKING:
    from mlflow.entities import Assessment, Trace


@dataclass(frozen=True)
class Score:
    """One scorer's verdict on one row: a number, or the reason why there is none."""

    value: float | None
    shown: str
    rationale: str | None
    error: str | None


Scores = dict[str, dict[str, Score]]
"""row id -> scorer name -> score; only rows that the endpoint answered."""


def score_answers(run: TrackedRun, config: EvaluationConfig, answers: Sequence[Answer]) -> Scores:
    """Score every answered row inside the active run, and read the verdicts back from MLflow.

    Raises TrackingError if MLflow does not hold a trace for every row and a verdict for every
    answered row and scorer.
    """
    import mlflow

    traces = traces_by_row(run, include_spans=True)
    require_traces(traces, answers)
    answered = [answer for answer in answers if answer.text is not None]
    if not answered:
        return {}
    scorers = build_scorers(config.scorers, config.judge)
    quiet_evaluate(config.judge.concurrency if config.judge else 4, len(scorers))
    print(f"scoring {len(answered)} answers with {len(scorers)} scorers", flush=True)
    with contextlib.redirect_stdout(io.StringIO()):  # MLflow's coloured advertisement of its page
        mlflow.genai.evaluate(
            data=[_evaluation_row(answer, traces[answer.row.row_id]) for answer in answered],
            scorers=scorers,
        )
    return _read_scores(run, [spec.name for spec in config.scorers], answered)


def _evaluation_row(answer: Answer, trace: Trace) -> dict[str, Any]:
    return {
        "inputs": {"question": answer.row.question},
        "outputs": answer.text,
        "expectations": {"expected_response": answer.row.expected_response},
        "trace": trace,
    }


def _read_scores(run: TrackedRun, names: Sequence[str], answered: Sequence[Answer]) -> Scores:
    traces = traces_by_row(run, include_spans=False)
    require_traces(traces, answered)
    return {
        answer.row.row_id: _row_scores(answer.row.row_id, traces[answer.row.row_id], names)
        for answer in answered
    }


def _row_scores(row_id: str, trace: Trace, names: Sequence[str]) -> dict[str, Score]:
    verdicts = {a.name: a for a in trace.info.assessments if a.feedback is not None}
    missing = [name for name in names if name not in verdicts]
    if missing:
        raise TrackingError(
            f"MLflow holds no verdict of {', '.join(missing)} on row {row_id}: "
            "the record is incomplete, so there is no verdict on the model"
        )
    return {name: _score(verdicts[name]) for name in names}


def _score(assessment: Assessment) -> Score:
    feedback = assessment.feedback
    assert feedback is not None
    if feedback.error is not None:
        reason = feedback.error.error_message or feedback.error.error_code
        return Score(None, "error", assessment.rationale, str(reason))
    value = as_number(feedback.value)
    error = None if value is not None else f"the verdict {feedback.value!r} is no number"
    return Score(value, str(feedback.value), assessment.rationale, error)


def as_number(value: object) -> float | None:
    """The rule that turns a verdict into a number: yes and true are 1, no and false are 0.

    None for everything else that is not a finite number; `unknown` is a judge that gave no verdict.
    """
    if isinstance(value, str):
        return {"yes": 1.0, "no": 0.0}.get(value.strip().lower())
    if isinstance(value, bool | int | float) and math.isfinite(value):
        return float(value)
    return None


def scorer_metrics(scores: Scores, names: Sequence[str]) -> dict[str, Metric]:
    """Mean, standard deviation, n and errors of each scorer over the answered rows."""
    metrics = {}
    for name in names:
        values = [row[name].value for row in scores.values()]
        numbers = [value for value in values if value is not None]
        metrics[name] = mean_metric(numbers, errors=len(values) - len(numbers))
    return metrics


def require_same_means(ours: Mapping[str, Metric], held: Mapping[str, Metric]) -> None:
    """Raise TrackingError where MLflow's mean is not the mean of the verdicts that it holds."""
    for name, metric in ours.items():
        mean = held[name].value
        if mean is not None and math.isnan(mean):
            continue  # the gate is closed on it
        both_empty = metric.value is None and mean is None
        if both_empty or (
            metric.value is not None
            and mean is not None
            and math.isclose(metric.value, mean, rel_tol=1e-9, abs_tol=1e-12)
        ):
            continue
        raise TrackingError(
            f"MLflow says {name}/mean = {mean}, but its verdicts give {metric.value} "
            f"(n={metric.n}): the record cannot be trusted"
        )
