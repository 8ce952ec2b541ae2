"""`local`: the local AWS in the foreground."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from pipeline.cli.command import SUCCEEDED, Command
from pipeline.cli.configured import read_bundle
from processing.base.errors import LaunchError


def local(arguments: Namespace) -> int:
    """Serve until Ctrl-C or SIGTERM.

    Raises LaunchError if a port is taken, or Docker is wanted and does not answer.
    """
    import signal
    import threading

    from pipeline.local.demo.services import four_free_ports, local_aws, served_endpoints

    config, port = read_bundle(arguments).config, arguments.port
    if four_free_ports(port) != port:
        raise LaunchError(f"ports {port} to {port + 3} are not all free: choose others with --port")
    end = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: end.set())
    with local_aws(
        config,
        port,
        arguments.state,
        docker=arguments.docker,
        registry=arguments.registry,
        refuse=arguments.refuse,
    ) as addresses:
        print("# The local AWS is up: in memory, on loopback, its endpoint and judge are demos.")
        print("# In another terminal:")
        for name, value in addresses.environment(config.infrastructure.region or "").items():
            print(f"export {name}={value}")
        print(f"# Endpoints: {', '.join(served_endpoints(config))}")
        print(f"# MLflow: {addresses.mlflow}   Ctrl-C ends it all.", flush=True)
        end.wait()
    return SUCCEEDED


def _options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--port",
        type=int,
        default=4566,
        help="of AWS; the demo endpoint, the demo judge and MLflow have the three "
        "above it (default: %(default)s)",
    )
    parser.add_argument(
        "--docker", action="store_true", help="run jobs in the image, not as processes"
    )
    parser.add_argument(
        "--registry",
        metavar="HOST:PORT",
        help="a container registry that stands for ECR (default: none)",
    )
    parser.add_argument(
        "--refuse",
        action="append",
        default=[],
        choices=["source-uri", "fail-message", "large-card"],
        help="refuse this of a pipeline, as SageMaker might: SourceUri in the RegisterModel step, "
        "JsonGet in GateFailed's message, a model card of over 1,000 characters in the step; may "
        "be repeated (default: none of them)",
    )
    parser.add_argument(
        "--state",
        type=Path,
        default=Path(".demo"),
        metavar="FOLDER",
        help="where logs and MLflow's database are kept (default: %(default)s)",
    )


LOCAL = Command(
    name="local",
    summary="serve a local AWS, on which every other command works without an account",
    description=(
        "Serve a local AWS on this machine until Ctrl-C: SageMaker's pipelines, jobs and model\n"
        "registry, S3, IAM and EventBridge, with a demo endpoint, a demo judge and a real MLflow.\n"
        "It prints the environment variables that point the other commands at it. `make demo`\n"
        "runs whole evaluations on it."
    ),
    examples=("local", "local --port 4600 --docker"),
    run=local,
    add_options=_options,
)
