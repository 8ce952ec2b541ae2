"""The state of one processing job, from its creation to its end; the work itself is `job_run`'s."""

from __future__ import annotations

import datetime as dt
import queue
import shutil
import threading
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from pipeline.local.jobs.container import JobFault
from pipeline.local.jobs.job_run import Ended, JobPlatform, JobRun, Message, StopRequest

Status: TypeAlias = Literal["InProgress", "Stopping", "Completed", "Failed", "Stopped"]


@dataclass(eq=False)
class ProcessingJob:
    """The state of one job: `run` in a thread of its own, `stop` from any other."""

    name: str
    arn: str
    region: str
    request: dict[str, Any]
    status: Status = "InProgress"
    failure_reason: str | None = None
    exit_message: str | None = None
    started: dt.datetime | None = None
    ended: dt.datetime | None = None

    def __post_init__(self) -> None:
        self.created = self.modified = dt.datetime.now(dt.UTC)
        self.finished = threading.Event()
        self._messages: queue.Queue[Message] = queue.Queue()
        self._lock = threading.Lock()
        self._stop_requested = False

    def stop(self, grace_seconds: float | None = None) -> None:
        """Asks the job to end; it is Stopped when `finished` is set."""
        with self._lock:
            if self.ended is not None:
                return
            self._stop_requested = True
            self._set_status("Stopping")
        self._messages.put(StopRequest(grace_seconds))

    def run(self, platform: JobPlatform) -> None:
        """Runs the job to its end. Never raises: what goes wrong becomes its FailureReason."""
        self.started = dt.datetime.now(dt.UTC)
        run = JobRun(self.arn, self.region, self.request, platform, self._messages)
        try:
            ended = run.to_the_end()
        except JobFault as fault:
            ended = Ended(str(fault), None)
        except Exception as error:  # noqa: BLE001 the outermost door of a job: it must end
            ended = Ended(f"InternalServerError: {type(error).__name__}: {error}", None)
        shutil.rmtree(platform.work_folder, ignore_errors=True)
        self._conclude(ended)

    def _conclude(self, ended: Ended) -> None:
        with self._lock:
            self.ended = dt.datetime.now(dt.UTC)
            self.exit_message = ended.exit_message
            if self._stop_requested:
                self._set_status("Stopped")
                return
            self.failure_reason = ended.failure_reason
            self._set_status("Failed" if ended.failure_reason else "Completed")

    def _set_status(self, status: Status) -> None:
        self.status, self.modified = status, dt.datetime.now(dt.UTC)
