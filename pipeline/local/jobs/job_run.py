"""The work of one processing job: inputs from S3, a process for each instance, outputs to S3.

Outputs are uploaded when the job ends, and also when it fails or is stopped (as SageMaker's local
mode does; whether the service itself does so after a failure is not documented). Those with
S3UploadMode Continuous are also uploaded while it runs, about once a second.

When one instance fails the others are told to stop. A job over its MaxRuntimeInSeconds ends as
Failed, with a FailureReason that says so.
"""

from __future__ import annotations

import contextlib
import json
import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from pipeline.local.jobs import processing_request as asked
from pipeline.local.jobs.container import Container, JobRunner, RunningContainer
from pipeline.local.jobs.job_log import JobLog
from pipeline.local.jobs.s3_folder import S3Location, Upload, download, list_keys
from processing.base.inside import OutsideError, inside

_MESSAGE_LENGTH = 1024
_TICK_SECONDS = 1.0


@dataclass(frozen=True)
class Exited:
    """An instance has ended."""

    host: str
    code: int


@dataclass(frozen=True)
class StopRequest:
    """Someone wants the job to end; None: after the usual time."""

    grace_seconds: float | None


Message: TypeAlias = Exited | StopRequest
Cause: TypeAlias = Literal["stopped", "over time", "another instance failed"]


@dataclass(frozen=True)
class Ended:
    """What DescribeProcessingJob says of the end; FailureReason None when all went well."""

    failure_reason: str | None
    exit_message: str | None


@dataclass(frozen=True)
class JobPlatform:
    """What a job needs of its surroundings.

    `client(service)` gives a boto3 client of the local AWS. `environment` is what every job gets
    besides the request's own Environment. Between SIGTERM and SIGKILL lie `stop_grace_seconds`.
    """

    client: Callable[[str], Any]
    runner: JobRunner
    environment: Mapping[str, str]
    work_folder: Path
    log: JobLog
    stop_grace_seconds: float


