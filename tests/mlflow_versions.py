"""MLflow servers of other versions than ours, each in a virtual environment of its own.

An environment is made once per checkout, by uv, and kept in pytest's cache.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from by_hand import free_port

from pipeline.local.mlflow_server import SETTINGS, MlflowServer, wait_for

NEWEST = "newest"
VERSIONS = ("3.4.0", "3.5.1", "3.6.0", "3.8.1", NEWEST)
_UV = Path(sys.executable).with_name("uv")


@contextmanager
def mlflow_of_version(version: str, cache: Path, state: Path) -> Iterator[MlflowServer]:
    """A server that keeps everything in `state`; its environment is in `cache`."""
    port, state = free_port(), state.absolute()
    state.mkdir(parents=True)
    store = f"sqlite:///{state / 'mlflow.db'}"
    # what `mlflow server` sets before it starts the same application as a process below it, and
    # imports MLflow a second time for that
    environment = SETTINGS | {
        "_MLFLOW_SERVER_FILE_STORE": store,
        "_MLFLOW_SERVER_REGISTRY_STORE": store,
        "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": str(state / "artifacts"),
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
    }
    command = [
        *(str(_environment(version, cache)), "-m", "uvicorn", "mlflow.server.fastapi_app:app"),
        *("--host", "127.0.0.1", "--port", str(port)),
    ]
    log = state / "mlflow-server.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=output,
            env={**os.environ, **environment},
            start_new_session=True,
        )
    server = MlflowServer(f"http://127.0.0.1:{port}", log, process)
    try:
        wait_for(server)
        yield server
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _environment(version: str, cache: Path) -> Path:
    """Its Python. The newest version is looked for each time, the others are as they were."""
    folder = cache / version
    python = folder / "bin" / "python"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"{version}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ready = folder / "ready"
        if not ready.exists():
            _uv("venv", "--clear", "--python", sys.executable, str(folder))
        if version == NEWEST:
            _uv("pip", "install", "--upgrade", "--python", str(python), "mlflow")
        elif not ready.exists():  # those before 3.9 do not start with SQLAlchemy 2.1
            packages = (f"mlflow=={version}", "sqlalchemy<2.1")
            _uv("pip", "install", "--python", str(python), *packages)
        ready.touch()
    return python


def _uv(*arguments: str) -> None:
    subprocess.run([str(_UV), "--quiet", *arguments], check=True, timeout=240)
