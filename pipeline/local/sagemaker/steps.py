"""What each step type does: one function per type, from resolved arguments to properties.

The properties are what other steps read with Get: those of the service's Describe call, with
inputs and outputs of a processing job by name.
"""

from __future__ import annotations

import datetime as dt
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from pipeline.local.jobs.processing_job import ProcessingJob
from pipeline.local.jobs.processing_jobs import ProcessingJobs, describe
from pipeline.local.sagemaker import conditions, retries
from pipeline.local.sagemaker.cache import CachedStep, StepCache
from pipeline.local.sagemaker.conditions import ConditionError
from pipeline.local.sagemaker.definition import (
    ConditionStep,
    FailStep,
    ProcessingStep,
    RegisterModelStep,
    Step,
)
from pipeline.local.sagemaker.expressions import evaluate
from pipeline.local.sagemaker.refusals import Refusals
from pipeline.local.sagemaker.retries import ExceptionType
from pipeline.local.sagemaker.scope import ExecutionScope
from pipeline.local.server.aws_errors import AwsError
from pipeline.local.server.json_path import ExpressionError

_JOB_NAME_LENGTH = 63
_ERROR_MESSAGE_LENGTH = 3072


class StepFailure(Exception):
    """The step failed. `retry_as` is the kind of failure for its retry policies."""

    def __init__(
        self, reason: str, *, retry_as: ExceptionType | None = None, stopped: bool = False
    ) -> None:
        super().__init__(reason)
        self.retry_as, self.stopped = retry_as, stopped


@dataclass(frozen=True)
class StepContext:
    """What a step may touch. `tell` reports metadata and `job_started` a job as soon as it is."""

    scope: ExecutionScope
    account: str
    region: str
    sagemaker: Any
    jobs: ProcessingJobs
    cache: StepCache
    refusals: Refusals
    job_started: Callable[[ProcessingJob], None]
    tell: Callable[[dict[str, Any]], None]
    cache_hit: Callable[[str], None]


def run(step: Step, context: StepContext) -> dict[str, Any]:
    """Does what the step says and returns its properties. Raises StepFailure."""
    try:
        match step:
            case ProcessingStep():
                return _processing(step, context)
            case RegisterModelStep():
                return _register_model(step, context)
            case ConditionStep():
                return _condition(step, context)
            case FailStep():
                return _fail(step, context)
    except (ExpressionError, ConditionError) as error:
        raise StepFailure(f"ClientError: {error}") from error
    except (BotoCoreError, ClientError) as error:
        raise _failed_call("CreateModelPackage", error) from error


def _processing(step: ProcessingStep, context: StepContext) -> dict[str, Any]:
    arguments = _without_null(evaluate(step.arguments, context.scope))
    caching = step.cache_config is not None and step.cache_config.enabled
    pipeline_arn = context.scope.variables["PipelineArn"]
    if caching and step.cache_config is not None:
        expiry = step.cache_config.expire_after
        found = context.cache.find(pipeline_arn, step.name, arguments, expiry)
        if found is not None:
            context.tell(found.metadata)
            context.cache_hit(found.execution_arn)
            return found.properties
    job = _start_job(step, arguments, context)
    metadata = {"ProcessingJob": {"Arn": job.arn}}
    context.tell(metadata)
    context.job_started(job)
    job.finished.wait()
    if job.status != "Completed":
        reason = job.failure_reason or f"The processing job {job.name} was stopped"
        stopped = job.status == "Stopped"
        raise StepFailure(reason, retry_as=retries.of_job(reason), stopped=stopped)
    properties = _job_properties(job)
    if caching:
        execution_arn = context.scope.variables["PipelineExecutionArn"]
        result = CachedStep(execution_arn, properties, metadata, dt.datetime.now(dt.UTC))
        context.cache.keep(pipeline_arn, step.name, arguments, result)
    return properties


