"""Runs of jobs that were killed: nobody ended them, and MLflow shows them as running for ever."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from processing.base.visible_text import visible
from processing.mlflow_record.run import TrackedRun

PIPELINE_TAG = "pipeline"
JOB_TAG = "processing_job_arn"
PROCESS_TAG = "process"
"""Of an evaluation outside SageMaker: `base.this_process`."""

MOST_AT_ONCE = 50


def end_abandoned_runs(
    run: TrackedRun, pipeline: str, has_ended: Callable[[Mapping[str, str]], bool]
) -> None:
    """End as KILLED what the pipeline's earlier jobs left running in the experiment of `run`.

    `has_ended`: whether what made the run of these tags is known to run no longer. Raises
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
        tags = found.data.tags
        if found.info.run_id != run.run_id and has_ended(tags):
            client.set_terminated(found.info.run_id, "KILLED")
            whose = visible(tags.get(JOB_TAG) or "an evaluation that was killed on this machine")
            print(
                f"ended MLflow run {found.info.run_id}, which {whose} had left running", flush=True
            )