class JobRun:
    """One run, in the caller's thread; `to_the_end` is the story."""

    def __init__(
        self,
        arn: str,
        region: str,
        request: dict[str, Any],
        platform: JobPlatform,
        messages: queue.Queue[Message],
    ) -> None:
        self._arn, self._region, self._request = arn, region, request
        self._platform, self._messages = platform, messages
        count = asked.instance_count(request)
        self._hosts = [f"algo-{number}" for number in range(1, count + 1)]
        self._s3 = platform.client("s3")
        self._ending: Cause | None = None
        self._kill_at: float | None = None

    def to_the_end(self) -> Ended:
        """Runs the job. Raises JobFault, and what S3 and the file system raise."""
        self._prepare()
        uploads = {False: self._uploads(continuous=False), True: self._uploads(continuous=True)}
        containers = {}
        try:
            for host in self._hosts:
                containers[host] = self._start(host)
            exit_codes = self._supervise(containers, uploads[True])
        finally:
            for container in containers.values():
                container.kill()
        for upload in [*uploads[True], *uploads[False]]:
            upload.send_changes(self._s3)
        self._platform.log.flush(self._platform.client("logs"))
        return self._verdict(exit_codes)

    def _prepare(self) -> None:
        region, role = self._region, self._request["RoleArn"]
        for entry in asked.inputs(self._request):
            keys = list_keys(self._s3, entry.s3_uri, region, role)
            for number, host in enumerate(self._hosts):
                share = keys[number :: len(self._hosts)] if entry.sharded else keys
                folder = self._opt_ml(host) / entry.local_path
                folder.mkdir(parents=True, exist_ok=True)
                download(self._s3, entry.s3_uri, share, folder)
        for host in self._hosts:
            for output in asked.outputs(self._request):
                (self._opt_ml(host) / output.local_path).mkdir(parents=True, exist_ok=True)
            self._write_config(host)

    def _write_config(self, host: str) -> None:
        root = self._opt_ml(host)
        for folder in (root / "config", root / "output", self._scratch(host)):
            folder.mkdir(parents=True)
        described = {"ProcessingJobArn": self._arn, **self._request}
        (root / "config/processingjobconfig.json").write_text(json.dumps(described))
        (root / "config/resourceconfig.json").write_text(
            json.dumps({"current_host": host, "hosts": self._hosts})
        )

    def _start(self, host: str) -> RunningContainer:
        request, several = self._request, len(self._hosts) > 1
        application = request["AppSpecification"]
        container = Container(
            job_name=request["ProcessingJobName"],
            host=host,
            image_uri=application["ImageUri"],
            entrypoint=tuple(application.get("ContainerEntrypoint") or ()),
            arguments=tuple(application.get("ContainerArguments") or ()),
            environment={**self._platform.environment, **(request.get("Environment") or {})},
            opt_ml=self._opt_ml(host),
            scratch=self._scratch(host),
            network_isolated=asked.is_network_isolated(request),
            instance_type=asked.instance_type(request),
        )
        log = self._platform.log
        running = self._platform.runner(
            container, lambda line: log.write(host, line, tell_host=several)
        )
        threading.Thread(target=self._await_exit, args=(host, running), daemon=True).start()
        return running

    def _await_exit(self, host: str, running: RunningContainer) -> None:
        self._messages.put(Exited(host, running.wait()))

    def _supervise(
        self, containers: dict[str, RunningContainer], continuous: list[Upload]
    ) -> dict[str, int]:
        exit_codes: dict[str, int] = {}
        deadline = time.monotonic() + asked.max_runtime_seconds(self._request)
        while len(exit_codes) < len(containers):
            match self._next_message():
                case Exited(host, code):
                    exit_codes[host] = code
                    if code:
                        self._end(containers, "another instance failed")
                case StopRequest(grace_seconds):
                    self._end(containers, "stopped", grace_seconds)
                case None if time.monotonic() > deadline:
                    self._end(containers, "over time")
            if self._kill_at is not None and time.monotonic() > self._kill_at:
                for container in containers.values():
                    container.kill()
            for upload in continuous:
                upload.send_changes(self._s3)
            self._platform.log.flush(self._platform.client("logs"))
        return exit_codes

    def _next_message(self) -> Message | None:
        """None after a second without any."""
        try:
            return self._messages.get(timeout=_TICK_SECONDS)
        except queue.Empty:
            return None

    def _end(
        self,
        containers: dict[str, RunningContainer],
        why: Cause,
        grace_seconds: float | None = None,
    ) -> None:
        grace = self._platform.stop_grace_seconds if grace_seconds is None else grace_seconds
        kill_at = time.monotonic() + grace
        self._kill_at = kill_at if self._kill_at is None else min(self._kill_at, kill_at)
        if self._ending is None:
            self._ending = why
            for container in containers.values():
                container.terminate()

    def _verdict(self, exit_codes: dict[str, int]) -> Ended:
        message = self._read_message(exit_codes) or None
        if self._ending == "over time":
            seconds = asked.max_runtime_seconds(self._request)
            return Ended(
                f"ClientError: The job ran longer than its MaxRuntimeInSeconds ({seconds})", message
            )
        failed = next((code for code in exit_codes.values() if code), None)
        if failed is None:
            return Ended(None, message)
        shown = message or "See job logs for more information"
        return Ended(f"AlgorithmError: {shown}, exit code: {failed}", message)

    def _read_message(self, exit_codes: dict[str, int]) -> str:
        """/opt/ml/output/message of the first instance that failed, else of the first."""
        for host in sorted(self._hosts, key=lambda name: exit_codes.get(name, 0) == 0):
            with contextlib.suppress(OutsideError, OSError):
                path = inside(self._opt_ml(host), self._opt_ml(host) / "output/message")
                if path.is_file():
                    return path.read_text(errors="replace")[:_MESSAGE_LENGTH].strip()
        return ""

    def _uploads(self, *, continuous: bool) -> list[Upload]:
        return [
            Upload(
                self._opt_ml(host),
                self._opt_ml(host) / output.local_path,
                S3Location.parse(output.s3_uri),
            )
            for output in asked.outputs(self._request)
            if output.continuous is continuous
            for host in self._hosts
        ]

    def _opt_ml(self, host: str) -> Path:
        return self._platform.work_folder / host / "opt-ml"

    def _scratch(self, host: str) -> Path:
        return self._platform.work_folder / host / "tmp"