def _start_job(
    step: ProcessingStep, arguments: dict[str, Any], context: StepContext
) -> ProcessingJob:
    execution_id = context.scope.variables["PipelineExecutionId"]
    name = _job_name(execution_id, step.name)
    try:
        return context.jobs.start(
            {**arguments, "ProcessingJobName": name},
            account=context.account,
            region=context.region,
            label=step.name,
        )
    except AwsError as error:
        raise StepFailure(
            _refused_call("CreateProcessingJob", error.message),
            retry_as=retries.of_call(error.code, error.status),
        ) from error


def _job_name(execution_id: str, step_name: str) -> str:
    """pipelines-<execution>-<step>-<random>, as Pipelines names its jobs."""
    tail = secrets.token_hex(5)
    head = f"pipelines-{execution_id}-{re.sub(r'[^A-Za-z0-9]+', '-', step_name)}"
    return f"{head[: _JOB_NAME_LENGTH - len(tail) - 1].rstrip('-')}-{tail}"


def _job_properties(job: ProcessingJob) -> dict[str, Any]:
    properties = _without_null(describe(job))
    for name in ("ProcessingEndTime", "ProcessingStartTime", "CreationTime", "LastModifiedTime"):
        properties[name] = properties[name].isoformat()
    outputs = properties.get("ProcessingOutputConfig", {}).get("Outputs", [])
    inputs = properties.get("ProcessingInputs", [])
    return {
        **properties,
        "ProcessingInputs": {entry["InputName"]: entry for entry in inputs},
        "ProcessingOutputConfig": {
            **properties.get("ProcessingOutputConfig", {}),
            "Outputs": {entry["OutputName"]: entry for entry in outputs},
        },
    }


def _register_model(step: RegisterModelStep, context: StepContext) -> dict[str, Any]:
    arguments = _without_null(evaluate(step.arguments, context.scope))
    if refused := context.refusals.of_package(arguments):
        raise StepFailure(f"ClientError: {refused}")
    metadata_properties = arguments.setdefault("MetadataProperties", {})
    metadata_properties.setdefault("GeneratedBy", context.scope.variables["PipelineExecutionArn"])
    if "ModelPackageGroupName" in arguments:
        _make_group(arguments["ModelPackageGroupName"], context)
    arn = context.sagemaker.create_model_package(**arguments)["ModelPackageArn"]
    context.tell({"RegisterModel": {"Arn": arn}})
    package = context.sagemaker.describe_model_package(ModelPackageName=arn)
    return {name: value for name, value in package.items() if name != "ResponseMetadata"}


def _make_group(name: str, context: StepContext) -> None:
    """As Pipelines does. Another step may make it at the same time; both are content."""
    try:
        context.sagemaker.create_model_package_group(ModelPackageGroupName=name)
    except ClientError as error:
        if "already exists" not in error.response["Error"]["Message"]:
            raise


def _condition(step: ConditionStep, context: StepContext) -> dict[str, Any]:
    outcome = conditions.all_hold(
        step.arguments.conditions, lambda value: evaluate(value, context.scope)
    )
    context.tell({"Condition": {"Outcome": str(outcome)}})
    return {"Outcome": outcome}


def _fail(step: FailStep, context: StepContext) -> dict[str, Any]:
    message = str(evaluate(step.arguments.error_message, context.scope))[:_ERROR_MESSAGE_LENGTH]
    context.tell({"Fail": {"ErrorMessage": message}})
    raise StepFailure(message)


def _failed_call(operation: str, error: BotoCoreError | ClientError) -> StepFailure:
    if isinstance(error, ClientError):
        detail, answer = error.response["Error"], error.response["ResponseMetadata"]
        kind = retries.of_call(detail["Code"], answer["HTTPStatusCode"])
        return StepFailure(_refused_call(operation, detail["Message"]), retry_as=kind)
    is_request = isinstance(error, ParamValidationError)
    kind = None if is_request else "Step.SERVICE_FAULT"
    return StepFailure(_refused_call(operation, str(error)), retry_as=kind)


def _refused_call(operation: str, details: str) -> str:
    return f"ClientError: Failed to invoke sagemaker:{operation}. Error Details: {details}"


def _without_null(arguments: dict[str, Any]) -> dict[str, Any]:
    """The SDK writes null for some members that were not given (SkipModelValidation)."""
    return {name: value for name, value in arguments.items() if value is not None}
