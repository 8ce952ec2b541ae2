"""A real MLflow server on loopback: SQLite for the record, a folder for the artifacts.

python -m pipeline.local.mlflow_server .demo
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from processing.base.errors import LaunchError

START_SECONDS = 60.0
REPOSITORY = Path(__file__).resolve().parents[2]
PLUGIN = Path(__file__).with_name("mlflow_plugin")  # names mlflow_app to MLflow
SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    # a row's trace and verdicts arrive at once from many workers; with MLflow's default pool of 5
    # connections some of them wait 30 s and are dropped
    "MLFLOW_SQLALCHEMYSTORE_POOL_SIZE": "32",
    "MLFLOW_SQLALCHEMYSTORE_MAX_OVERFLOW": "32",
    # two more processes, for scheduled scorers that nobody schedules here
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
}


@dataclass(frozen=True)
class MlflowServer:
    url: str
    log: Path
    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        """End the server and its workers."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()


def start_mlflow(port: int, state_dir: Path, *, workers: int = 1) -> MlflowServer:
    """Start the server without waiting for it; `wait_for` does that.

    Keeps its database and artifacts in `state_dir`, so that earlier runs are there to compare with.
    `workers`: its processes. MLflow's own default is 4; each takes 300 MB, and seconds to start.
    """
    state = state_dir.absolute()
    state.mkdir(parents=True, exist_ok=True)
    _write_ahead(state / "mlflow.db")
    log = state / "mlflow-server.log"
    command = [
        *(sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)),
        *("--backend-store-uri", f"sqlite:///{state / 'mlflow.db'}"),
        *("--artifacts-destination", str(state / "artifacts"), "--workers", str(workers)),
        *("--app-name", "loopback"),
    ]
    paths = [str(REPOSITORY), str(PLUGIN), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, **SETTINGS, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, env=environment, start_new_session=True
        )
    return MlflowServer(f"http://127.0.0.1:{port}", log, process)


def _write_ahead(database: Path) -> None:
    """Have SQLite write each commit to the disk once, not three times; the file remembers it."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")


def wait_for(server: MlflowServer) -> None:
    """Return once the server answers. Raises LaunchError naming its log if it does not."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.process.poll() is None:
        try:
            with urllib.request.urlopen(f"{server.url}/health", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    server.stop()
    raise LaunchError(f"the MLflow server did not start: its log {server.log} says why")


def end_on_signals() -> None:
    """Make SIGTERM and SIGHUP end this process as Ctrl-C does, so that no server outlives it."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)


def main() -> None:
    end_on_signals()
    parser = argparse.ArgumentParser(description="MLflow on what the local AWS has logged.")
    parser.add_argument("state", type=Path, nargs="?", default=Path(".demo"))
    parser.add_argument("--port", type=int, default=4569)
    given = parser.parse_args()
    server = start_mlflow(given.port, given.state)
    try:
        wait_for(server)
        print(f"MLflow: {server.url}  (Ctrl-C ends it)", flush=True)
        server.process.wait()
    except KeyboardInterrupt:
        pass
    finally:
        server.stop()


if __name__ == "__main__":
    main()
