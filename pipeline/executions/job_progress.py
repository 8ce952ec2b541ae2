"""What the jobs of an execution say of themselves: the latest lines of their CloudWatch logs."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.executions.launch import ExecutionStatus, StepStatus
from processing.base.visible_text import visible
from processing.calls.progress_line import PROGRESS_LINE

LOG_GROUP = "/aws/sagemaker/ProcessingJobs"

SHOWN_INSTANCES = 4
READ_LINES = 30
PAUSE_SECONDS = 2.0
"""Between two looks at one job: it says something new every five seconds."""


@dataclass
class JobProgress:
    """By step, the latest progress of each instance of its job; the latest line if there is none.

    `logs` is a boto3 `logs` client. A log that cannot be read is no reason to stop following.
    """

    logs: Any
    unreadable: str = ""
    _lines: dict[str, list[str]] = field(default_factory=dict)
    _looked: dict[str, float] = field(default_factory=dict)
    _complete: set[str] = field(default_factory=set)

    def read(self, status: ExecutionStatus) -> Mapping[str, list[str]]:
        for step in status.steps:
            if step.job and not self.unreadable and self._is_due(step, status):
                self._look(step, step.job)
        return self._lines

    def _is_due(self, step: StepStatus, status: ExecutionStatus) -> bool:
        if step.name in self._complete:
            return False
        if step.ended is not None or status.final:
            self._complete.add(step.name)  # a last look, for the last line
            return True
        return time.monotonic() - self._looked.get(step.name, -PAUSE_SECONDS) >= PAUSE_SECONDS

    def _look(self, step: StepStatus, job: str) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        self._looked[step.name] = time.monotonic()
        try:
            self._lines[step.name] = [line for line in self._latest(job) if line]
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if "AccessDenied" in code:
                self.unreadable = f"{LOG_GROUP} cannot be read, so no progress is shown: {error}"
            # ResourceNotFound: nothing has been logged yet; throttled: the next look will do
        except BotoCoreError:
            return

    def _latest(self, job: str) -> list[str]:
        streams = self.logs.describe_log_streams(
            logGroupName=LOG_GROUP, logStreamNamePrefix=f"{job}/", limit=SHOWN_INSTANCES
        )["logStreams"]
        return [self._latest_line(stream["logStreamName"]) for stream in streams]

    def _latest_line(self, stream: str) -> str:
        events = self.logs.get_log_events(
            logGroupName=LOG_GROUP, logStreamName=stream, limit=READ_LINES, startFromHead=False
        )["events"]
        lines = [visible(str(event["message"]).rstrip()) for event in events]
        marked = [line for line in lines if PROGRESS_LINE.fullmatch(line)]
        return (marked or lines or [""])[-1]
