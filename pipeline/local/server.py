"""The local AWS: moto's server whose SageMaker pipelines and processing jobs really run.

    aws = serve(4566, state_dir=Path(".demo"), job_environment={"AWS_ENDPOINT_URL": ...})
    ...
    aws.stop()

Everything that AWS would keep (buckets, pipelines, executions, the model registry) is kept in this
process's memory and is gone with it; only the jobs' logs stay, in `<state_dir>/logs`. Nothing but
the loopback interface is used.
"""

from __future__ import annotations

import atexit
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from werkzeug.serving import BaseWSGIServer, make_server

from pipeline.local import moto_extensions
from pipeline.local.api import Clients
from pipeline.local.container import JobRunner
from pipeline.local.container_registry import with_registry
from pipeline.local.events import EventBus, pipeline_parameters
from pipeline.local.executions import Executions
from pipeline.local.front_door import FrontDoor
from pipeline.local.pipelines import Pipelines
from pipeline.local.process_runner import process_runner
from pipeline.local.processing_jobs import ProcessingJobs
from pipeline.local.registry import ModelRegistry

ACCOUNT = "123456789012"
HOST = "127.0.0.1"
REPOSITORY = Path(__file__).resolve().parents[2]
_SAGEMAKER_GRACE_SECONDS = 120.0
_LAST_SECONDS = 2.0


@dataclass
class LocalAws:
    """A running local AWS."""

    port: int
    _server: BaseWSGIServer
    _thread: threading.Thread
    _executions: Executions
    _jobs: ProcessingJobs
    _uninstall: Callable[[], None]

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def stop(self) -> None:
        """Kills what runs, and closes the port. Does nothing the second time."""
        if not self._thread.is_alive():
            return
        atexit.unregister(self._kill_jobs)
        self._executions.stop_all()
        self._jobs.stop_all()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._uninstall()

    def _kill_jobs(self) -> None:
        """When the interpreter ends without `stop`: nobody answers the jobs' uploads any more."""
        self._jobs.stop_all(wait_seconds=_LAST_SECONDS)


def serve(
    port: int,
    *,
    state_dir: Path,
    job_environment: Mapping[str, str],
    job_runner: JobRunner | None = None,
    repo_root: Path = REPOSITORY,
    echo: Callable[[str], None] = print,
    stop_grace_seconds: float = _SAGEMAKER_GRACE_SECONDS,
    registry: str | None = None,
) -> LocalAws:
    """Starts the local AWS on 127.0.0.1 and returns when it answers (port 0: any free one).

    `job_environment` is what every job gets besides its own Environment: on AWS its credentials and
    region, here also AWS_ENDPOINT_URL. `job_runner` runs the instances of jobs, by default as
    processes in `repo_root`. `echo` takes the jobs' output, a line at a time. A stopped job has
    `stop_grace_seconds` between SIGTERM and SIGKILL. `registry` (HOST:PORT) is where
    ECR's repositories are said to be.

    Raises OSError when the port is taken.
    """
    state_dir = state_dir.resolve()
    home = state_dir / "home"
    home.mkdir(parents=True, exist_ok=True)
    clients = Clients(endpoint_url="")
    bus = EventBus(clients, echo)
    jobs = ProcessingJobs(
        clients=clients,
        runner=job_runner or process_runner(repo_root=repo_root, home=home),
        environment=dict(job_environment),
        state_dir=state_dir,
        echo=echo,
        stop_grace_seconds=stop_grace_seconds,
    )
    executions = Executions(clients, jobs, bus)
    operations = {
        **jobs.operations(),
        **executions.operations(),
        **Pipelines(clients, executions.of_pipeline).operations(),
        **ModelRegistry(bus).operations(),
    }
    uninstall = moto_extensions.install(_pipeline_target(clients), echo)
    moto = moto_extensions.application()
    if registry:
        moto = with_registry(moto, registry)
    door = FrontDoor(moto, operations, ACCOUNT)
    server = make_server(
        HOST, port, door, threaded=True, request_handler=moto_extensions.QuietRequestHandler
    )
    clients.endpoint_url = f"http://{HOST}:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    aws = LocalAws(server.server_port, server, thread, executions, jobs, uninstall)
    atexit.register(aws._kill_jobs)
    return aws


def _pipeline_target(clients: Clients) -> Callable[[dict[str, Any], dict[str, Any]], None]:
    """Starts the pipeline of a rule's target, through the API as EventBridge does."""

    def start(target: dict[str, Any], event: dict[str, Any]) -> None:
        region = target["Arn"].split(":")[3]
        clients.get("sagemaker", region).start_pipeline_execution(
            PipelineName=target["Arn"],
            PipelineParameters=pipeline_parameters(target, event),
            ClientRequestToken=str(uuid.uuid4()),
        )

    return start
