"""EvaluateModel: ask the endpoint about every row, score the answers, and give one verdict.

Exit code 0 whether the gate passes or not: QualityGate has to read the report. Non-zero where
there is no verdict to give: an endpoint that is not there or has stopped answering, an MLflow
record that is incomplete. What was paid for until then is kept; the next run goes on from there.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from processing import container
from processing.absent import name_absent_modules
from processing.answers import Answer, AnswerDesk, answer_rows
from processing.champion import judge_champion
from processing.config import EvaluationConfig
from processing.dataset import Row
from processing.endpoint import MeasuredModel, describe_model, endpoint_pace, runtime_client
from processing.errors import EndpointError, InstanceError, run_job
from processing.evaluation_job import EvaluationJob, read_arguments
from processing.gate import Metric, Verdict, judge
from processing.html_report import write_html
from processing.instances import Instance, this_instance
from processing.judge import silence_libraries
from processing.measurements import as_held, measure, scale_of
from processing.parts import add_spend, answer_of, gather_verdicts, own_part, verdicts_of
from processing.rendezvous import (
    Part,
    Rendezvous,
    collect,
    failure_told,
    in_dataset_order,
    publish,
)
from processing.report import Evaluation, write_evaluation
from processing.scorers.catalogue import BuiltScorer, build_scorers, number_rule
from processing.scoring import (
    Scores,
    judge_calls_at_once,
    read_scores,
    require_same_means,
    score_answers,
    scorer_metrics,
)
from processing.shards import Share, read_share
from processing.slices import judge_slices
from processing.spend import Spend, reported
from processing.store import key_of
from processing.trace_writer import traces_written_behind
from processing.tracking import (
    TrackedRun,
    draft_trace,
    log_metrics,
    log_outcome,
    read_metrics,
    tracked_run,
)
from processing.verdicts import VerdictDesk, definition_digest, verdict_record
from processing.worst_case import Scale

if TYPE_CHECKING:
    from boto3 import Session

SPEND_SECONDS = 10.0


def main(argv: Sequence[str] | None = None) -> None:
    silence_libraries()
    name_absent_modules()
    container.name_region()
    job = read_arguments(argv, __doc__)
    instance = this_instance()
    if not instance.is_alone:
        with failure_told(_meeting(job, instance)):
            evaluation = evaluate(job, instance)
    else:
        evaluation = evaluate(job, instance)
    if evaluation is None:
        print(f"{instance.current} has handed in its part to {instance.leader}")
        return
    word = "passed" if evaluation.verdict.passed else "not passed"
    print(f"quality gate {word}: {evaluation.verdict.summary}")


def _meeting(job: EvaluationJob, instance: Instance) -> Rendezvous:
    import boto3

    if job.parts_uri is None:
        raise InstanceError("several instances need --parts-uri to put their parts together")
    return Rendezvous(boto3.client("s3"), job.parts_uri, container.job_name(), instance)


def _own_part(
    job: EvaluationJob,
    session: Session,
    share: Share,
    *,
    host: str,
    scorers: list[BuiltScorer],
    model: MeasuredModel,
    spend: Spend,
) -> Part:
    """This instance's rows, answered and judged."""
    answers = _answer(job, session, model, share.rows, spend, arrived=lambda _: None)
    _require_same_model(session.client("sagemaker"), job, model)
    desk = _verdict_desk(job, session, scorers, answers, spend)
    judged = {scorer.spec.name: scorer for scorer in scorers if scorer.judge is not None}
    verdicts = gather_verdicts(
        answers,
        list(judged),
        lambda name, answer: verdict_record(judged[name], answer.row, answer.text or "", desk),
        at_once=judge_calls_at_once(scorers),
    )
    measured = {
        "model": model.identity,
        "dataset": job.dataset_sha256,
        "config": job.config_sha256,
        "scorers": [scorer.definition for scorer in scorers],
    }
    return own_part(host, share, answers, verdicts, measured=measured, spend=spend)


def _put_together(
    job: EvaluationJob, instance: Instance, own: Part, spend: Spend
) -> tuple[list[Answer], VerdictDesk]:
    """The leader's: all answers in the order of the dataset, and the verdicts that judges gave."""
    parts = collect(_meeting(job, instance), own, rows=job.manifest.counts.written)
    add_spend(spend, parts[1:])
    rows = in_dataset_order(parts)
    answers = [answer_of(row) for row in rows]
    for answer in answers:
        draft_trace(answer)
    by_id = {answer.row.row_id: answer.row for answer in answers}
    return answers, VerdictDesk(rows=by_id, shelves={}, spend=spend, given=verdicts_of(rows))


