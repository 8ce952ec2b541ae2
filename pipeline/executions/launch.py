"""Starting an execution, following it to its end, and telling what became of it.

Plain boto3: the SDK's own `wait` knows only two of the five ways in which an execution ends, gives
up after 30 minutes, and takes seconds to import.
"""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pipeline.definition.execution_name import ExecutionName
from pipeline.definition.tied_experiment import moved_experiment
from processing.base.errors import LaunchError
from processing.base.s3 import bucket_and_key
from processing.base.visible_text import visible, visible_document

if TYPE_CHECKING:
    from boto3 import Session

LOST_SECONDS = 120.0
"""So long an execution is followed further although AWS cannot be reached."""

FINAL = {"Succeeded", "Failed", "Stopped", "CompletedWithFailures"}


@dataclass(frozen=True)
class StepStatus:
    """One step of an execution. Times are aware datetimes; None until they have happened.

    `outcome`: a condition's, the registered package, or the execution that a step was cached from.
    """

    name: str
    status: str
    started: dt.datetime | None
    ended: dt.datetime | None
    reason: str
    outcome: str
    job: str | None = None

    @property
    def seconds(self) -> float | None:
        if self.started is None:
            return None
        passed = (self.ended or dt.datetime.now(dt.UTC)) - self.started
        return max(0.0, passed.total_seconds())  # this machine's clock may be behind AWS's


@dataclass(frozen=True)
class ExecutionStatus:
    """An execution as DescribePipelineExecution and ListPipelineExecutionSteps tell it."""

    arn: str
    pipeline: str
    status: str
    started: dt.datetime | None
    reason: str
    steps: list[StepStatus] = field(default_factory=list)
    display_name: str = ""
    description: str = ""

    @property
    def id(self) -> str:
        return self.arn.rpartition("/")[2]

    @property
    def final(self) -> bool:
        return self.status in FINAL

    @property
    def seconds(self) -> float | None:
        """From its start until now, or until its last step ended; None before it has begun."""
        ends = [step.ended for step in self.steps if step.ended]
        if self.started is None or (self.final and not ends):
            return None
        ended = max(ends) if self.final else dt.datetime.now(dt.UTC)
        return max(0.0, (ended - self.started).total_seconds())

    @property
    def model_package_arn(self) -> str | None:
        """What was registered, if anything was."""
        registered = [s for s in self.steps if s.name == "RegisterModel" and s.outcome]
        return registered[0].outcome if registered else None


def sagemaker_client(session: Session) -> Any:
    from botocore.config import Config

    return session.client("sagemaker", config=Config(retries={"mode": "standard"}))


def start(
    client: Any, pipeline: Mapping[str, Any], parameters: Mapping[str, str], named: ExecutionName
) -> str:
    """Start the pipeline and return the execution's ARN. boto3 gives each start its own token.

    `pipeline` is DescribePipeline's answer.
    """
    experiment = moved_experiment(pipeline, parameters)
    started = client.start_pipeline_execution(
        PipelineName=pipeline["PipelineName"],
        **({"MlflowExperimentName": experiment} if experiment else {}),
        PipelineExecutionDisplayName=named.display_name,
        PipelineExecutionDescription=named.description,
        PipelineParameters=[{"Name": k, "Value": v} for k, v in parameters.items()],
    )
    return str(started["PipelineExecutionArn"])


def read_status(client: Any, arn: str) -> ExecutionStatus:
    described = client.describe_pipeline_execution(PipelineExecutionArn=arn)
    pages = client.get_paginator("list_pipeline_execution_steps").paginate(PipelineExecutionArn=arn)
    steps = [_step(step) for page in pages for step in page["PipelineExecutionSteps"]]
    return ExecutionStatus(
        arn=arn,
        pipeline=described["PipelineArn"].rpartition("/")[2],
        status=described["PipelineExecutionStatus"],
        started=described.get("CreationTime"),
        reason=visible(described.get("FailureReason", "")),
        steps=sorted(steps, key=lambda step: (step.started is None, step.started)),
        display_name=visible(described.get("PipelineExecutionDisplayName") or ""),
        description=visible(described.get("PipelineExecutionDescription") or ""),
    )


def follow(
    client: Any, arn: str, on_look: Callable[[ExecutionStatus], None], poll_seconds: float
) -> ExecutionStatus:
    """Look until the execution has ended, however it ends and however long it takes.

    A connection that is lost on the way is waited for. Raises what boto3 raises.
    """
    return follow_each(client, [arn], on_look, poll_seconds)[arn]


