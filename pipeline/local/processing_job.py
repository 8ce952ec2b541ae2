"""One processing job: inputs from S3, one process per instance, outputs to S3.

Outputs are uploaded when the job ends, and also when it fails or is stopped (as SageMaker's local
mode does; whether the service itself does so after a failure is not documented). Those with
S3UploadMode Continuous are also uploaded while it runs, about once a second.

When one instance fails the others are told to stop. A job over its MaxRuntimeInSeconds ends as
Failed, with a FailureReason that says so.
"""

from __future__ import annotations

import datetime as dt
import json
import queue
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from botocore.exceptions import BotoCoreError, ClientError

from pipeline.local import processing_request as asked
from pipeline.local.container import Container, JobFault, JobRunner, RunningContainer
from pipeline.local.job_log import JobLog
from pipeline.local.s3_folder import S3Location, Upload, download, list_keys

Status: TypeAlias = Literal["InProgress", "Stopping", "Completed", "Failed", "Stopped"]
_MESSAGE_LENGTH = 1024
_UPLOAD_INTERVAL_SECONDS = 1.0


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


@dataclass(eq=False)
class ProcessingJob:
    """The state of one job. Only its own thread writes, but for `stop`."""

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
        # ("exited", (host, code)) from the instances' threads, ("stop", grace) from whoever stops
        self._messages: queue.Queue[tuple[str, Any]] = queue.Queue()
        self._stop_requested = False

    def stop(self, grace_seconds: float | None = None) -> None:
        """Asks the job to end; it is Stopped when `finished` is set."""
        if self.finished.is_set():
            return
        self._stop_requested = True
        self._set_status("Stopping")
        self._messages.put(("stop", grace_seconds))

    def run(self, platform: JobPlatform) -> None:
        """Runs the job to its end. Never raises: what goes wrong becomes its FailureReason."""
        self.started = dt.datetime.now(dt.UTC)
        try:
            self.failure_reason = _Run(self, platform, self._messages).to_the_end()
        except JobFault as fault:
            self.failure_reason = str(fault)
        except (OSError, BotoCoreError, ClientError) as error:
            self.failure_reason = f"InternalServerError: {type(error).__name__}: {error}"
        except Exception as error:  # noqa: BLE001 the outermost door of a job: it must end
            self.failure_reason = f"InternalServerError: {type(error).__name__}: {error}"
        finally:
            shutil.rmtree(platform.work_folder, ignore_errors=True)
            self._conclude()

    def _conclude(self) -> None:
        self.ended = dt.datetime.now(dt.UTC)
        if self._stop_requested:
            self.failure_reason = None
            self._set_status("Stopped")
        else:
            self._set_status("Failed" if self.failure_reason else "Completed")

    def _set_status(self, status: Status) -> None:
        self.status, self.modified = status, dt.datetime.now(dt.UTC)


