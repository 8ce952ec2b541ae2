"""One execution of a pipeline: its threads, its status, its events.

The order of steps is `schedule`'s, what a step does is `steps`'. A Fail step ends the execution:
nothing more starts, and running jobs are stopped.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from pipeline.local.events.events import EventBus
from pipeline.local.jobs.processing_job import ProcessingJob
from pipeline.local.sagemaker.definition import Definition, FailStep
from pipeline.local.sagemaker.retries import RetryState
from pipeline.local.sagemaker.schedule import ENDED, Schedule, StepRecord, StepStatus
from pipeline.local.sagemaker.scope import ExecutionScope
from pipeline.local.sagemaker.steps import StepContext, StepFailure, run
from pipeline.local.server.aws_errors import ConflictException, ValidationException

ExecutionStatus: TypeAlias = Literal[
    "Executing", "Stopping", "Stopped", "Failed", "Succeeded", "CompletedWithFailures"
]
STEP_FAILURE = "Step failure: One or multiple steps failed."
_REASON_LENGTH = 1024
_MAX_PARALLEL = 50


@dataclass(frozen=True)
class Request:
    """What StartPipelineExecution was given, besides the parameters' values."""

    arn: str
    pipeline_arn: str
    definition_text: str
    parameters: list[dict[str, str]]
    display_name: str | None
    description: str | None
    parallelism: dict[str, int] | None
    mlflow_config: dict[str, Any] | None