def follow_each(
    client: Any,
    arns: Sequence[str],
    on_look: Callable[[ExecutionStatus], None],
    poll_seconds: float,
) -> dict[str, ExecutionStatus]:
    """As `follow`, until all of them have ended; by their ARNs."""
    from botocore.exceptions import ConnectionError, HTTPClientError

    reached: float | None = None
    ended: dict[str, ExecutionStatus] = {}
    while True:
        for arn in [arn for arn in arns if arn not in ended]:
            try:
                status = read_status(client, arn)
            except (ConnectionError, HTTPClientError):
                if reached is None or time.monotonic() - reached > LOST_SECONDS:
                    raise
                continue
            reached = time.monotonic()
            on_look(status)
            if status.final:
                ended[arn] = status
        if len(ended) == len(arns):
            return ended
        time.sleep(poll_seconds)


def find_execution(client: Any, pipeline: str, execution: str | None) -> str:
    """The ARN of an execution given by ARN or by id; of the pipeline's latest if None.

    Raises LaunchError if the pipeline has none, or none of that id.
    """
    if execution and execution.startswith("arn:"):
        return execution
    found = list_executions(client, pipeline)
    if not found:
        raise LaunchError(f"pipeline {pipeline} has no executions yet: start one first")
    if execution is None:
        return str(found[0]["PipelineExecutionArn"])
    for summary in found:
        if summary["PipelineExecutionArn"].rpartition("/")[2] == execution:
            return str(summary["PipelineExecutionArn"])
    raise LaunchError(f"pipeline {pipeline} has no execution {execution}; `list` shows them")


def list_executions(client: Any, pipeline: str) -> list[dict[str, Any]]:
    """PipelineExecutionSummaries, newest first."""
    pages = client.get_paginator("list_pipeline_executions").paginate(
        PipelineName=pipeline, SortBy="CreationTime", SortOrder="Descending"
    )
    return [summary for page in pages for summary in page["PipelineExecutionSummaries"]]


def stop(client: Any, arn: str) -> None:
    """Raises LaunchError if the execution has already ended; what boto3 raises."""
    import uuid

    from botocore.exceptions import ClientError

    try:
        client.stop_pipeline_execution(
            PipelineExecutionArn=arn, ClientRequestToken=str(uuid.uuid4())
        )
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("ConflictException", "ValidationException"):
            raise
        described = client.describe_pipeline_execution(PipelineExecutionArn=arn)
        status = described["PipelineExecutionStatus"]
        execution = arn.rpartition("/")[2]
        if status in FINAL:
            raise LaunchError(
                f"execution {execution} has already ended ({status}): there is nothing to stop"
            ) from error
        if status == "Stopping":
            raise LaunchError(f"execution {execution} is already being stopped") from error
        raise


def read_evaluation(session: Session, uri: str) -> dict[str, Any] | None:
    """An execution's evaluation.json, or registration.json; None if there is none (yet)."""
    text = read_text(session, uri)
    if text is None:
        return None
    document: dict[str, Any] = json.loads(text)
    return visible_document(document)


def read_text(session: Session, uri: str) -> str | None:
    """An object of S3 in UTF-8; None if there is none. Raises botocore's ClientError."""
    from botocore.exceptions import ClientError

    bucket, key = bucket_and_key(uri)
    try:
        body = session.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchKey", "NoSuchBucket", "404"):
            return None
        raise
    return str(body.decode("utf-8"))


def with_registered_by_job(
    execution: ExecutionStatus, read_registration: Callable[[], dict[str, Any] | None]
) -> ExecutionStatus:
    """The execution with the package that a job registered: only registration.json names it."""
    steps = [
        replace(step, outcome=str(registered["model_package_arn"]))
        if step.name == "RegisterModel"
        and step.job
        and step.status == "Succeeded"
        and (registered := read_registration())
        else step
        for step in execution.steps
    ]
    return replace(execution, steps=steps)


def _step(step: Mapping[str, Any]) -> StepStatus:
    metadata = step.get("Metadata", {})
    outcome = metadata.get("Condition", {}).get("Outcome") or metadata.get("RegisterModel", {}).get(
        "Arn"
    )
    job = metadata.get("ProcessingJob", {}).get("Arn")
    cached_from = step.get("CacheHitResult", {}).get("SourcePipelineExecutionArn")
    if cached_from:
        outcome, job = f"cached from execution {cached_from.rpartition('/')[2]}", None
    return StepStatus(
        name=step["StepName"],
        status=step["StepStatus"],
        started=step.get("StartTime"),
        ended=step.get("EndTime"),
        reason=visible(step.get("FailureReason", "")),
        outcome=outcome or "",
        job=job.rpartition("/")[2] if job else None,
    )
