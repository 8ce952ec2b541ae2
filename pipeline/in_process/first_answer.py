"""The first row's answer, asked for before anything else is imported, and kept like any other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from processing.candidate.package import measured_model
from processing.dataset.rows import Row
from processing.endpoint.answers import Answer, answer_rows
from processing.evaluation.run import answer_desk

if TYPE_CHECKING:
    from processing.calls.spend import Spend
    from processing.evaluation.job import EvaluationJob

SHOWN = 100
"""Characters of it."""


def first_answer(job: EvaluationJob, row: Row, spend: Spend) -> Answer:
    """Raises EndpointError if there is no such endpoint."""
    import boto3

    session = boto3.Session()
    model = measured_model(session.client("sagemaker"), job)
    return answer_rows(answer_desk(job, model, session, spend), [row])[0]


def first_line(answer: Answer) -> str:
    """How soon it came and how it begins, or why there is none."""
    text = " ".join((answer.text or f"none: {answer.call.error}").split())
    shown = text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
    return f"first answer, after {answer.call.latency_ms:.0f} ms: {shown}"
