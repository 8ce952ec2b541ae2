"""The processing job operations of SageMaker: create (which really runs), describe, list, stop.

Jobs are kept in memory; their logs stay in `<state>/logs/<job>.log`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.checks import service_model
from pipeline.local.jobs.container import JobRunner
from pipeline.local.jobs.job_log import JobLog
from pipeline.local.jobs.job_run import JobPlatform
from pipeline.local.jobs.processing_job import ProcessingJob
from pipeline.local.jobs.processing_request import unsupported_features
from pipeline.local.server.api import Call, Clients, paginate, time_filter
from pipeline.local.server.aws_errors import ResourceInUse, ResourceNotFound, ValidationException

_SUMMARY = (
    "ProcessingJobName",
    "ProcessingJobArn",
    "CreationTime",
    "ProcessingEndTime",
    "LastModifiedTime",
    "ProcessingJobStatus",
    "FailureReason",
    "ExitMessage",
)


@dataclass
class ProcessingJobs:
    """All jobs of this local AWS, by region and name."""

    clients: Clients
    runner: JobRunner
    environment: Mapping[str, str]
    state_dir: Path
    echo: Callable[[str], None]
    stop_grace_seconds: float
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _jobs: dict[tuple[str, str], ProcessingJob] = field(default_factory=dict)

    def operations(self) -> dict[str, Callable[[Call], dict[str, Any]]]:
        return {
            "CreateProcessingJob": self._create,
            "DescribeProcessingJob": lambda call: describe(self._find(call)),
            "ListProcessingJobs": self._list,
            "StopProcessingJob": self._stop,
        }

    def start(
        self, request: dict[str, Any], *, account: str, region: str, label: str | None = None
    ) -> ProcessingJob:
        """Starts a job. `label` is what its lines on the terminal begin with (default: its name).

        Raises ValidationException for what SageMaker or the local AWS refuses, ResourceInUse for a
        name that was used before.
        """
        broken = service_model.problems("CreateProcessingJob", request)
        if broken:
            raise ValidationException(
                f"{len(broken)} validation error(s) detected: {'; '.join(broken)}"
            )
        for feature in unsupported_features(request):
            raise ValidationException(f"{feature} is not supported by the local AWS")
        name = request["ProcessingJobName"]
        arn = f"arn:aws:sagemaker:{region}:{account}:processing-job/{name}"
        job = ProcessingJob(name, arn, region, request)
        with self._lock:
            if (region, name) in self._jobs:
                raise ResourceInUse(f"Job name must be unique within an AWS account: {arn}")
            self._jobs[(region, name)] = job
        threading.Thread(target=self._run, args=(job, label or name), daemon=True).start()
        return job

    def stop_all(self, wait_seconds: float = 10) -> None:
        """Kills what still runs, and waits until it is gone."""
        with self._lock:
            running = [job for job in self._jobs.values() if not job.finished.is_set()]
        for job in running:
            job.stop(grace_seconds=0)
        for job in running:
            job.finished.wait(wait_seconds)

    def _run(self, job: ProcessingJob, label: str) -> None:
        log = JobLog(job.name, label, self.state_dir / "logs" / f"{job.name}.log", self.echo)
        client = self.clients.in_region(job.region)
        job.run(
            JobPlatform(
                client=client,
                runner=self.runner,
                environment=self.environment,
                work_folder=self.state_dir / "jobs" / job.name,
                log=log,
                stop_grace_seconds=self.stop_grace_seconds,
            )
        )
        log.close()
        job.finished.set()

    def _create(self, call: Call) -> dict[str, Any]:
        job = self.start(call.request, account=call.account, region=call.region)
        return {"ProcessingJobArn": job.arn}

    def _find(self, call: Call) -> ProcessingJob:
        name = call.request["ProcessingJobName"]
        with self._lock:
            job = self._jobs.get((call.region, name))
        if job is None:
            arn = f"arn:aws:sagemaker:{call.region}:{call.account}:processing-job/{name}"
            raise ResourceNotFound(f"Could not find requested job with name: {name} ({arn})")
        return job

    def _stop(self, call: Call) -> dict[str, Any]:
        job = self._find(call)
        if job.ended is not None:
            raise ValidationException(
                f"The request was rejected because the processing job is in status {job.status}"
            )
        job.stop()
        return {}

    def _list(self, call: Call) -> dict[str, Any]:
        request = call.request
        with self._lock:
            jobs = [job for (region, _), job in self._jobs.items() if region == call.region]
        kept = [
            job
            for job in jobs
            if request.get("NameContains", "") in job.name
            and request.get("StatusEquals", job.status) == job.status
            and time_filter(request, "CreationTime", job.created)
            and time_filter(request, "LastModifiedTime", job.modified)
        ]
        keys: dict[str, Callable[[ProcessingJob], Any]] = {
            "Name": lambda job: job.name,
            "Status": lambda job: job.status,
            "CreationTime": lambda job: job.created,
        }
        kept.sort(
            key=keys[request.get("SortBy", "CreationTime")],
            reverse=request.get("SortOrder", "Descending") == "Descending",
        )
        page, token = paginate(kept, request)
        summaries = [{key: describe(job).get(key) for key in _SUMMARY} for job in page]
        return {"ProcessingJobSummaries": summaries, **token}


def describe(job: ProcessingJob) -> dict[str, Any]:
    """The job as DescribeProcessingJob shows it; None where there is no value."""
    request = {key: value for key, value in job.request.items() if key != "Tags"}
    return {
        **request,
        "ProcessingJobArn": job.arn,
        "ProcessingJobStatus": job.status,
        "ExitMessage": job.exit_message,
        "FailureReason": job.failure_reason,
        "CreationTime": job.created,
        "LastModifiedTime": job.modified,
        "ProcessingStartTime": job.started,
        "ProcessingEndTime": job.ended,
    }
