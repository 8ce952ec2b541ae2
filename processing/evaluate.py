"""EvaluateModel: ask the endpoint about every row, score the answers, and give one verdict.

Exit code 0 whether the gate passes or not: QualityGate has to read the report. Non-zero where
there is no verdict to give: an endpoint that is not there or has stopped answering, an MLflow
record that is incomplete.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from processing import container
from processing.answers import Answer, answer_rows
from processing.config import Endpoint, EvaluationConfig
from processing.config_file import config_digest, load_config
from processing.dataset import read_manifest, read_rows
from processing.endpoint import MeasuredModel, describe_model, runtime_client
from processing.errors import EndpointError, run_job
from processing.gate import (
    Metric,
    ThresholdParameter,
    Verdict,
    judge,
    override,
    threshold_parameters,
)
from processing.judge import route_bedrock_calls, silence_libraries
from processing.measurements import measure
from processing.report import Evaluation, write_evaluation
from processing.scoring import Scores, require_same_means, score_answers, scorer_metrics
from processing.tracking import (
    TrackedRun,
    log_answers,
    log_metrics,
    log_outcome,
    read_metrics,
    tracked_run,
)

ANSWERS_FILE = "answers.jsonl"


@dataclass(frozen=True)
class Job:
    """What this run of the step was asked to do: the file, and the pipeline's parameters."""

    config: EvaluationConfig
    endpoint: Endpoint
    thresholds: list[ThresholdParameter]
    dataset: Path
    tracking_uri: str
    experiment: str
    execution_arn: str
    dataset_sha256: str
    config_sha256: str


def main(argv: Sequence[str] | None = None) -> None:
    arguments = _parser().parse_args(argv)
    silence_libraries()
    route_bedrock_calls()
    evaluation = evaluate(_job(arguments), arguments.answers, arguments.output)
    word = "passed" if evaluation.verdict.passed else "not passed"
    print(f"quality gate {word}: {evaluation.verdict.summary}")


def evaluate(job: Job, answers_folder: Path, output: Path) -> Evaluation:
    """Answer, score, read back, judge. MLflow and `output` hold all of it when this returns."""
    import boto3

    session = boto3.Session()
    sagemaker = session.client("sagemaker")
    rows = read_rows(job.dataset)
    model = describe_model(sagemaker, job.endpoint)
    print(f"evaluating {model.model_name} behind {job.endpoint.name} on {len(rows)} rows")
    with tracked_run(
        job.tracking_uri, job.experiment, _run_name(job), _params(job, len(rows)), _tags(job, model)
    ) as run:
        answers = answer_rows(
            runtime_client(job.endpoint, session),
            job.endpoint,
            rows,
            answers_folder / ANSWERS_FILE,
        )
        if describe_model(sagemaker, job.endpoint) != model:
            raise EndpointError(
                f"endpoint {job.endpoint.name} was updated while it was being evaluated: "
                "the answers come from more than one model; start the pipeline again"
            )
        log_answers(answers)
        scores = score_answers(run, job.config, answers)
        metrics = _record_metrics(run, job.config, answers, scores)
        evaluation = Evaluation(
            verdict=_verdict(job, metrics, answers),
            metrics=metrics,
            answers=answers,
            scores=scores,
            model=model,
            endpoint_name=job.endpoint.name,
            run=run,
            dataset_sha256=job.dataset_sha256,
            config_sha256=job.config_sha256,
            execution_arn=job.execution_arn,
        )
        _record_outcome(evaluation, output)
    return evaluation


def _record_metrics(
    run: TrackedRun, config: EvaluationConfig, answers: Sequence[Answer], scores: Scores
) -> dict[str, Metric]:
    """Write what was counted into MLflow and return the metrics as MLflow holds them."""
    names = [spec.name for spec in config.scorers]
    scored = scorer_metrics(scores, names)
    log_metrics({**scored, **measure(answers)}, names)
    held = read_metrics(run, config.metrics, names)
    require_same_means(scored, held)
    return held


def _record_outcome(evaluation: Evaluation, folder: Path) -> None:
    verdict = evaluation.verdict
    write_evaluation(evaluation, folder)
    log_outcome(
        tags={"verdict": "passed" if verdict.passed else "not passed", "reason": verdict.summary},
        metrics={
            "gate_passed": float(verdict.passed),
            "rows": len(evaluation.answers),
            "endpoint_errors": evaluation.endpoint_errors,
        },
        folder=folder,
    )


def _verdict(job: Job, metrics: dict[str, Metric], answers: Sequence[Answer]) -> Verdict:
    return judge(
        metrics,
        job.thresholds,
        job.config.budgets,
        rows=len(answers),
        endpoint_errors=sum(1 for answer in answers if answer.call.error),
    )


def _run_name(job: Job) -> str:
    return f"{job.endpoint.name} {job.execution_arn.rpartition('/')[2]}".strip()


def _params(job: Job, rows: int) -> dict[str, object]:
    config = job.config
    return {
        "endpoint": job.endpoint.name,
        "endpoint_format": job.endpoint.format,
        "endpoint_parameters": job.endpoint.parameters,
        "system_prompt": job.endpoint.system_prompt or "",
        "judge": config.judge.model if config.judge else "none",
        "judge_parameters": config.judge.parameters if config.judge else {},
        "scorers": ", ".join(spec.name for spec in config.scorers),
        "dataset_source": config.dataset.source,
        "rows": rows,
        **{f"threshold_{p.name}": p.bound for p in job.thresholds},
    }


def _tags(job: Job, model: MeasuredModel) -> dict[str, str]:
    return {
        "pipeline_execution_arn": job.execution_arn,
        "endpoint_arn": model.endpoint_arn,
        "model_name": model.model_name,
        "source_uri": model.source_uri,
        "dataset_sha256": job.dataset_sha256,
        "config_sha256": job.config_sha256,
    }


def _job(arguments: argparse.Namespace) -> Job:
    config = load_config(arguments.config)
    names = {"name": arguments.endpoint_name, "inference_component": arguments.inference_component}
    return Job(
        config=config,
        endpoint=config.endpoint.model_copy(update={k: v for k, v in names.items() if v}),
        thresholds=override(threshold_parameters(config.thresholds), arguments.threshold),
        dataset=arguments.dataset,
        tracking_uri=arguments.mlflow_tracking_uri or config.mlflow.tracking_uri,
        experiment=arguments.mlflow_experiment or config.mlflow.experiment,
        execution_arn=arguments.execution_arn,
        dataset_sha256=read_manifest(arguments.dataset).sha256,
        config_sha256=config_digest(arguments.config),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m processing.evaluate", description=__doc__)
    add = parser.add_argument
    add("--config", type=Path, default=container.CONFIG_FILE)
    add("--dataset", type=Path, default=container.PREPARED_DATASET, help="dataset.jsonl's folder")
    add("--output", type=Path, default=container.EVALUATION_OUTPUT)
    add("--answers", type=Path, default=container.ANSWERS_OUTPUT, help="kept while the job runs")
    add("--endpoint-name", help="instead of endpoint.name")
    add("--inference-component", help="instead of endpoint.inference_component")
    add("--mlflow-tracking-uri", help="instead of mlflow.tracking_uri")
    add("--mlflow-experiment", help="instead of mlflow.experiment")
    add("--execution-arn", default="", help="the pipeline execution, for the record")
    add("--threshold", action="append", default=[], metavar="NAME=NUMBER",
        help="a threshold's pipeline parameter, e.g. MinCorrectness=0.8")  # fmt: skip
    return parser


if __name__ == "__main__":
    sys.exit(run_job(main, container.MESSAGE_FILE))
