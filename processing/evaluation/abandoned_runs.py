"""What killed jobs of this pipeline have left open in MLflow is ended, before anything else."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from processing.base import container, this_process
from processing.base.errors import TrackingError
from processing.evaluation.run import EvaluationRun
from processing.mlflow_record.abandoned_runs import JOB_TAG, PROCESS_TAG, end_abandoned_runs
from processing.mlflow_record.run import TrackedRun

ENDED = {"Completed", "Failed", "Stopped"}


def end_runs_of_killed_jobs(run: EvaluationRun, tracked: TrackedRun) -> None:
    """One request where there is nothing to do. Costs a line in the log if it cannot be done.

    A job asks SageMaker about other jobs; an evaluation outside SageMaker is known by its process.

    Raises TrackingError when MLflow is lost.
    """
    own = container.job_arn()
    client = run.session.client("sagemaker")

    def has_ended(tags: Mapping[str, str]) -> bool:
        arn = tags.get(JOB_TAG, "")
        if not arn:
            return this_process.has_ended(tags.get(PROCESS_TAG, ""))
        here = own.rpartition("/")[0]  # jobs of another account or region cannot be asked for
        return bool(own) and arn.rpartition("/")[0] == here and _has_ended(client, arn)

    try:
        end_abandoned_runs(tracked, run.job.config.pipeline.name, has_ended)
    except TrackingError:
        raise
    except Exception as error:  # noqa: BLE001 no part of what the verdict rests on
        print(
            f"runs that killed jobs left in MLflow are not ended: {str(error)[:300]}",
            file=sys.stderr,
            flush=True,
        )


def _has_ended(client: Any, arn: str) -> bool:
    from botocore.exceptions import ClientError

    try:
        described = client.describe_processing_job(ProcessingJobName=arn.rpartition("/")[2])
    except ClientError as error:
        if error.response["Error"].get("Code") == "ResourceNotFound":
            return True
        raise
    return described["ProcessingJobStatus"] in ENDED
