"""EvaluateModel: ask the endpoint about every row, score the answers, and give one verdict.

Exit code 0 whether the gate passes or not: QualityGate has to read the report. Non-zero where
there is no verdict to give: an endpoint that is not there or has stopped answering, an MLflow
record that is incomplete. What was paid for until then is kept; the next run goes on from there.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from processing import container
from processing.absent import name_absent_modules
from processing.answers import Answer, AnswerDesk, answer_rows
from processing.candidate import measured_model
from processing.candidate_run import evaluate_candidate, keep_verdict
from processing.champion import judge_champion
from processing.config import EvaluationConfig
from processing.dataset import Row, read_rows
from processing.endpoint import MeasuredModel, endpoint_pace, runtime_client
from processing.errors import EndpointError, run_job
from processing.evaluation_job import EvaluationJob, read_arguments
from processing.fingerprint import fingerprint
from processing.gate import Metric, Verdict, judge
from processing.judge import silence_libraries
from processing.measurements import as_held, measure, scale_of
from processing.report import Evaluation, write_evaluation
from processing.scorers.catalogue import BuiltScorer, build_scorers, number_rule
from processing.scoring import (
    Scores,
    read_scores,
    require_same_means,
    score_answers,
    scorer_metrics,
)
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
from processing.verdicts import VerdictDesk, definition_digest
from processing.worst_case import Scale

if TYPE_CHECKING:
    from boto3 import Session

SPEND_SECONDS = 10.0


def main(argv: Sequence[str] | None = None) -> None:
    silence_libraries()
    name_absent_modules()
    container.name_region()
    job = read_arguments(argv, __doc__)
    if job.model_package_arn and not job.deployed:
        evaluate_candidate(job, sys.argv[1:] if argv is None else argv)
        return
    evaluation = evaluate(job)
    keep_verdict(evaluation, job)
    word = "passed" if evaluation.verdict.passed else "not passed"
    print(f"quality gate {word}: {evaluation.verdict.summary}")


def evaluate(job: EvaluationJob) -> Evaluation:
    """Answer, score, read back, judge. MLflow and `job.output` hold all of it at the end."""
    import boto3

    session = boto3.Session()
    sagemaker = session.client("sagemaker")
    rows = read_rows(job.dataset)
    model = measured_model(sagemaker, job)
    spend = Spend(job.config.prices)
    # before anything is paid for: a scorer that cannot be built ends the job here
    scorers = build_scorers(job.config.scorers, job.config.judge, job.config_folder, spend=spend)
    print(f"evaluating {model.model_name} behind {job.endpoint.name} on {len(rows)} rows")
    with (
        tracked_run(
            job.tracking_uri, job.experiment, job.run_name, job.params(len(rows)), job.tags(model)
        ) as run,
        reported(spend, SPEND_SECONDS),
    ):
        with traces_written_behind(run.tracking_uri, run.experiment_id, run.run_id) as traces:
            answers = _answer(job, session, model, rows, spend)
            _require_same_model(sagemaker, job, model)
            desk = _verdict_desk(job, session, scorers, answers, spend)
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
            fingerprint=fingerprint(job, model.identity),
            number_rules={spec.name: number_rule(spec) for spec in job.config.scorers},
        )
        _record_outcome(evaluation, job)
    return evaluation


def _answer(
    job: EvaluationJob, session: Session, model: MeasuredModel, rows: list[Row], spend: Spend
) -> list[Answer]:
    desk = AnswerDesk(
        client=runtime_client(job.endpoint, session),
        endpoint=job.endpoint,
        model=model,
        shelf=job.store.shelf(session, "answers", key_of(model.identity)[:16]),
        spend=spend,
        pace=endpoint_pace(job.endpoint),
    )
    return answer_rows(desk, rows, draft_trace)


def _require_same_model(sagemaker: Any, job: EvaluationJob, model: MeasuredModel) -> None:
    if measured_model(sagemaker, job) != model:
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
