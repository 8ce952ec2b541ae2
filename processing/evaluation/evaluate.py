"""One evaluation from its answers to its verdict, all of it recorded in one MLflow run."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from processing.base.errors import DiskError
from processing.calls.paid_store import Record
from processing.calls.progress_display import progress_shown
from processing.config.model import EvaluationConfig
from processing.config.scorer_numbers import number_rule
from processing.config.scorers import entry_of
from processing.dataset.clusters import clusters_of
from processing.dataset.shards import Share
from processing.endpoint.answers import Answer
from processing.evaluation.abandoned_runs import end_runs_of_killed_jobs
from processing.evaluation.answer_stream import NoMoreAnswers, streamed_answers
from processing.evaluation.early_stop import EarlyStop, early_stop
from processing.evaluation.failed_rows import add_failed_rows
from processing.evaluation.fingerprint import code_digest
from processing.evaluation.imports import import_in_the_background, kept_out_of_garbage_collection
from processing.evaluation.instances.merge import put_together
from processing.evaluation.measurements import cut_answers
from processing.evaluation.monitoring import drift, put_metrics
from processing.evaluation.outcome import record_metrics, record_outcome, verdict_on
from processing.evaluation.people import known_labels, people_of, with_calibrated
from processing.evaluation.prompts import prompts_of
from processing.evaluation.rejudged import rejudged, scorer_record_of
from processing.evaluation.run import EvaluationRun, answer_rows_of, in_asking_order, paid_verdicts
from processing.evaluation.scoring import score_rows
from processing.evaluation.unasked import stopped_run
from processing.gate.drift import DriftVerdict
from processing.gate.swapped_answers import SwappedAnswers
from processing.labels.label import Label
from processing.mlflow_record.internals import import_evaluate
from processing.mlflow_record.prompt_registry import prompts_linked
from processing.mlflow_record.run import (
    TrackedRun,
    log_closed_gate,
    log_dataset,
    tracked_run,
)
from processing.mlflow_record.scores import NotJudged, Scores, read_scores
from processing.mlflow_record.trace_writer import (
    ServerSupport,
    TraceWriter,
    traces_written_behind,
)
from processing.mlflow_record.trial import try_record
from processing.report.evaluation import Evaluation
from processing.report.evaluation_json import evaluation_document, write_document
from processing.report.provenance import Provenance
from processing.scorers.asked_once import PaidVerdicts
from processing.scorers.rows_in_hand import ROWS_IN_HAND
from processing.scorers.scheduler import judging
from processing.scorers.swapped_answers import swapped_answers_put


def evaluate(run: EvaluationRun, share: Share) -> Evaluation:
    """Answer, score, read back, judge. MLflow and `job.output` hold all of it at the end.

    evaluation.json comes last: if anything before it fails, there is none.
    """
    job = run.job
    params, tags = job.params(), job.tags(run.model)
    with (
        tracked_run(job.tracking_uri, job.experiment, job.run_name, params, tags) as tracked,
        progress_shown(run.progress),
    ):
        with kept_out_of_garbage_collection():
            log_closed_gate()
            support = try_record(tracked, job.config_file.read_text())
            import_evaluate()
        import_in_the_background(job.config)
        end_runs_of_killed_jobs(run, tracked)
        labels = known_labels(job, tracked)
        paid = paid_verdicts(run)
        ask_unseen = replace(paid, progress=None, noted="none").record
        early = _early_stop(run, share)
        with swapped_answers_put(
            run.controls,
            share.rows,
            ask_unseen,
            job.config.deciding_metrics(),
            settled=early.swapped if early else None,
        ) as swapped:
            answers, not_judged = _answer_and_record(
                run, share, tracked, support, paid=paid, early=early
            )
            scores, traces = read_scores(tracked, job.config.scorers, answers, not_judged)
            evaluation = _conclude(
                run,
                tracked,
                answers,
                scores,
                swapped=swapped(),
                labels=labels,
                paid=replace(paid, progress=None),
            )
            evaluation = replace(evaluation, traces=traces)
        document = evaluation_document(evaluation)
        record_outcome(evaluation, document, job)
        add_failed_rows(evaluation, document, job)
    write_document(document, job.output)
    put_metrics(evaluation, job, run.session)
    return evaluation


def _early_stop(run: EvaluationRun, share: Share) -> EarlyStop | None:
    """None where all is asked: the file says so, or other instances have rows of their own."""
    if not run.instance.is_alone:
        return None
    rows = in_asking_order(share.rows, run.job)
    return early_stop(run.job, rows, run.session.client("sagemaker"), run.spend)


def _answer_and_record(
    run: EvaluationRun,
    share: Share,
    tracked: TrackedRun,
    support: ServerSupport,
    *,
    paid: PaidVerdicts,
    early: EarlyStop | None,
) -> tuple[list[Answer], NotJudged]:
    """All answers, when MLflow holds them with every verdict on them; and who was not asked."""
    job = run.job
    asked = not job.config.dataset.answers_given
    prompts = prompts_of(job.endpoint, job.config.scorers, asked=asked)
    family, wanted = job.config.pipeline.name, job.config.mlflow.prompts
    with (
        prompts_linked(tracked, family, prompts, wanted=wanted) as linked,
        traces_written_behind(tracked, support, linked) as traces,
    ):
        log_dataset(tracked, job.manifest, job.prepared_rows)
        if run.instance.is_alone:
            answers, not_judged = _answer_and_score(run, share, traces, paid, early)
        else:
            answers, not_judged = _score_parts(run, share, traces, paid)
        traces.finish()
    return answers, not_judged


def _conclude(
    run: EvaluationRun,
    tracked: TrackedRun,
    answers: list[Answer],
    scores: Scores,
    *,
    swapped: Sequence[SwappedAnswers],
    labels: Sequence[Label],
    paid: PaidVerdicts,
) -> Evaluation:
    """The verdict, on what MLflow holds; `paid` is for the champion's answers."""
    job = run.job
    clusters = clusters_of([answer.row for answer in answers], job.config.dataset)
    stopped = stopped_run(run.spend, job.config, answers, scores)
    scorers = {built.spec.name: scorer_record_of(built) for built in run.scorers}
    rows = {answer.row.row_id: answer.row for answer in answers}
    people = people_of(job.config, labels, answers, scores)
    metrics = with_calibrated(
        record_metrics(tracked, job.config, answers, scores, clusters),
        job.config,
        people,
        answers,
        scores,
    )
    wanted = job.config.monitoring.drift is not None and stopped is None
    drifted = (drift(job, tracked, metrics, scorers) if wanted else None) or DriftVerdict()
    return Evaluation(
        verdict=verdict_on(
            job,
            run.session.client("sagemaker"),
            metrics,
            answers,
            scores,
            scorers=scorers,
            rejudge=lambda names, given: rejudged(run, paid, names, given, rows),
            clusters=clusters,
            swapped=swapped,
            # of all labelled answers, or of none
            reasons=[]
            if stopped and not stopped.passes
            else [*people.reasons(job.config), *drifted.reasons],
            stopped=stopped,
            warnings=[*people.warnings(job.config), *drifted.warnings],
        ),
        metrics=metrics,
        answers=answers,
        scores=scores,
        model=run.model,
        endpoint_name=job.endpoint.name,
        run=tracked,
        dataset_sha256=job.dataset_sha256,
        config_sha256=job.config_sha256,
        execution_arn=job.execution_arn,
        cut_answers=cut_answers(answers),
        clusters=clusters or {},
        swapped_answers=swapped,
        varied=job.varied,
        spend=run.spend,
        fingerprint=job.fingerprint(run.model.identity),
        number_rules={spec.name: number_rule(spec) for spec in job.config.scorers},
        scorers=scorers,
        code_sha256=code_digest(),
        pairwise=_pairwise_entries(job.config),
        labels=people.labels,
        agreements=people.agreements,
        drift=drifted if wanted else None,
        provenance=Provenance(
            evaluated_at=dt.datetime.now(dt.UTC),
            manifest=job.manifest,
            group=job.config.registration.model_package_group if job.config.registers else "",
        ),
    )


