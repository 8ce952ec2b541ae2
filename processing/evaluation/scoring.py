"""`mlflow.genai.evaluate` scores the answers, as soon as each is there, and writes the record."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Sequence
from typing import Any

from processing.calls.paid_store import Record
from processing.dataset.judged_answer import JudgedAnswer
from processing.dataset.rows import Row
from processing.endpoint.answers import Answer
from processing.mlflow_record.internals import without_importing
from processing.mlflow_record.row_traces import draft_trace
from processing.mlflow_record.scores import NotJudged
from processing.mlflow_record.settings import quiet_evaluate
from processing.mlflow_record.trace_writer import TraceWriter
from processing.scorers.asked_once import FeedbackOf, VerdictOf, mlflow_scorer, was_not_asked
from processing.scorers.build import BuiltScorer

ROWS_AT_ONCE = 16
"""In evaluate's hands. The judges are asked elsewhere; this is for what is computed here."""

AnswerOf = Callable[[str], Answer]
"""row id -> the endpoint's answer; may wait for it."""


def score_rows(
    scorers: Sequence[BuiltScorer],
    rows: Sequence[Row],
    traces: TraceWriter,
    answer_of: AnswerOf,
    verdict_of: VerdictOf,
    *,
    feedback_of: FeedbackOf = lambda *_: None,
) -> NotJudged:
    """Score every row inside the active run, as soon as its answer and its verdicts are there.

    MLflow waits for them in `answer_of` and `verdict_of`, writes what is complete, and asks nobody.
    A row that the endpoint did not answer gets a trace, and no scores; one that it was not asked
    about has neither. Returns which judges were not asked about an answer.
    """
    import mlflow

    quiet_evaluate(ROWS_AT_ONCE)
    not_judged: dict[str, set[str]] = {}

    def predict(row_id: str, question: str) -> str | None:  # noqa: ARG001 MLflow passes all inputs
        answer = answer_of(row_id)
        if not answer.asked:
            return None  # and without a trace MLflow has nothing to write
        draft_trace(answer, traces.run_id)
        if answer.judged is not None:
            answers[row_id] = answer.judged
        # one verdict from each scorer, and the expectations
        expected = len(_expectations(by_id[row_id]))
        traces.expect(row_id, expected + (len(scorers) if answer.text is not None else 0))
        return answer.text

    def verdict(row_id: str, scorer: str) -> Record:
        record = verdict_of(row_id, scorer)
        if was_not_asked(record):
            not_judged.setdefault(row_id, set()).add(scorer)
        traces.look_into(row_id, scorer, record)
        return record

    answers: dict[str, JudgedAnswer] = {}
    by_id = {row.row_id: row for row in rows}
    with (
        without_importing("databricks.sdk"),
        contextlib.redirect_stdout(_Nowhere()),  # MLflow's coloured advertisement of its page
    ):
        mlflow.genai.evaluate(
            data=[_evaluation_row(row) for row in rows],
            predict_fn=predict,
            scorers=[
                mlflow_scorer(built, by_id, answers, verdict, feedback_of) for built in scorers
            ],
        )
    return not_judged


class _Nowhere(io.TextIOBase):
    """Takes what is printed and keeps none of it; open whatever a scorer does to sys.stdout."""

    def write(self, text: str) -> int:
        return len(text)

    def close(self) -> None: ...


def _evaluation_row(row: Row) -> dict[str, Any]:
    return {
        "inputs": {"row_id": row.row_id, "question": row.question},
        "expectations": _expectations(row),
    }


def _expectations(row: Row) -> dict[str, Any]:
    """{} where nobody has said what is right."""
    expected = {"expected_response": row.expected_response} if row.expected_response else {}
    return {**expected, **row.further.given()}
