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
import functools
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from werkzeug.serving import BaseWSGIServer, make_server

from pipeline.local.events import event_bridge
from pipeline.local.events.delivery import Delivery
from pipeline.local.events.events import EventBus
from pipeline.local.events.scheduled_rules import Scheduler
from pipeline.local.jobs.container import JobRunner
from pipeline.local.jobs.process_runner import process_runner
from pipeline.local.jobs.processing_jobs import ProcessingJobs
from pipeline.local.sagemaker.endpoints import Endpoints, Host, NoHost
from pipeline.local.sagemaker.executions import Executions
from pipeline.local.sagemaker.inference_components import InferenceComponents
from pipeline.local.sagemaker.mlflow_resources import MlflowResources
from pipeline.local.sagemaker.pipelines import Pipelines
from pipeline.local.sagemaker.refusals import Refusals
from pipeline.local.sagemaker.registry import ModelRegistry
from pipeline.local.server import moto_internals
from pipeline.local.server.api import Clients
from pipeline.local.server.container_registry import with_registry
from pipeline.local.server.front_door import FrontDoor
from pipeline.local.server.policy_simulation import with_simulation
from pipeline.local.server.price_list import with_price_list

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
    _scheduler: Scheduler
    _uninstall: Callable[[], None]

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def stop(self) -> None:
        """Kills what runs, and closes the port. Does nothing the second time."""
        if not self._thread.is_alive():
            return
        atexit.unregister(self._kill_jobs)
        self._scheduler.stop()
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
    host: Host | None = None,
    repo_root: Path = REPOSITORY,
    echo: Callable[[str], None] = print,
    stop_grace_seconds: float = _SAGEMAKER_GRACE_SECONDS,
    image_registry: str | None = None,
    refuse: Collection[str] = (),
) -> LocalAws:
    """Starts the local AWS on 127.0.0.1 and returns when it answers (port 0: any free one).

    `job_environment` is what every job gets besides its own Environment: on AWS its credentials and
    region, here also AWS_ENDPOINT_URL. `job_runner` runs the instances of jobs, by default as
    processes in `repo_root`. `host` answers for endpoints, by default nobody does. `echo` takes the
    jobs' output, a line at a time. A stopped job has `stop_grace_seconds` between SIGTERM and
    SIGKILL. `image_registry` (HOST:PORT) is where ECR's repositories are said to be.
    `refuse`: what of a definition is refused (see `refusals`).

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
    refusals = Refusals(refuse)
    executions = Executions(clients, jobs, bus, refusals)
    registry = ModelRegistry(bus)
    operations = {
        **jobs.operations(),
        **executions.operations(),
        **Pipelines(clients, executions.of_pipeline, refusals).operations(),
        **registry.operations(),
        **MlflowResources().operations(),
        **InferenceComponents().operations(),
        **Endpoints(host or NoHost(), registry.describe, echo).operations(),
    }
    moto_internals.install()
    delivery = Delivery(clients, ACCOUNT, echo)
    uninstall = event_bridge.install(delivery)
    scheduler = Scheduler(functools.partial(event_bridge.scheduled_rules, delivery, ACCOUNT))
    controls = {"/_local/clock": scheduler.advance, "/_local/refusals": refusals.control}
    moto = with_price_list(with_simulation(moto_internals.application(), clients))
    if image_registry:
        moto = with_registry(moto, image_registry)
    door = FrontDoor(moto, operations, ACCOUNT, controls)
    server = make_server(
        HOST, port, door, threaded=True, request_handler=moto_internals.QuietRequestHandler
    )
    clients.endpoint_url = f"http://{HOST}:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    scheduler.start()
    aws = LocalAws(server.server_port, server, thread, executions, jobs, scheduler, uninstall)
    atexit.register(aws._kill_jobs)
    return aws