def evaluate(job: EvaluationJob, instance: Instance) -> Evaluation | None:
    """Answer, score, read back, judge. MLflow and `job.output` hold all of it at the end.

    None on an instance that is not the leader: it has handed in its part.
    """
    import boto3

    session = boto3.Session()
    sagemaker = session.client("sagemaker")
    share = read_share(job.dataset, job.manifest, whole=instance.is_alone)
    model = describe_model(sagemaker, job.endpoint)
    spend = Spend(job.config.prices)
    # before anything is paid for: a scorer that cannot be built ends the job here
    scorers = build_scorers(
        job.config.scorers,
        job.config.judge,
        job.config_folder,
        spend=spend,
        instances=len(instance.hosts),
    )
    print(f"evaluating {model.model_name} behind {job.endpoint.name} on {len(share.rows)} rows")
    own = partial(
        _own_part,
        job,
        session,
        share,
        host=instance.current,
        scorers=scorers,
        model=model,
        spend=spend,
    )
    if not instance.is_leader:
        with reported(spend, SPEND_SECONDS):
            publish(_meeting(job, instance), own())
        return None
    params = job.params(job.manifest.counts.written)
    with (
        tracked_run(job.tracking_uri, job.experiment, job.run_name, params, job.tags(model)) as run,
        reported(spend, SPEND_SECONDS),
    ):
        with traces_written_behind(run.tracking_uri, run.experiment_id, run.run_id) as traces:
            if instance.is_alone:
                answers = _answer(job, session, model, share.rows, spend, arrived=draft_trace)
                _require_same_model(sagemaker, job, model)
                desk = _verdict_desk(job, session, scorers, answers, spend)
            else:
                answers, desk = _put_together(job, instance, own(), spend)
            score_answers(scorers, desk, answers, traces)
            traces.finish()
        scores = read_scores(run, job.config.scorers, answers)
        metrics = _record_metrics(run, job.config, answers, scores)
        evaluation = Evaluation(
            verdict=_verdict(job, sagemaker, metrics, answers, scores),
            metrics=metrics,
            answers=answers,
            scores=scores,
            model=model,
            endpoint_name=job.endpoint.name,
            run=run,
            dataset_sha256=job.dataset_sha256,
            config_sha256=job.config_sha256,
            execution_arn=job.execution_arn,
            spend=spend,
            number_rules={spec.name: number_rule(spec) for spec in job.config.scorers},
        )
        _record_outcome(evaluation, job)
    return evaluation


def _answer(
    job: EvaluationJob,
    session: Session,
    model: MeasuredModel,
    rows: list[Row],
    spend: Spend,
    *,
    arrived: Callable[[Answer], None],
) -> list[Answer]:
    desk = AnswerDesk(
        client=runtime_client(job.endpoint, session),
        endpoint=job.endpoint,
        model=model,
        shelf=job.store.shelf(session, "answers", key_of(model.identity)[:16]),
        spend=spend,
        pace=endpoint_pace(job.endpoint, len(this_instance().hosts)),
    )
    return answer_rows(desk, rows, arrived)


def _require_same_model(sagemaker: Any, job: EvaluationJob, model: MeasuredModel) -> None:
    if describe_model(sagemaker, job.endpoint) != model:
        raise EndpointError(
            f"endpoint {job.endpoint.name} was updated while it was being evaluated: "
            "the answers come from more than one model; start the pipeline again"
        )


def _verdict_desk(
    job: EvaluationJob,
    session: Session,
    scorers: list[BuiltScorer],
    answers: list[Answer],
    spend: Spend,
) -> VerdictDesk:
    return VerdictDesk(
        rows={answer.row.row_id: answer.row for answer in answers},
        shelves={
            scorer.spec.name: job.store.shelf(session, "verdicts", definition_digest(scorer))
            for scorer in scorers
            if scorer.judge is not None
        },
        spend=spend,
    )


def _scales(config: EvaluationConfig) -> dict[str, Scale]:
    return {spec.name: scale_of(spec) for spec in config.scorers}


def _record_metrics(
    run: TrackedRun, config: EvaluationConfig, answers: Sequence[Answer], scores: Scores
) -> dict[str, Metric]:
    """Write what was counted into MLflow and return the metrics as MLflow holds them."""
    names = [spec.name for spec in config.scorers]
    scored = scorer_metrics(
        scores,
        names,
        rows=len(answers),
        scales=_scales(config),
        by_interval=[name for name, bound in config.thresholds.items() if bound.on == "interval"],
    )
    measured = {**scored, **measure(answers)}
    log_metrics(measured, names)
    held = read_metrics(run, config.metrics, names)
    require_same_means(scored, held)
    return {name: as_held(measured[name], metric) for name, metric in held.items()}


def _record_outcome(evaluation: Evaluation, job: EvaluationJob) -> None:
    verdict = evaluation.verdict
    write_evaluation(evaluation, job.output)
    write_html(job.output)
    log_outcome(
        tags={"verdict": "passed" if verdict.passed else "not passed", "reason": verdict.summary},
        metrics={
            "gate_passed": float(verdict.passed),
            "rows": len(evaluation.answers),
            "endpoint_errors": evaluation.endpoint_errors,
        },
        folder=job.output,
    )


def _verdict(
    job: EvaluationJob,
    sagemaker: Any,
    metrics: dict[str, Metric],
    answers: Sequence[Answer],
    scores: Scores,
) -> Verdict:
    config = job.config
    slices = {answer.row.row_id: answer.row.slices for answer in answers}
    scales = _scales(config)
    numbers = {
        row_id: {name: score.value for name, score in row.items()} for row_id, row in scores.items()
    }
    champion = None
    if config.champion:
        champion = judge_champion(
            sagemaker,
            config.registration.model_package_group,
            config.champion,
            rows=slices,
            scores=numbers,
            scales=scales,
            min_rows=config.budgets.min_rows,
        )
    return judge(
        metrics,
        job.thresholds,
        config.budgets,
        rows=len(answers),
        endpoint_errors=sum(1 for answer in answers if answer.call.error),
        slices=judge_slices(config.slices, slices, numbers, scales) if config.slices else None,
        champion=champion,
    )


if __name__ == "__main__":
    sys.exit(run_job(main, container.MESSAGE_FILE))
