"""`pipeline_definition.py sweep`: deletes the candidates' endpoints that killed jobs have left."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

from processing.base.errors import LaunchError
from processing.candidate.cleanup import age, describe, find_abandoned, sweep
from processing.candidate.deployment import Deployment

RUNNING = {"Executing", "Stopping"}
UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def parse_age(text: str) -> dt.timedelta:
    """30m, 6h, 2d. Raises LaunchError."""
    found = re.fullmatch(r"(\d+)([mhd])", text)
    if found is None:
        raise LaunchError(f"--older-than {text}: give an age as 30m, 6h or 2d")
    return dt.timedelta(**{UNITS[found[2]]: int(found[1])})


def sweep_abandoned(
    client: Any,
    pipeline: str,
    older_than: dt.timedelta,
    say: Callable[[str], None],
    *,
    dry_run: bool,
) -> list[str]:
    """Delete what is older and belongs to no execution that still runs.

    Returns what could not be deleted, with reasons. Raises botocore's ClientError.
    """
    chosen = []
    for deployment in find_abandoned(client, pipeline):
        if _is_in_use(client, deployment):
            say(f"in use: {describe(deployment)}, which still runs")
        elif age(deployment) < older_than:
            say(f"younger than asked for: {describe(deployment)}")
        else:
            chosen.append(deployment)
    if dry_run:
        for deployment in chosen:
            say(f"would delete {describe(deployment)}")
        return []
    if not chosen:
        say(f"nothing to delete for pipeline {pipeline}")
    return sweep(client, chosen, say)


def _is_in_use(client: Any, deployment: Deployment) -> bool:
    """An execution that nobody knows any more does not run."""
    from botocore.exceptions import ClientError

    arn = deployment.execution_arn
    if not arn.startswith("arn:"):
        return False
    try:
        described = client.describe_pipeline_execution(PipelineExecutionArn=arn)
    except ClientError as error:
        if error.response["Error"].get("Code") in ("ResourceNotFound", "ValidationException"):
            return False
        raise
    return described["PipelineExecutionStatus"] in RUNNING
