"""The output of a job: to the terminal, to a file, and to CloudWatch Logs."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

LOG_GROUP = "/aws/sagemaker/ProcessingJobs"
_BATCH = 1_000
_LINE_LENGTH = 100_000


class JobLog:
    """Takes lines from the instances of one job, in any thread.

    The stream in CloudWatch is `<job>/<host>-<start in milliseconds>`, as SageMaker names it.
    """

    def __init__(self, job_name: str, label: str, path: Path, echo: Callable[[str], None]) -> None:
        self._job_name, self._label, self._echo = job_name, label, echo
        self._lock = threading.Lock()
        self._started = time.time_ns() // 1_000_000
        self._waiting: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self._streams: set[str] = set()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a", encoding="utf-8")

    def write(self, host: str, line: str, *, tell_host: bool) -> None:
        """`tell_host` puts the instance's name before the line (jobs with several instances)."""
        label = f"{self._label}/{host}" if tell_host else self._label
        event = {"timestamp": time.time_ns() // 1_000_000, "message": line[:_LINE_LENGTH] or " "}
        with self._lock:
            self._echo(f"[{label}] {line}")
            if not self._file.closed:
                self._file.write(f"{host}: {line}\n" if tell_host else f"{line}\n")
                self._file.flush()
            self._waiting[host].append(event)

    def flush(self, logs: Any) -> None:
        """Sends what has gathered to CloudWatch Logs; a job does not fail over its log."""
        with self._lock:
            waiting, self._waiting = self._waiting, defaultdict(list)
        try:
            self._send(logs, waiting)
        except (BotoCoreError, ClientError) as error:
            self._echo(f"[{self._label}] CloudWatch Logs did not take the log: {error}")

    def _send(self, logs: Any, waiting: dict[str, list[dict[str, Any]]]) -> None:
        for host, events in waiting.items():
            stream = f"{self._job_name}/{host}-{self._started}"
            self._make_stream(logs, stream)
            for start in range(0, len(events), _BATCH):
                logs.put_log_events(
                    logGroupName=LOG_GROUP,
                    logStreamName=stream,
                    logEvents=events[start : start + _BATCH],
                )

    def close(self) -> None:
        with self._lock:
            self._file.close()

    def _make_stream(self, logs: Any, stream: str) -> None:
        if stream in self._streams:
            return
        with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):
            logs.create_log_group(logGroupName=LOG_GROUP)
        logs.create_log_stream(logGroupName=LOG_GROUP, logStreamName=stream)
        self._streams.add(stream)
