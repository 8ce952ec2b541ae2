"""A throwaway pipeline is created, started and followed; what that leaves is noted for deletion."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import Any

from pipeline.definition.execution_name import ExecutionName
from pipeline.executions import launch
from pipeline.executions.launch import ExecutionStatus
from pipeline.first_run.step import Refused
from pipeline.first_run.throwaway import NAME
from pipeline.first_run.trial import Trial
from processing.base.aws_hints import hint
from processing.base.errors import LaunchError
from processing.base.s3 import bucket_and_key


def create(trial: Trial, name: str, definition: Mapping[str, Any]) -> None:
    """A throwaway pipeline. Raises ClientError."""
    trial.made.note(f"pipeline {name}", lambda: trial.sagemaker.delete_pipeline(PipelineName=name))
    trial.sagemaker.create_pipeline(
        PipelineName=name,
        PipelineDefinition=json.dumps(definition),
        RoleArn=trial.bundle.config.infrastructure.pipeline_role,
        Tags=trial.made.tag_list,
    )


def start(trial: Trial, pipeline: str, parameters: Mapping[str, str]) -> str:
    """The execution's ARN. Raises ClientError."""
    described = trial.sagemaker.describe_pipeline(PipelineName=pipeline)
    named = ExecutionName(pipeline, "Started by first-run, which deletes it.", up_to_date=True)
    arn = launch.start(trial.sagemaker, described, parameters, named)
    execution = arn.rpartition("/")[2]
    trial.made.note(
        f"outputs of execution {execution}",
        lambda: delete_below(trial, trial.bundle.uri("runs", execution)),
    )
    trial.made.note(f"execution {execution}, stopped if it still ran", lambda: _end(trial, arn))
    trial.say(f"{'':13}execution {execution} of {pipeline} runs")
    return arn


def follow(trial: Trial, arn: str) -> ExecutionStatus:
    return launch.follow(trial.sagemaker, arn, lambda _: None, trial.poll_seconds)


def first_reason(status: ExecutionStatus) -> str:
    """Of the first step that failed, in AWS's words, or of the execution."""
    reasons = (f"{step.name}: {step.reason}" for step in status.steps if step.reason)
    return next(reasons, f"{status.status}: {status.reason}")


def refused(what: str, status: ExecutionStatus) -> Refused:
    """`what` did not come about, as the execution's first reason says."""
    words = first_reason(status)
    advice = hint(words, "pipeline") or "see the log of its job in CloudWatch"
    return Refused(f"{what}; {advice}", words)


def delete_below(trial: Trial, uri: str) -> None:
    """All objects below an address in S3."""
    bucket, prefix = bucket_and_key(uri)
    s3 = trial.session.client("s3")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/")
    for page in pages:
        if keys := [{"Key": entry["Key"]} for entry in page.get("Contents", [])]:
            s3.delete_objects(Bucket=bucket, Delete={"Objects": keys})


def registered_by(trial: Trial, status: ExecutionStatus) -> str | None:
    """The package that an execution has registered, by a step or by a job."""
    uri = trial.bundle.uri("runs", status.id, "registration", "registration.json")
    found = launch.with_registered_by_job(
        status, lambda: launch.read_evaluation(trial.session, uri)
    )
    return found.model_package_arn


def _end(trial: Trial, arn: str) -> None:
    """A pipeline that is still running cannot be deleted; nor should it go on."""
    status = launch.read_status(trial.sagemaker, arn)
    if not status.final:
        with contextlib.suppress(LaunchError):  # it ends already
            launch.stop(trial.sagemaker, arn)
        status = follow(trial, arn)
    package = registered_by(trial, status)
    if package and f"/{NAME}-" not in package:  # else it goes with its group
        trial.sagemaker.delete_model_package(ModelPackageName=package)
