"""Sweep: deletes what killed jobs have left of their candidates, and of no execution that runs.

`pipeline_definition.py sweep` does it by hand. As a job of its own it is the one step of the sweep
pipeline, which EventBridge starts when an execution has failed or was stopped, and every hour:

    python -m processing.candidate.sweep --pipeline NAME --longest-job-seconds 14400
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from processing.base import container
from processing.base.errors import CandidateError
from processing.base.job import run_job
from processing.candidate.cleanup import age, describe, find_abandoned, sweep
from processing.candidate.deployment import Deployment
from processing.candidate.evaluated import RUNNING

WAIT_SECONDS = 1800.0
"""SageMaker deletes no endpoint that is still being created, so the job waits for it."""
SLACK = dt.timedelta(minutes=10)


def main(argv: Sequence[str] | None = None) -> list[Path]:
    """Return no files. Raises CandidateError if something could not be deleted."""
    import boto3

    arguments = _parser().parse_args(argv)
    longest = dt.timedelta(seconds=arguments.longest_job_seconds) + SLACK

    def is_over(deployment: Deployment) -> bool:
        """Of a job by hand, without an execution, only its age says so."""
        return _has_execution(deployment) or age(deployment) > longest

    client = boto3.client("sagemaker")
    left = sweep_abandoned(client, arguments.pipeline, is_over, print, wait_seconds=WAIT_SECONDS)
    if left:
        raise CandidateError(f"could not be deleted, and costs money: {'; '.join(left)}")
    return []


def sweep_abandoned(
    client: Any,
    pipeline: str,
    chosen: Callable[[Deployment], bool],
    say: Callable[[str], None],
    *,
    dry_run: bool = False,
    wait_seconds: float = 60.0,
) -> list[str]:
    """Delete what is `chosen` and belongs to no execution that still runs.

    All is listed before any execution is looked at: what an execution that has ended by then had
    made is abandoned, even if the execution is retried meanwhile, because a retry makes its own.
    Returns what could not be deleted, with reasons. Raises botocore's ClientError.
    """
    abandoned = []
    for deployment in find_abandoned(client, pipeline):
        if _is_in_use(client, deployment):
            say(f"in use: {describe(deployment)}, which still runs")
        elif not chosen(deployment):
            say(f"younger than asked for: {describe(deployment)}")
        else:
            abandoned.append(deployment)
    if dry_run:
        for deployment in abandoned:
            say(f"would delete {describe(deployment)}")
        return []
    if not abandoned:
        say(f"nothing to delete for pipeline {pipeline}")
    return sweep(client, abandoned, say, wait_seconds)


def _is_in_use(client: Any, deployment: Deployment) -> bool:
    """An execution that nobody knows any more does not run."""
    from botocore.exceptions import ClientError

    if not _has_execution(deployment):
        return False
    arn = deployment.execution_arn
    try:
        described = client.describe_pipeline_execution(PipelineExecutionArn=arn)
    except ClientError as error:
        if error.response["Error"].get("Code") in ("ResourceNotFound", "ValidationException"):
            return False
        raise
    return described["PipelineExecutionStatus"] in RUNNING


def _has_execution(deployment: Deployment) -> bool:
    return deployment.execution_arn.startswith("arn:")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m processing.candidate.sweep", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--pipeline", required=True, help="whose candidates are looked for")
    parser.add_argument("--longest-job-seconds", type=float, required=True)
    return parser


if __name__ == "__main__":
    sys.exit(run_job(main, container.MESSAGE_FILE))