def _pairwise_entries(config: EvaluationConfig) -> dict[str, Any]:
    entries = (entry_of(spec, config.judge) for spec in config.pairwise_scorers)
    return {name: entry for named in entries for name, entry in named.items()}


def _answer_and_score(
    run: EvaluationRun,
    share: Share,
    traces: TraceWriter,
    paid: PaidVerdicts,
    early: EarlyStop | None,
) -> tuple[list[Answer], NotJudged]:
    """The endpoint, the judges and MLflow's bookkeeping, all at the same time."""

    def ask(arrived: Callable[[Answer], None]) -> list[Answer]:
        answers = answer_rows_of(run, share.rows, arrived)
        judges.all_answered()
        return answers

    def verdict(row_id: str, scorer: str) -> Record:
        try:
            return judges.verdict(row_id, scorer)
        except DiskError as error:
            raise NoMoreAnswers from error  # which MLflow does not take for this row's

    def arrived(answer: Answer) -> None:
        if early:
            early.answered(answer)
        judges.ask(answer)

    rows = in_asking_order(share.rows, run.job)
    with (
        judging(
            run.scorers,
            paid,
            early,
            cascade=run.job.stop_early.cascade,
            rows_in_hand=ROWS_IN_HAND,
        ) as judges,
        streamed_answers(ask, arrived) as stream,
    ):
        try:
            not_judged = score_rows(
                run.scorers,
                rows,
                traces,
                stream.answer,
                verdict,
                feedback_of=judges.feedback,
            )
        except NoMoreAnswers:
            stream.all()  # raises the reason, unless all the answers were here already
            run.job.store.health.require()
            raise
        return stream.all(), not_judged


def _score_parts(
    run: EvaluationRun, share: Share, traces: TraceWriter, paid: PaidVerdicts
) -> tuple[list[Answer], NotJudged]:
    answers, verdict_of = put_together(run, share, paid)
    by_id = {answer.row.row_id: answer for answer in answers}
    rows = [answer.row for answer in answers]
    not_judged = score_rows(run.scorers, rows, traces, by_id.__getitem__, verdict_of)
    return answers, not_judged