class _Run:
    """The work of one job, in one thread; `to_the_end` is the story."""

    def __init__(
        self, job: ProcessingJob, platform: JobPlatform, messages: queue.Queue[tuple[str, Any]]
    ) -> None:
        self._job, self._platform, self._messages = job, platform, messages
        count = asked.instance_count(job.request)
        self._hosts = [f"algo-{number}" for number in range(1, count + 1)]
        self._s3 = platform.client("s3")
        self._ending: str | None = None
        self._kill_at: float | None = None

    def to_the_end(self) -> str | None:
        """The job's FailureReason, or None."""
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
        region, role = self._job.region, self._job.request["RoleArn"]
        for entry in asked.inputs(self._job.request):
            keys = list_keys(self._s3, entry.s3_uri, region, role)
            for number, host in enumerate(self._hosts):
                share = keys[number :: len(self._hosts)] if entry.sharded else keys
                folder = self._opt_ml(host) / entry.local_path
                folder.mkdir(parents=True, exist_ok=True)
                download(self._s3, entry.s3_uri, share, folder)
        for host in self._hosts:
            for output in asked.outputs(self._job.request):
                (self._opt_ml(host) / output.local_path).mkdir(parents=True, exist_ok=True)
            self._write_config(host)

    def _write_config(self, host: str) -> None:
        root = self._opt_ml(host)
        for folder in (root / "config", root / "output", self._scratch(host)):
            folder.mkdir(parents=True)
        described = {"ProcessingJobArn": self._job.arn, **self._job.request}
        (root / "config/processingjobconfig.json").write_text(json.dumps(described))
        (root / "config/resourceconfig.json").write_text(
            json.dumps({"current_host": host, "hosts": self._hosts})
        )

    def _start(self, host: str) -> RunningContainer:
        request = self._job.request
        application, several = request["AppSpecification"], len(self._hosts) > 1
        container = Container(
            job_name=self._job.name,
            host=host,
            image_uri=application["ImageUri"],
            entrypoint=tuple(application.get("ContainerEntrypoint") or ()),
            arguments=tuple(application.get("ContainerArguments") or ()),
            environment={**self._platform.environment, **(request.get("Environment") or {})},
            opt_ml=self._opt_ml(host),
            scratch=self._scratch(host),
            network_isolated=asked.is_network_isolated(request),
        )
        log = self._platform.log
        running = self._platform.runner(
            container, lambda line: log.write(host, line, tell_host=several)
        )
        threading.Thread(target=self._await_exit, args=(host, running), daemon=True).start()
        return running

    def _await_exit(self, host: str, running: RunningContainer) -> None:
        self._messages.put(("exited", (host, running.wait())))

    def _supervise(
        self, containers: dict[str, RunningContainer], continuous: list[Upload]
    ) -> dict[str, int]:
        exit_codes: dict[str, int] = {}
        deadline = time.monotonic() + asked.max_runtime_seconds(self._job.request)
        while len(exit_codes) < len(containers):
            try:
                kind, value = self._messages.get(timeout=_UPLOAD_INTERVAL_SECONDS)
            except queue.Empty:
                kind, value = "tick", None
            if kind == "exited":
                exit_codes[value[0]] = value[1]
                if value[1]:
                    self._end(containers, "another instance failed", None)
            elif kind == "stop":
                self._end(containers, "stopped", value)
            elif time.monotonic() > deadline:
                self._end(containers, "timeout", None)
            if self._kill_at is not None and time.monotonic() > self._kill_at:
                for container in containers.values():
                    container.kill()
            for upload in continuous:
                upload.send_changes(self._s3)
            self._platform.log.flush(self._platform.client("logs"))
        return exit_codes

    def _end(
        self, containers: dict[str, RunningContainer], why: str, grace_seconds: float | None
    ) -> None:
        grace = self._platform.stop_grace_seconds if grace_seconds is None else grace_seconds
        kill_at = time.monotonic() + grace
        self._kill_at = kill_at if self._kill_at is None else min(self._kill_at, kill_at)
        if self._ending is None:
            self._ending = why
            for container in containers.values():
                container.terminate()

    def _verdict(self, exit_codes: dict[str, int]) -> str | None:
        message = self._read_message(exit_codes)
        self._job.exit_message = message or None
        if self._ending == "timeout":
            seconds = asked.max_runtime_seconds(self._job.request)
            return f"ClientError: The job ran longer than its MaxRuntimeInSeconds ({seconds})"
        failed = next((code for code in exit_codes.values() if code), None)
        if failed is None:
            return None
        shown = message or "See job logs for more information"
        return f"AlgorithmError: {shown}, exit code: {failed}"

    def _read_message(self, exit_codes: dict[str, int]) -> str:
        """/opt/ml/output/message of the first instance that failed, else of the first."""
        for host in sorted(self._hosts, key=lambda name: exit_codes.get(name, 0) == 0):
            path = self._opt_ml(host) / "output/message"
            if path.is_file():
                return path.read_text(errors="replace")[:_MESSAGE_LENGTH].strip()
        return ""

    def _uploads(self, *, continuous: bool) -> list[Upload]:
        return [
            Upload(self._opt_ml(host) / output.local_path, S3Location.parse(output.s3_uri))
            for output in asked.outputs(self._job.request)
            if output.continuous is continuous
            for host in self._hosts
        ]

    def _opt_ml(self, host: str) -> Path:
        return self._platform.work_folder / host / "opt-ml"

    def _scratch(self, host: str) -> Path:
        return self._platform.work_folder / host / "tmp"
