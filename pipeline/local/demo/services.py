"""Everything that stands where AWS would stand, started together on loopback."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pipeline.definition.bundle import LOCAL_MLFLOW
from pipeline.local.server.account import ALL_TRAFFIC
from processing.config.endpoint import Endpoint
from processing.config.model import EvaluationConfig

if TYPE_CHECKING:
    from pipeline.local.demo.endpoint.behaviour import EndpointBehaviour

GOOD, WORSE = "health-qa-good", "health-qa-worse"
REGION = "us-east-1"  # where moto keeps what these credentials make


@dataclass(frozen=True)
class Addresses:
    """Four ports in a row: AWS itself, the demo endpoint, the demo judge, MLflow."""

    first_port: int

    @property
    def endpoint(self) -> str:
        return self._url(1)

    @property
    def mlflow(self) -> str:
        return self._url(3)

    def environment(self, region: str = REGION) -> dict[str, str]:
        """The variables that point any AWS tool at the local AWS."""
        return {
            "AWS_ENDPOINT_URL": self._url(0),
            "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": self.endpoint,
            "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": self._url(2),
            LOCAL_MLFLOW: self.mlflow,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": region,
            "AWS_REGION": region,
        }

    def _url(self, offset: int) -> str:
        return f"http://127.0.0.1:{self.first_port + offset}"


_RETURNED_PASSAGES = {"retrieval": 4}
"""Example -> how many passages its endpoints return with an answer."""


def _example_endpoints() -> dict[str, EndpointBehaviour]:
    from pipeline.local.demo.endpoint.behaviour import EndpointBehaviour
    from pipeline.local.demo.endpoint.retrieval import HEALTH_KNOWLEDGE, example_knowledge

    qualities: tuple[Literal["good", "worse"], ...] = ("good", "worse")
    return {
        f"{name}-{quality}": EndpointBehaviour(
            model=quality, knowledge=name, passages=_RETURNED_PASSAGES.get(name, 0)
        )
        for name, path in example_knowledge().items()
        if path != HEALTH_KNOWLEDGE  # it has GOOD and WORSE
        for quality in qualities
    }


def served_endpoints(
    named: Sequence[Endpoint], servers: Mapping[str, str]
) -> dict[str, EndpointBehaviour]:
    """By name: those that the file names, those of all examples, and the `servers`.

    `named`: the section `endpoint` of the file, then of its variants. `servers`: endpoint ->
    address of the OpenAI-compatible server behind it.
    """
    from pipeline.local.demo.endpoint.behaviour import EndpointBehaviour

    behaviours = {
        **{section.name: EndpointBehaviour() for section in named},
        GOOD: EndpointBehaviour(model="good"),
        WORSE: EndpointBehaviour(model="worse"),
        **_example_endpoints(),
        **{
            name: EndpointBehaviour.model_validate({"server": url}) for name, url in servers.items()
        },
    }
    return {
        name: behaviour.model_copy(update=_parts_asked_for(name, named))
        for name, behaviour in behaviours.items()
    }


def _parts_asked_for(name: str, named: Sequence[Endpoint]) -> dict[str, tuple[str, ...]]:
    """The production variants and inference components that an endpoint has to have.

    One that the file does not name has the file's variant: `--endpoint` leaves that as it is.
    """
    sections = [section for section in named if section.name == name]
    variants = dict.fromkeys(s.variant for s in sections or named[:1] if s.variant)
    components = dict.fromkeys(s.inference_component for s in sections if s.inference_component)
    return {"variants": tuple(variants) or (ALL_TRAFFIC,), "inference_components": (*components,)}


@contextmanager
def local_aws(
    config: EvaluationConfig,
    port: int,
    state_dir: Path,
    *,
    docker: bool = False,
    registry: str | None = None,
    refuse: Collection[str] = (),
    servers: Mapping[str, str] | None = None,
    variants: Sequence[EvaluationConfig] = (),
    job_environment: Mapping[str, str] | None = None,
    echo: Callable[[str], None] = print,
) -> Iterator[Addresses]:
    """The local AWS, furnished for a configuration, until the block ends.

    The endpoint that the configuration names answers as the good demo model; each of examples/ has
    two that know its subject, `<folder>-good` and `<folder>-worse`. Jobs run as processes,
    or in containers of their image (`docker`; raises LaunchError where Docker does not answer).
    `refuse`: what SageMaker refuses of a pipeline. `servers`: see `served_endpoints`. `variants`:
    the configuration with each variant's overrides, whose endpoints are there too.
    `registry` (HOST:PORT), if any, takes the images that are pushed to ECR. `job_environment` is
    what every job gets besides what points it at the local AWS. `echo` takes the jobs' output.
    """
    import boto3

    from pipeline.local.aws import serve
    from pipeline.local.demo.endpoint.hosting import DemoHosting
    from pipeline.local.demo.endpoint.server import serve_endpoint
    from pipeline.local.demo.judge.server import serve_judge
    from pipeline.local.jobs.docker_runner import docker_runner
    from pipeline.local.mlflow_server import start_mlflow, wait_for
    from pipeline.local.server.account import DEMO_IMAGE, SERVER_IMAGE, Hosted, furnish

    job_runner = docker_runner() if docker else None
    addresses = Addresses(port)
    environment = addresses.environment(config.infrastructure.region or REGION)
    os.environ.update(environment)  # for the server's own clients, and the process that started us
    asking = [each for each in (config, *variants) if not each.dataset.answers_given]
    named = [each.endpoint for each in asking]
    endpoints = served_endpoints(named, servers or {})
    with ExitStack() as running:
        mlflow = start_mlflow(port + 3, state_dir)  # takes longest, so it starts first
        running.callback(mlflow.stop)
        host = DemoHosting(addresses.endpoint)
        for server in (
            serve(
                port,
                state_dir=state_dir,
                job_environment={**environment, **_mlflow_app(), **(job_environment or {})},
                job_runner=job_runner,
                host=host,
                image_registry=registry,
                refuse=refuse,
                echo=echo,
            ),
            serve_endpoint(port + 1, endpoints=endpoints),
            serve_judge(port + 2),
        ):
            running.callback(server.stop)
        hosted = [
            Hosted(
                name,
                SERVER_IMAGE if told.server else DEMO_IMAGE,
                told.variants,
                told.inference_components,
                any(section.asynchronous for section in named if section.name == name),
            )
            for name, told in endpoints.items()
        ]
        furnish(boto3.Session(), config, hosted)
        wait_for(mlflow)
        yield addresses


def _mlflow_app() -> dict[str, str]:
    """Where AWS's plugin for MLflow finds the App that an ARN names, if we have been told."""
    name = "SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT"
    return {name: os.environ[name]} if name in os.environ else {}


def four_free_ports(first: int) -> int:
    """The first of four free ports in a row, at or above `first`."""
    candidates = range(first, first + 400, 4)
    return next(port for port in candidates if all(_free(port + i) for i in range(4)))


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
