"""Runs of jobs that were killed: nobody ended them, and MLflow shows them as running for ever."""

from __future__ import annotations

from collections.abc import Callable

from processing.mlflow_record.run import TrackedRun

PIPELINE_TAG = "pipeline"
JOB_TAG = "processing_job_arn"

MOST_AT_ONCE = 50


def end_abandoned_runs(run: TrackedRun, pipeline: str, has_ended: Callable[[str], bool]) -> None:
    """End as KILLED what the pipeline's earlier jobs left running in the experiment of `run`.

    `has_ended`: whether the processing job of that ARN is known to run no longer. Raises
    MlflowException, and what `has_ended` raises.
    """
    from mlflow import MlflowClient

    client = MlflowClient()
    running = client.search_runs(
        [run.experiment_id],
        f"attributes.status = 'RUNNING' and tags.{PIPELINE_TAG} = '{pipeline}'",
        max_results=MOST_AT_ONCE,
    )
    for found in running:
        arn = found.data.tags.get(JOB_TAG, "")
        if found.info.run_id != run.run_id and arn and has_ended(arn):
            client.set_terminated(found.info.run_id, "KILLED")
            print(f"ended MLflow run {found.info.run_id}, which {arn} had left running", flush=True)
