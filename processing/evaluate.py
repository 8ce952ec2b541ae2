"""EvaluateModel: ask the endpoint about every row, score the answers, and give one verdict.

Exit code 0 whether the gate passes or not: QualityGate has to read the report. Non-zero where
there is no verdict to give: an endpoint that is not there or has stopped answering, an MLflow
record that is incomplete. What was paid for until then is kept; the next run goes on from there.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

from processing.base import container
from processing.base.instance import this_instance
from processing.base.job import run_job
from processing.calls.progress import Progress
from processing.calls.progress_display import progress_shown
from processing.calls.spend import Spend
from processing.candidate.package import measured_model
from processing.candidate.run import evaluate_candidate, keep_verdict
from processing.config.judge import silence_libraries
from processing.config.model import EvaluationConfig
from processing.config.scorer_numbers import number_rule
from processing.dataset.shards import Share, read_share
from processing.endpoint.answers import Answer
from processing.evaluation.answer_stream import NoMoreAnswers, arriving
from processing.evaluation.fingerprint import fingerprint
from processing.evaluation.instances.merge import failure_told_to_others, hand_in, put_together
from processing.evaluation.job import EvaluationJob, read_arguments
from processing.evaluation.run import Asking, answer_rows_of, paid_verdicts
from processing.gate.champion import judge_champion
from processing.gate.metrics import as_held, measure, scale_of
from processing.gate.slices import judge_slices
from processing.gate.verdict import Metric, Verdict, judge
from processing.gate.worst_case import Scale
from processing.mlflow_record.internals import (
    load_evaluate,
    load_meanwhile,
    name_absent_modules,
    uncollected,
)
from processing.mlflow_record.prompt_registry import prompts_linked
from processing.mlflow_record.prompts import prompts_of
from processing.mlflow_record.run import (
    TrackedRun,
    log_dataset,
    log_metrics,
    log_outcome,
    read_metrics,
    tracked_run,
)
from processing.mlflow_record.scoring import (
    Scores,
    read_scores,
    require_same_means,
    score_rows,
    scorer_metrics,
)
from processing.mlflow_record.trace_writer import TraceWriter, traces_written_behind
from processing.report.evaluation_json import Evaluation, write_evaluation
from processing.report.html import write_html
from processing.report.run_description import run_description
from processing.scorers.build import build_scorers
from processing.scorers.scheduler import judging


def main(argv: Sequence[str] | None = None) -> None:
    silence_libraries()
    name_absent_modules()
    container.name_region()
    job = read_arguments(argv, __doc__)
    if job.model_package_arn and not job.deployed:
        evaluate_candidate(job, sys.argv[1:] if argv is None else argv)
        return
    instance = this_instance()
    with failure_told_to_others(job, instance):
        share = read_share(job.dataset, job.manifest, whole=instance.is_alone)
        with uncollected():
            asking = _prepare_asking(job, share)
        if not instance.is_leader:
            with progress_shown(asking.progress):
                hand_in(asking, share)
            print(f"{instance.current} has handed in its part to {instance.leader}")
            return
        evaluation = evaluate(asking, share)
    keep_verdict(evaluation, job)
    word = "passed" if evaluation.verdict.passed else "not passed"
    print(f"quality gate {word}: {evaluation.verdict.summary}")


def _prepare_asking(job: EvaluationJob, share: Share) -> Asking:
    """All that can fail before anything is paid for: no such endpoint, a scorer that is none."""
    import boto3

    session = boto3.Session()
    instance = this_instance()
    model = measured_model(session.client("sagemaker"), job)
    rows = f"{len(share.rows)} rows"
    print(f"evaluating {model.model_name} behind {job.endpoint.name} on {rows}", flush=True)
    spend = Spend(job.config.prices)
    scorers = build_scorers(
        job.config.scorers,
        job.config.judge,
        job.config_folder,
        spend=spend,
        instances=len(instance.hosts),
    )
    progress = Progress(
        len(share.rows),
        judges=sum(1 for scorer in scorers if scorer.judge is not None),
        spend=spend,
        host="" if instance.is_alone else instance.current,
    )
    return Asking(
        job, instance, session, model=model, scorers=scorers, spend=spend, progress=progress
    )


def evaluate(asking: Asking, share: Share) -> Evaluation:
    """Answer, score, read back, judge. MLflow and `job.output` hold all of it at the end."""
    job, spend = asking.job, asking.spend
    config, tags = job.config, job.tags(asking.model)
    prompts = prompts_of(job.endpoint, config.scorers)
    with (
        tracked_run(job.tracking_uri, job.experiment, job.run_name, job.params(), tags) as run,
        progress_shown(asking.progress),
    ):
        with uncollected():
            load_evaluate()
        load_meanwhile()
        family, wanted = config.pipeline.name, config.mlflow.prompts
        with (
            prompts_linked(run, family, prompts, wanted=wanted) as linked,
            traces_written_behind(
                run.tracking_uri, run.experiment_id, run.run_id, linked
            ) as traces,
        ):
            log_dataset(run, job.manifest, job.prepared_rows)
            if asking.instance.is_alone:
                answers = _answer_and_score(asking, share, traces)
            else:
                answers = _score_parts(asking, share, traces)
            traces.finish()
        scores = read_scores(run, job.config.scorers, answers)
        metrics = _record_metrics(run, job.config, answers, scores)
        evaluation = Evaluation(
            verdict=_verdict(job, asking.session.client("sagemaker"), metrics, answers, scores),
            metrics=metrics,
            answers=answers,
            scores=scores,
            model=asking.model,
            endpoint_name=job.endpoint.name,
            run=run,
            dataset_sha256=job.dataset_sha256,
            config_sha256=job.config_sha256,
            execution_arn=job.execution_arn,
            spend=spend,
            fingerprint=fingerprint(job, asking.model.identity),
            number_rules={spec.name: number_rule(spec) for spec in job.config.scorers},
        )
        _record_outcome(evaluation, job)
    return evaluation


def _answer_and_score(asking: Asking, share: Share, traces: TraceWriter) -> list[Answer]:
    """The endpoint, the judges and MLflow's bookkeeping, all at the same time."""

    def ask(arrived: Callable[[Answer], None]) -> list[Answer]:
        return answer_rows_of(asking, share.rows, arrived)

    with (
        judging(asking.scorers, paid_verdicts(asking)) as judges,
        arriving(share.rows, ask, judges.ask) as arrivals,
    ):
        try:
            score_rows(asking.scorers, share.rows, traces, arrivals.answer, judges.verdict)
        except NoMoreAnswers:
            arrivals.all()  # raises the reason
        return arrivals.all()


def _score_parts(asking: Asking, share: Share, traces: TraceWriter) -> list[Answer]:
    answers, verdict_of = put_together(asking, share)
    by_id = {answer.row.row_id: answer for answer in answers}
    rows = [answer.row for answer in answers]
    score_rows(asking.scorers, rows, traces, by_id.__getitem__, verdict_of)
    return answers


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
        tags={
            "verdict": "passed" if verdict.passed else "not passed",
            "reason": verdict.summary,
            "mlflow.note.content": run_description(evaluation, job.manifest.title),
        },
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
