"""`pipeline_definition.py local`: the local AWS in the foreground."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from types import FrameType

from pipeline.definition.bundle import Bundle
from pipeline.local.services import four_free_ports, local_aws
from processing.base.errors import LaunchError


def serve_until_interrupted(
    bundle: Bundle, port: int, state_dir: Path, *, docker: bool, registry: str | None
) -> int:
    """Serve until Ctrl-C or SIGTERM; returns 0.

    Raises LaunchError if a port is taken, or Docker is wanted and does not answer.
    """
    if four_free_ports(port) != port:
        raise LaunchError(f"ports {port} to {port + 3} are not all free: choose others with --port")
    end = threading.Event()

    def ended(_signal: int, _frame: FrameType | None) -> None:
        end.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ended)
    with local_aws(bundle.config, port, state_dir, docker=docker, registry=registry) as addresses:
        print("# The local AWS is up: in memory, on loopback, its endpoint and judge are demos.")
        print("# In another terminal:")
        for name, value in addresses.environment(bundle.config.infrastructure.region or "").items():
            print(f"export {name}={value}")
        print(f"# MLflow: {addresses.mlflow}   Ctrl-C ends it all.", flush=True)
        end.wait()
    return 0
