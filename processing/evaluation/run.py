"""One instance's asking: its rows go to the endpoint, and what comes back is ready to be judged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from processing.base.errors import EndpointError
from processing.base.instance import Instance
from processing.calls.paid_store import key_of
from processing.calls.progress import Progress
from processing.calls.spend import Spend
from processing.candidate.package import measured_model
from processing.dataset.rows import Row
from processing.endpoint.answers import Answer, AnswerDesk, answer_rows
from processing.endpoint.client import MeasuredModel, endpoint_pace, runtime_client
from processing.evaluation.job import EvaluationJob
from processing.scorers.asked_once import PaidVerdicts, definition_digest
from processing.scorers.build import BuiltScorer

if TYPE_CHECKING:
    from boto3 import Session


@dataclass(frozen=True)
class Asking:
    """Who asks (`instance` of `job`), whom (`model`, the scorers' judges), and how far it is."""

    job: EvaluationJob
    instance: Instance
    session: Session
    model: MeasuredModel
    scorers: list[BuiltScorer]
    spend: Spend
    progress: Progress


def answer_rows_of(
    asking: Asking, rows: Sequence[Row], arrived: Callable[[Answer], None] = lambda _: None
) -> list[Answer]:
    """The endpoint's answers in the order of the rows; `arrived` sees each as it comes.

    Raises EndpointError when the endpoint has stopped answering, or was updated meanwhile.
    """
    job = asking.job
    desk = AnswerDesk(
        client=runtime_client(job.endpoint, asking.session),
        endpoint=job.endpoint,
        model=asking.model,
        shelf=job.store.shelf(asking.session, "answers", key_of(asking.model.identity)[:16]),
        spend=asking.spend,
        pace=endpoint_pace(job.endpoint, len(asking.instance.hosts)),
    )

    def came(answer: Answer) -> None:
        asking.progress.answered(failed=answer.text is None, reused=answer.reused)
        arrived(answer)

    answers = answer_rows(desk, rows, came)
    if measured_model(asking.session.client("sagemaker"), job) != asking.model:
        raise EndpointError(
            f"endpoint {job.endpoint.name} was updated while it was being evaluated: "
            "the answers come from more than one model; start the pipeline again"
        )
    return answers


def paid_verdicts(asking: Asking) -> PaidVerdicts:
    """Where the judges' verdicts are kept, with every one that earlier jobs have paid for."""
    return PaidVerdicts(
        shelves={
            scorer.spec.name: asking.job.store.shelf(
                asking.session, "verdicts", definition_digest(scorer)
            )
            for scorer in asking.scorers
            if scorer.judge is not None
        },
        spend=asking.spend,
        progress=asking.progress,
    )
