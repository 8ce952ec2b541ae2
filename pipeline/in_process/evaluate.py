"""`evaluate`: prepare rows, ask the endpoint, score, record and judge, all of it here and now.

The caller's credentials are used, and nothing is created on AWS. Each step is the jobs' own code,
so the numbers are theirs; what is paid for is kept in `.runs/store` and in the pipeline's store in
S3, so a pipeline run afterwards does not pay for it again.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.definition.account import region
from pipeline.definition.bundle import Bundle, load_bundle
from pipeline.executions.paid_answers import paid_answers_kept
from pipeline.in_process.record import local_record, unreachable
from pipeline.in_process.result import EvaluationResult, read_result
from processing.base.aws_hints import acting_as
from processing.base.errors import ConfigError
from processing.base.instance import Instance
from processing.base.job_output import job_output
from processing.base.stored_secrets import lend_jobs_variables
from processing.config.variation import write_varied
from processing.report.evaluation_json import EVALUATION_FILE

if TYPE_CHECKING:
    from processing.evaluation.job import EvaluationJob

RUNS = Path(".runs")
ALONE = Instance("algo-1", ("algo-1",))


def evaluate(
    config: str | Path = "evaluation.yaml",
    *,
    rows: int = 10,
    endpoint: str | None = None,
    vary: Mapping[str, Any] | None = None,
    mlflow: bool = True,
    folder: str | Path | None = None,
    variant: str = "",
) -> EvaluationResult:
    """Evaluate the endpoint on some rows of the dataset, in this process.

    `rows`: how many are drawn with the file's seed, the same ones first that a larger sample has;
    0 takes all. `endpoint`: instead of `endpoint.name`. `vary`: key path -> value, for this run
    only. `mlflow=False`: the record goes to a local store below `.runs/`; so it does where the
    file's server cannot be reached. `folder`: where the results go (default: a new one below
    `.runs/`). `variant`: the name that the record calls this run by.

    Raises ReportedError: ConfigError, DatasetError, EndpointError, JudgingError, TrackingError. A
    gate that is not passed is no error.
    """
    from processing.config.judge import silence_libraries
    from processing.config.judge_keys import require_judge_keys
    from processing.mlflow_record.internals import skip_searches_for_absent_modules

    silence_libraries()
    skip_searches_for_absent_modules()
    if rows < 0:
        raise ConfigError(f"rows is {rows}: give how many to draw, or 0 for all")
    results = new_folder() if folder is None else Path(folder)
    there = results.resolve()  # a scorer may change the working directory
    (there / EVALUATION_FILE).unlink(missing_ok=True)  # an earlier verdict is none on this run
    path = Path(config)
    if vary or variant:
        path = write_varied(path, vary or {}, results / "config", variant=variant)
    bundle = load_bundle(path)
    if endpoint and bundle.config.dataset.answers_given:
        raise ConfigError(
            f"endpoint {endpoint}: {path} has dataset.answers: given, so that none is asked: leave "
            "it out, or take dataset.answers: ask"
        )
    region(bundle)
    with job_output(), acting_as("caller"):
        lend_jobs_variables(bundle.config.secrets, bundle.config.infrastructure.environment)
        require_judge_keys(bundle.config)
        _prepare(bundle, path, rows, results)
        job = _job(path.resolve(), there, endpoint, bundle.config.mlflow.tracking_uri)
        with paid_answers_kept(bundle, job.store) as store:
            _evaluate(replace(job, store=store, measures=True), mlflow=mlflow)
    return read_result(there)


def new_folder(ending: str = "") -> Path:
    """A new one below RUNS, by the time of day."""
    now = dt.datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    for number in range(100):
        found = RUNS / (f"{now}-{number}{ending}" if number else f"{now}{ending}")
        if not found.exists():
            break
    found.mkdir(parents=True)  # another process's of the same second fails here, and is told
    return found


def _prepare(bundle: Bundle, path: Path, rows: int, results: Path) -> None:
    from processing.prepare_dataset import prepare

    dataset = bundle.config.dataset.model_copy(update={"sample_size": rows})
    prepare(
        dataset,
        config=path,
        inputs=Path(os.devnull),
        output=results / "dataset",
        shards=1,
        endpoint=bundle.config.endpoint,
        tracking_uri=bundle.config.mlflow.tracking_uri,
    )


def _job(path: Path, results: Path, endpoint: str | None, tracking_uri: str) -> EvaluationJob:
    """As the EvaluateModel step would be told it."""
    from processing.evaluation.job import read_arguments

    arguments = [
        *("--config", str(path)),
        *("--dataset", str(results / "dataset")),
        *("--output", str(results)),
        *("--store", str((RUNS / "store").resolve())),
        *("--mlflow-tracking-uri", tracking_uri),
    ]
    if endpoint:
        arguments += ["--endpoint-name", endpoint]
    return read_arguments(arguments, None)


def _recorded(job: EvaluationJob, *, mlflow: bool) -> EvaluationJob:
    """The job with an MLflow that can be used."""
    said = unreachable(job.tracking_uri, job.experiment) if mlflow else ""
    if said:
        print(f"note: MLflow at {job.tracking_uri} does not answer ({said}): the record stays on "
              f"this machine, in {RUNS}", flush=True)  # fmt: skip
    if mlflow and not said:
        return job
    return replace(job, tracking_uri=local_record(RUNS, job.experiment))


def _evaluate(job: EvaluationJob, *, mlflow: bool) -> None:
    """As `processing.evaluate` does it, alone and without a candidate.

    One row is answered at once: the frameworks take seconds to import, and an answer says more.
    Not where latency is measured under a fixed load, which one call alone is not.
    """
    from pipeline.in_process.first_answer import first_answer, first_line
    from processing.candidate.package import measured_model
    from processing.dataset.shards import read_share
    from processing.evaluation.evaluate import evaluate as evaluate_run
    from processing.evaluation.imports import kept_out_of_garbage_collection
    from processing.evaluation.run import prepare_run, spend_of
    from processing.mlflow_record.signing import tracking_uri_restored

    share = read_share(job.dataset, job.manifest, whole=True)
    spend = spend_of(job.config)
    if not (job.config.dataset.answers_given or job.endpoint.fixed_concurrency):
        with kept_out_of_garbage_collection():
            first = first_answer(job, share.rows[0], spend)
            print(first_line(first), flush=True)
    with tracking_uri_restored():
        with kept_out_of_garbage_collection():
            job = _recorded(job, mlflow=mlflow)
            run = prepare_run(job, share, ALONE, measured_model, spend=spend)
        evaluate_run(run, share)