class Execution:
    """Runs in a thread of its own, with one more for each running step.

    `context` makes what a step may touch from three callbacks; see StepContext.
    """

    def __init__(
        self,
        request: Request,
        *,
        definition: Definition,
        scope: ExecutionScope,
        bus: EventBus,
        region: str,
        context: Callable[[Execution, StepRecord], StepContext],
    ) -> None:
        self.request, self.definition, self.scope = request, definition, scope
        self.status: ExecutionStatus = "Executing"
        self.failure_reason: str | None = None
        self.created = self.modified = dt.datetime.now(dt.UTC)
        self.ended: dt.datetime | None = None
        self.finished = threading.Event()
        self._bus, self._region, self._context = bus, region, context
        # guards all that follows; steps' threads tell the execution's thread through it
        self._changed = threading.Condition(threading.RLock())
        self._schedule = Schedule(definition, scope.properties)
        self._jobs: set[ProcessingJob] = set()
        self._halted = threading.Event()
        self._stop_requested = False

    # what the API asks

    def start(self) -> None:
        self._publish(None)
        threading.Thread(target=self._run, daemon=True).start()

    def stop(self, grace_seconds: float | None = None) -> None:
        """Asks it to stop. Raises ConflictException when it is not executing."""
        with self._changed:
            if self.status != "Executing":
                raise ConflictException(
                    f"Pipeline execution with ARN {self.request.arn} status {self.status}. "
                    "Only pipelines with 'Executing' status can be stopped."
                )
            self._stop_requested = True
            previous = self._set_status("Stopping")
        self._publish(previous)
        self._halt(grace_seconds)

    def retry(self) -> None:
        """Runs what did not succeed again. Raises ConflictException, ValidationException."""
        with self._changed:
            if self.status not in {"Failed", "Stopped"}:
                raise ConflictException(
                    f"Pipeline execution with ARN {self.request.arn} is {self.status}: only one "
                    "that Failed or Stopped can be retried"
                )
            if any(isinstance(r.node.step, FailStep) for r in self._schedule.records.values()):
                raise ValidationException("An execution that ended in a Fail step is not retried")
            self._schedule.forget_failures()
            self._halted.clear()
            self.finished.clear()
            self._stop_requested, self.failure_reason, self.ended = False, None, None
            previous = self._set_status("Executing")
        self._publish(previous)
        threading.Thread(target=self._run, daemon=True).start()

    def steps(self) -> list[dict[str, Any]]:
        """The steps that have started, oldest first."""
        with self._changed:
            return [record.describe() for record in self._schedule.records.values()]

    # its own thread

    def _run(self) -> None:
        limit = (self.request.parallelism or {}).get("MaxParallelExecutionSteps", _MAX_PARALLEL)
        with self._changed:
            while True:
                for node in [] if self._halted.is_set() else self._schedule.ready(limit):
                    record = self._schedule.begin(node)
                    threading.Thread(target=self._run_step, args=(record,), daemon=True).start()
                if not self._schedule.running():
                    break
                self._changed.wait()
            status = "Stopped" if self._stop_requested else self._schedule.ending()
            self.failure_reason = STEP_FAILURE if status == "Failed" else None
            self.ended = dt.datetime.now(dt.UTC)
            previous = self._set_status(status)
        self._publish(previous)
        self.finished.set()

    # the steps' threads

    def _run_step(self, record: StepRecord) -> None:
        self._publish_step(record, None)
        self._move(record, "Executing")
        try:
            properties = self._attempt(record)
        except StepFailure as failure:
            record.failure_reason = None if failure.stopped else str(failure)[:_REASON_LENGTH]
            if isinstance(record.node.step, FailStep):
                self._halt(None)
            self._move(record, "Stopped" if failure.stopped else "Failed")
        except Exception as error:  # noqa: BLE001 the outermost door of a step: it must end
            record.failure_reason = f"InternalServerError: {type(error).__name__}: {error}"
            self._move(record, "Failed")
        else:
            with self._changed:
                self.scope.properties[record.node.step.name] = properties
            self._move(record, "Succeeded")

    def _attempt(self, record: StepRecord) -> dict[str, Any]:
        """Tries the step until it succeeds or its retry policies are spent."""
        step, began = record.node.step, time.monotonic()
        retries = RetryState(getattr(step, "retry_policies", []))
        while True:
            record.attempts += 1
            try:
                return run(step, self._context(self, record))
            except StepFailure as failure:
                delay = retries.next_delay(failure.retry_as, time.monotonic() - began)
                if delay is None:
                    raise
                if self._halted.wait(delay):
                    raise StepFailure("stopped while waiting to retry", stopped=True) from failure

    def job_started(self, job: ProcessingJob) -> None:
        """A step has started a job; when the execution is being stopped, so is the job."""
        with self._changed:
            self._jobs.add(job)
        if self._halted.is_set():
            job.stop()

    def _halt(self, grace_seconds: float | None) -> None:
        with self._changed:
            self._halted.set()
            jobs = [job for job in self._jobs if not job.finished.is_set()]
            stopping = [r for r in self._schedule.running() if "ProcessingJob" in r.metadata]
        for record in stopping:
            self._move(record, "Stopping")
        for job in jobs:
            job.stop(grace_seconds)

    def _move(self, record: StepRecord, status: StepStatus) -> None:
        with self._changed:
            if record.status in ENDED:
                return
            previous, record.status = record.status, status
            if status in ENDED:
                record.ended = dt.datetime.now(dt.UTC)
        self._publish_step(record, previous)
        with self._changed:
            self._changed.notify_all()

    def _set_status(self, status: ExecutionStatus) -> ExecutionStatus:
        previous, self.status = self.status, status
        self.modified = dt.datetime.now(dt.UTC)
        return previous

    # events

    def _publish(self, previous: ExecutionStatus | None) -> None:
        request = self.request
        detail = {
            "pipelineArn": request.pipeline_arn,
            "pipelineExecutionArn": request.arn,
            "pipelineExecutionDisplayName": request.display_name,
            "pipelineExecutionDescription": request.description,
            "currentPipelineExecutionStatus": self.status,
            "previousPipelineExecutionStatus": previous,
            "executionStartTime": self.created,
            "executionEndTime": self.ended,
        }
        self._bus.execution_changed(self._region, [request.pipeline_arn, request.arn], detail)

    def _publish_step(self, record: StepRecord, previous: StepStatus | None) -> None:
        request, source = self.request, record.cached_from
        detail = {
            "pipelineArn": request.pipeline_arn,
            "pipelineExecutionArn": request.arn,
            "stepName": record.node.step.name,
            "stepType": record.node.step.type,
            "currentStepStatus": record.status,
            "previousStepStatus": previous,
            "metadata": _event_metadata(record.metadata),
            "failureReason": record.failure_reason,
            "cacheHitResult": {"sourcePipelineExecutionArn": source} if source else None,
            "stepStartTime": record.started,
            "stepEndTime": record.ended,
        }
        self._bus.step_changed(self._region, [request.pipeline_arn, request.arn], detail)


def _event_metadata(metadata: dict[str, Any]) -> dict[str, Any]:
    """Events write `processingJob.arn` where the API writes `ProcessingJob.Arn`."""
    return {
        key[0].lower() + key[1:]: _event_metadata(value) if isinstance(value, dict) else value
        for key, value in metadata.items()
    }
