"""A candidate is stopped while its endpoint is Creating, and while InService: nothing stays."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Literal

from pipeline.executions import launch
from pipeline.first_run.evaluation import harmless
from pipeline.first_run.execution import follow, refused, start
from pipeline.first_run.step import Cost, Differs, Step
from pipeline.first_run.trial import Trial
from processing.base.errors import LaunchError
from processing.candidate.cleanup import find_abandoned, sweep
from processing.candidate.deployment import Deployment
from processing.config.candidate import Candidate

_GONE_SECONDS = 60.0


def candidate_steps(trial: Trial) -> Iterator[Step]:
    """None without `candidate:`, or without a package to deploy."""
    section = trial.bundle.config.candidate
    if section is None or trial.candidate is None:
        return
    yield _step(trial, section, trial.candidate, "Creating", 20)
    yield _step(trial, section, trial.candidate, "InService", 30)


def _step(
    trial: Trial,
    section: Candidate,
    package: str,
    when: Literal["Creating", "InService"],
    minutes: float,
) -> Step:
    machines = f"{section.instance_count} {section.instance_type} for its endpoint, 2 for jobs"
    return Step(
        f"candidate stopped while {when}",
        "whether endpoint, configuration and model are deleted when an execution is stopped",
        Cost("2 jobs, 1 endpoint", minutes, machines),
        lambda: _stop(trial, package, when),
    )


def _stop(trial: Trial, package: str, when: str) -> str:
    given = {"ModelPackageArn": package, "Reevaluate": "yes", **harmless(trial)}
    started: list[str] = []
    # noted first, so that it is done after the execution has been ended
    trial.made.note(f"the candidate stopped while {when}", lambda: _sweep(trial, started))
    arn = start(trial, trial.made.name, given)
    started.append(arn)
    while not _is(trial, arn, when):
        status = launch.read_status(trial.sagemaker, arn)
        if status.final:
            raise refused(f"it ended before its endpoint was seen {when}", status)
        time.sleep(trial.poll_seconds)
    launch.stop(trial.sagemaker, arn)
    status = follow(trial, arn)
    if status.status != "Stopped":
        raise Differs(f"an execution that was stopped is {status.status}", status.reason)
    left = _left(trial, arn)
    deadline = time.monotonic() + _GONE_SECONDS  # an endpoint is Deleting for a while
    while left and time.monotonic() < deadline:
        time.sleep(trial.poll_seconds)
        left = _left(trial, arn)
    if left:
        names = ", ".join(deployment.name for deployment in left)
        raise Differs(f"it left {names}, which is deleted now; see `sweep`", status.reason)
    return "nothing is left"


def _is(trial: Trial, arn: str, when: str) -> bool:
    from botocore.exceptions import ClientError

    for deployment in _left(trial, arn):
        try:
            described = trial.sagemaker.describe_endpoint(EndpointName=deployment.name)
        except ClientError:
            continue  # so far only its model is there
        if described["EndpointStatus"] == when:
            return True
    return False


def _left(trial: Trial, arn: str) -> list[Deployment]:
    found = find_abandoned(trial.sagemaker, trial.bundle.config.pipeline.name)
    return [deployment for deployment in found if deployment.execution_arn == arn]


def _sweep(trial: Trial, executions: Iterable[str]) -> None:
    """Raises LaunchError for what cannot be deleted."""
    for arn in executions:
        if left := sweep(trial.sagemaker, _left(trial, arn), trial.say):
            raise LaunchError("; ".join(left))
