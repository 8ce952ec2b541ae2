"""`local`: the local AWS in the foreground."""

from __future__ import annotations

import re
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Mapping
from pathlib import Path

from pipeline.cli.command import SUCCEEDED, Command
from pipeline.cli.configured import read_bundle
from processing.base.errors import LaunchError


def local(arguments: Namespace) -> int:
    """Serve until Ctrl-C or SIGTERM.

    Raises LaunchError if a port is taken, a server to put behind an endpoint is not there, or
    Docker is wanted and does not answer.
    """
    import signal
    import threading

    from pipeline.local.demo.services import four_free_ports, local_aws, served_endpoints

    bundle, port = read_bundle(arguments), arguments.port
    config, variants = bundle.config, [variant.config for variant in bundle.variants]
    servers = dict(arguments.serve)
    if len(servers) < len(arguments.serve):
        raise LaunchError("--serve names an endpoint twice: each can have one server")
    models = _models_served(servers)
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
        servers=servers,
        variants=variants,
    ) as addresses:
        print("# The local AWS is up: in memory, on loopback, its endpoint and judge are demos.")
        print("# In another terminal:")
        for name, value in addresses.environment(config.infrastructure.region or "").items():
            print(f"export {name}={value}")
        asking = [each for each in (config, *variants) if not each.dataset.answers_given]
        named = [each.endpoint for each in asking]
        print(f"# Endpoints: {', '.join(served_endpoints(named, servers))}")
        for name, model in models.items():
            print(f"# {name} is no demo: {model} at {servers[name]} answers, as it is.")
        print(f"# MLflow: {addresses.mlflow}   Ctrl-C ends it all.", flush=True)
        end.wait()
    return SUCCEEDED


def _models_served(servers: Mapping[str, str]) -> dict[str, str]:
    """Which model answers for each endpoint. Raises LaunchError for a server that is not there."""
    if not servers:
        return {}
    import httpx

    from pipeline.local.demo.endpoint.openai_server import first_model

    models = {}
    for name, url in servers.items():
        try:
            models[name] = first_model(url) or "a model that the server does not name"
        except httpx.RequestError as error:
            raise LaunchError(
                f"--serve {name}={url}: nothing answers there ({error}): start the server first, "
                "or give its address as OpenAI's clients take it, with or without /v1"
            ) from error
    return models


def _served(text: str) -> tuple[str, str]:
    """NAME=URL. Raises ArgumentTypeError."""
    from pipeline.local.demo.endpoint.openai_server import base_url
    from processing.config import patterns

    name, _, url = text.partition("=")
    if not re.match(patterns.NAME, name):
        wanted = patterns.IN_WORDS[patterns.NAME]
        raise ArgumentTypeError(f"{text!r}: want NAME=URL, where NAME is {wanted}")
    try:
        return name, base_url(url)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r}: {error}") from error


def _options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--port",
        type=int,
        default=4566,
        help="of AWS; the demo endpoint, the demo judge and MLflow have the three "
        "above it (default: %(default)s)",
    )
    parser.add_argument(
        "--serve",
        action="append",
        default=[],
        type=_served,
        metavar="NAME=URL",
        help="put an OpenAI-compatible server (vLLM, Ollama, llama.cpp) behind an endpoint of that "
        "name, such as qwen=http://127.0.0.1:8000; may be repeated (default: none)",
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
    examples=(
        "local",
        "local --config my.yaml --serve qwen=http://127.0.0.1:8000",
        "local --port 4600 --docker",
    ),
    run=local,
    add_options=_options,
)
