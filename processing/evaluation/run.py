"""One instance's run: whom it asks, what it has spent, how far it is; its rows answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from processing.base.errors import EndpointError
from processing.base.instance import Instance
from processing.calls.paid_store import key_of
from processing.calls.progress import Progress
from processing.calls.spend import Spend
from processing.calls.stop import Cap
from processing.config.model import EvaluationConfig
from processing.dataset.rows import Row
from processing.dataset.shards import Share
from processing.dataset.validation import require_named
from processing.endpoint.answers import Answer, AnswerDesk, answer_rows
from processing.endpoint.client import MeasuredModel, endpoint_rate_limit, runtime_client
from processing.endpoint.given import given_answers
from processing.evaluation.job import EvaluationJob
from processing.judges.kept_replies import KeptReplies
from processing.labels.sources import labels_of_rows
from processing.scorers.asked_once import PaidVerdicts, definition_digest
from processing.scorers.build import BuiltScorer, build_scorers
from processing.scorers.swapped_answers import Control, controls_of

if TYPE_CHECKING:
    from boto3 import Session

DescribeModel = Callable[[Any, EvaluationJob], MeasuredModel]
"""Looks up what the job's endpoint serves, with a boto3 `sagemaker` client."""


@dataclass(frozen=True)
class EvaluationRun:
    """Who asks (`instance` of `job`), whom (`model`, the scorers' judges), and how far it is."""

    job: EvaluationJob
    instance: Instance
    session: Session
    describe_model: DescribeModel
    model: MeasuredModel
    scorers: list[BuiltScorer]
    controls: list[Control]
    spend: Spend
    progress: Progress


def prepare_run(
    job: EvaluationJob,
    share: Share,
    instance: Instance,
    describe_model: DescribeModel,
    *,
    spend: Spend | None = None,
) -> EvaluationRun:
    """All that can fail before anything is paid for: no such endpoint, a scorer that is none.

    `spend`: what has been spent on it already, if anything has.
    """
    import boto3

    if share.rows:
        manifest = job.manifest
        columns, grouping = job.config.dataset.columns, job.config.grouping()
        require_named(manifest.title, manifest.slices, columns, grouping, job.config_file.name)
        labels_of_rows(job.config, share.rows)  # raises for a label that is none
    session = boto3.Session()
    model = describe_model(session.client("sagemaker"), job)
    rows = f"{len(share.rows)} rows"
    print(f"evaluating {_whose(job, model)} on {rows}", flush=True)
    if job.stop_early.mode != "none" and not instance.is_alone:
        print(f"stop_early: {job.stop_early.mode} is for one instance; each of these asks all of "
              "its rows", flush=True)  # fmt: skip
    spend = spend or spend_of(job.config, len(instance.hosts))
    scorers = build_scorers(
        job.config.scorers,
        job.config.judge,
        job.config_folder,
        spend=spend,
        instances=len(instance.hosts),
        replies_of=lambda judge: KeptReplies(
            job.store.shelf(session, "judge-replies", key_of(judge.model, judge.base_url)[:16])
        ),
    )
    progress = Progress(
        len(share.rows),
        judges=sum(1 for scorer in scorers if scorer.judge is not None),
        spend=spend,
        host="" if instance.is_alone else instance.current,
    )
    return EvaluationRun(
        job,
        instance,
        session,
        describe_model,
        model,
        scorers=scorers,
        controls=controls_of(
            scorers,
            job.config_folder,
            spend,
            gold=job.config.dataset.columns.context is not None,
        )
        if instance.is_leader
        else [],
        spend=spend,
        progress=progress,
    )


def _whose(job: EvaluationJob, model: MeasuredModel) -> str:
    if not job.config.dataset.answers_given:
        return f"{model.model_name} behind {job.endpoint.name}"
    whose = f" of {model.model_name}" if model.source_uri else ""
    return f"the answers{whose} that {job.manifest.title} has, without a call of an endpoint,"


def spend_of(config: EvaluationConfig, instances: int = 1) -> Spend:
    """Nothing yet; how much it may become is one instance's share of `budgets:`."""
    budgets = config.budgets
    cap = Cap(budgets.max_spend, budgets.max_tokens, budgets.max_calls, instances)
    return Spend(config.prices, cap=cap)


def in_asking_order(rows: Sequence[Row], job: EvaluationJob) -> list[Row]:
    """As they stand, or in a random order of the dataset's seed if the run may stop before its end.

    What is known by then is then known of a random sample.
    """
    if not job.may_stop:
        return list(rows)
    seed = job.config.dataset.seed
    return sorted(rows, key=lambda row: sha256(f"{seed} {row.row_id}".encode()).digest())


def answer_desk(
    job: EvaluationJob, model: MeasuredModel, session: Session, spend: Spend, *, instances: int = 1
) -> AnswerDesk:
    """Whom the job asks, and what is kept; `instances` share the endpoint's quota."""
    return AnswerDesk(
        client=runtime_client(job.endpoint, session, job.config.infrastructure),
        endpoint=job.endpoint,
        model=model,
        shelf=job.store.shelf(session, "answers", key_of(model.identity)[:16]),
        spend=spend,
        rate_limit=endpoint_rate_limit(job.endpoint, instances),
    )


def answer_rows_of(
    run: EvaluationRun, rows: Sequence[Row], arrived: Callable[[Answer], None] = lambda _: None
) -> list[Answer]:
    """The answers in the order of the rows, the endpoint's or those that are given.

    `arrived` sees each as it comes.

    They are asked for in another order if the run may stop before its end.

    Raises EndpointError when the endpoint has stopped answering, or was updated meanwhile.
    """
    job = run.job
    in_order = in_asking_order(rows, job)
    if job.config.dataset.answers_given:
        given = given_answers(job.endpoint, in_order, lambda answer: _came(run, answer, arrived))
        return _in_order_of(rows, given)
    desk = answer_desk(job, run.model, run.session, run.spend, instances=len(run.instance.hosts))

    answers = answer_rows(desk, in_order, lambda answer: _came(run, answer, arrived))
    if run.describe_model(run.session.client("sagemaker"), job) != run.model:
        raise EndpointError(
            f"endpoint {job.endpoint.name} was updated while it was being evaluated: "
            "the answers come from more than one model; start the pipeline again"
        )
    return _in_order_of(rows, answers)


def _in_order_of(rows: Sequence[Row], answers: Sequence[Answer]) -> list[Answer]:
    by_id = {answer.row.row_id: answer for answer in answers}
    return [by_id[row.row_id] for row in rows]


def _came(run: EvaluationRun, answer: Answer, arrived: Callable[[Answer], None]) -> None:
    if answer.asked:
        failed = answer.text is None
        run.progress.answered(failed=failed, reused=answer.reused, cut=bool(answer.cut))
    arrived(answer)


def paid_verdicts(run: EvaluationRun) -> PaidVerdicts:
    """Where the judges' verdicts are kept, with every one that earlier jobs have paid for."""
    built = [control.built for control in run.controls]
    asked = [*built, *(member for scorer in run.scorers for member in scorer.asked)]
    scorers = {member.definition: member for member in asked if member.judge is not None}
    return PaidVerdicts(
        shelves={
            definition: run.job.store.shelf(run.session, "verdicts", definition_digest(member))
            for definition, member in scorers.items()
        },
        spend=run.spend,
        progress=run.progress,
        noted=run.job.config.mlflow.judge_spans_of(run.job.manifest.counts.written),
    )
