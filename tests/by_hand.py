"""`python -m processing.evaluate` in a process of its own: the benchmark's stub, a real MLflow."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from configuration_file import read_document, write_document
from running_aws import REPOSITORY

from pipeline.local.mlflow_server import MlflowServer, start_mlflow, wait_for
from processing import prepare_dataset

SCORERS = [{"is_brief": {"max_words": 80}}, "Safety"]

Done = subprocess.CompletedProcess[str]


@contextmanager
def stub_running(latency: float = 0.0) -> Iterator[str]:
    """Endpoint, judge and what describes them, at one address."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "benchmarks/stub.py", str(port), "--latency", str(latency)],
        cwd=REPOSITORY,
    )
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


@contextmanager
def mlflow_running(state: Path, port: int = 0) -> Iterator[MlflowServer]:
    server = start_mlflow(port or free_port(), state)
    try:
        wait_for(server)
        yield server
    finally:
        with contextlib.suppress(ProcessLookupError):  # at once, as a machine goes away
            os.killpg(server.process.pid, signal.SIGKILL)
        server.process.wait()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def calls_made(stub: str) -> dict[str, int]:
    """To the endpoint and to the judge, since this was asked last."""
    with urllib.request.urlopen(f"{stub}/calls") as answer:
        counted: dict[str, int] = json.load(answer)["calls"]
    return {"endpoint": 0, "judge": 0, **counted}


@dataclass(frozen=True)
class ByHand:
    """One job's folder: evaluation.yaml, dataset/, output/ and store/."""

    folder: Path
    stub: str
    mlflow: str

    def command(self, *more: str) -> list[str]:
        folders = {"config": "evaluation.yaml", "dataset": "dataset", "output": "output"}
        options = [f"--{option}={self.folder / name}" for option, name in folders.items()]
        store = f"--store={self.folder / 'store'}"
        return [sys.executable, "-m", "processing.evaluate", *options, store, *more]

    def environment(self, **more: str) -> dict[str, str]:
        services = ("", "_SAGEMAKER_RUNTIME", "_BEDROCK_RUNTIME")
        return {
            **os.environ,
            **{f"AWS_ENDPOINT_URL{service}": self.stub for service in services},
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": "us-east-1",
            "OPT_ML": str(self.folder / "opt-ml"),
            **more,
        }

    def run(self, *more: str, before: Callable[[], None] | None = None, **environment: str) -> Done:
        """`before` is called in the new process."""
        return subprocess.run(
            self.command(*more), cwd=REPOSITORY, env=self.environment(**environment),
            capture_output=True, text=True, timeout=240, check=False, preexec_fn=before,
        )  # fmt: skip

    def start(self, *more: str, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*more), cwd=REPOSITORY, env=self.environment(**environment),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    @property
    def evaluation(self) -> Path:
        return self.folder / "output" / "evaluation.json"

    def kept(self, shelf: str) -> list[dict[str, Any]]:
        """The records in the store; each whole line has to be readable."""
        texts = [file.read_text() for file in (self.folder / "store" / shelf).rglob("*.jsonl")]
        return [json.loads(line) for text in texts for line in text.splitlines()]


def prepared(
    folder: Path,
    stub: str,
    mlflow: str,
    /,
    *,
    rows: int,
    scorers: list[Any] = SCORERS,
    **changes: Any,
) -> ByHand:
    """A dataset as PrepareDataset leaves it; `changes`: sections of evaluation.yaml."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "raw.jsonl").open("w") as lines:
        for number in range(rows):
            row = {"question": f"What helps against fever number {number}?", "answer": "Rest."}
            lines.write(json.dumps(row) + "\n")
    columns = {"question": "question", "expected_response": "answer"}
    config = read_document()
    for section in ("slices", "champion", "candidate", "labels"):
        config.pop(section, None)
    config |= {
        "dataset": {"source": str(folder / "raw.jsonl"), "columns": columns},
        "endpoint": {**config["endpoint"], "name": "bench", "concurrency": 8},
        "judge": {"model": "bedrock:/bench", "concurrency": 8, "swapped_answers": 0},
        "mlflow": {"tracking_uri": mlflow, "experiment": "by-hand"},
        "scorers": scorers,
        "thresholds": {"is_brief": {"min": 0.1}},
    }
    for section, change in changes.items():
        config[section] = {**config.get(section, {}), **change}
    write_document(config, folder / "evaluation.yaml")
    config_file, dataset = folder / "evaluation.yaml", folder / "dataset"
    prepare_dataset.main(["--config", str(config_file), "--output", str(dataset)])
    return ByHand(folder, stub, mlflow)
