"""MLflow away for a while costs that while; gone for good, it costs nothing that was paid for."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import mlflow
import pytest
from by_hand import ByHand, calls_made, free_port, mlflow_running, prepared, stub_running
from mlflow_between import dying_at, mlflow_between

from processing.mlflow_record.outage import OUTAGE_VARIABLE

pytestmark = pytest.mark.integration

ROWS = 60
TRIED = 20
"""More requests about traces than are made before the first call."""
NOBODY = "http://127.0.0.1:9"
BRIEF = {"is_brief": {"max_words": 80}}


@pytest.fixture(scope="module")
def stub() -> Iterator[str]:
    with stub_running(latency=0.3) as address:
        yield address


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def traces_of(address: str, job: ByHand) -> int:
    told = json.loads(job.evaluation.read_text())["mlflow"]
    found = mlflow.MlflowClient(address).search_traces(
        locations=[told["experiment_id"]], run_id=told["run_id"], max_results=500
    )
    return len(found)


def left_by_mlflow(
    stub: str, folder: Path, port: int, *, patience: str = ""
) -> tuple[ByHand, subprocess.Popen[str]]:
    """A job whose MLflow server, at this port, goes away in the middle of it.

    It waits as long as a job does, or for so many seconds of patience.
    """
    with mlflow_running(folder / "mlflow", port) as server:
        job = prepared(folder / "job", stub, server.url, rows=ROWS)
        calls_made(stub)
        process = job.start(**{OUTAGE_VARIABLE: patience})
        until(lambda: len(job.kept("answers")) > 10)
    return job, process


def test_a_server_that_restarts_costs_the_time_of_the_restart(stub: str, tmp_path: Path) -> None:
    port = free_port()
    job, process = left_by_mlflow(stub, tmp_path, port)
    time.sleep(6)
    assert process.poll() is None
    with mlflow_running(tmp_path / "mlflow", port) as second:
        output, _ = process.communicate(timeout=120)
        assert process.returncode == 0, output
        assert "MLflow does not answer" in output
        assert "MLflow answers again, after" in output
        assert calls_made(stub) == {"endpoint": ROWS, "judge": ROWS}
        assert traces_of(second.url, job) == ROWS


def test_two_minutes_without_it_cost_two_minutes_and_nothing_else(
    stub: str, server: str, tmp_path: Path
) -> None:
    """What the connections meet is cut for that long, once traces are being written."""
    seen, cut = count(), list[float]()

    def cut_for_two_minutes(kind: str) -> bool:
        if not cut and kind.startswith("traces") and next(seen) >= TRIED:
            cut.append(time.monotonic())
        # so long that it is two minutes even if it is noticed late
        return not cut or time.monotonic() - cut[0] > 122

    calls_made(stub)
    with mlflow_between(server, cut_for_two_minutes) as address:
        job = prepared(tmp_path, stub, address, rows=ROWS)
        done = job.run()
        assert done.returncode == 0, done.stdout + done.stderr
        assert time.monotonic() - cut[0] > 120
        assert "MLflow answers again, after 12" in done.stderr
        assert calls_made(stub) == {"endpoint": ROWS, "judge": ROWS}
        assert traces_of(address, job) == ROWS


def test_a_server_that_is_gone_for_good_leaves_nothing_to_be_paid_for_again(
    stub: str, tmp_path: Path
) -> None:
    port = free_port()
    job, process = left_by_mlflow(stub, tmp_path, port, patience="8")  # for all to be asked
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 1, output
    [line] = [line for line in output.splitlines() if line.startswith("error: ")]
    assert f"MLflow at {job.mlflow} was lost while " in line
    assert "Connection refused" in line
    assert "every answer and verdict that was paid for is kept: start again" in line
    assert "Traceback" not in output
    assert not job.evaluation.exists()
    assert calls_made(stub) == {"endpoint": ROWS, "judge": ROWS}
    with mlflow_running(tmp_path / "mlflow", port) as second:
        done = job.run()
        assert done.returncode == 0, done.stdout + done.stderr
        assert calls_made(stub) == {"endpoint": 0, "judge": 0}
        assert traces_of(second.url, job) == ROWS


@pytest.mark.parametrize(
    ("dies_at", "doing"),
    [
        (("runs/log-batch", 0), "writing parameters, metrics and tags"),
        (("runs/log-inputs", 0), "recording the dataset"),
        (("traces", TRIED), "writing traces"),
        (("runs/log-batch", 2), "writing parameters, metrics and tags"),
        (("/api/2.0/mlflow-artifacts", 0), "uploading evaluation.yaml"),
        (("/api/2.0/mlflow-artifacts", 3), "uploading the reports"),
        (("runs/update", 0), "ending the run"),
    ],
)
def test_wherever_it_is_lost_one_line_says_so_and_a_restart_asks_nothing_again(
    stub: str, server: str, tmp_path: Path, dies_at: tuple[str, int], doing: str
) -> None:
    with mlflow_between(server, dying_at(*dies_at)) as address:
        # prompts are registered meanwhile, and might be the first to notice
        alone = {"prompts": False}
        job = prepared(tmp_path, stub, address, rows=ROWS, scorers=[BRIEF], mlflow=alone)
        done = job.run(**{OUTAGE_VARIABLE: "1"})
    assert done.returncode == 1, done.stdout + done.stderr
    [line] = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert f"MLflow at {address} was lost while {doing}: " in line
    assert "is kept: start again" in line
    assert "Traceback" not in done.stderr
    assert not job.evaluation.exists()
    answers = len(job.kept("answers"))
    calls_made(stub)
    again = job.run(f"--mlflow-tracking-uri={server}")
    assert again.returncode == 0, again.stdout + again.stderr
    assert calls_made(stub)["endpoint"] == ROWS - answers


def test_a_job_that_is_stopped_does_not_wait_for_mlflow(
    stub: str, server: str, tmp_path: Path
) -> None:
    with mlflow_between(server, dying_at("traces", TRIED)) as address:
        job = prepared(tmp_path / "job", stub, address, rows=ROWS, scorers=[BRIEF])
        process = job.start(**{OUTAGE_VARIABLE: "120"})
        until(lambda: len(job.kept("answers")) == ROWS)
        time.sleep(2)
        began = time.monotonic()
        os.kill(process.pid, signal.SIGTERM)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 143, output
    assert "error: stopped by SIGTERM" in output
    assert "Traceback" not in output
    assert time.monotonic() - began < 60


def test_the_first_error_is_the_one_that_is_told(stub: str, server: str, tmp_path: Path) -> None:
    """No judge is there, and MLflow is gone when the run is to be ended.

    An experiment of its own: runs that other tests' jobs have left in it would be ended first.
    """
    with mlflow_between(server, dying_at("runs/update", 0)) as address:
        alone = {"experiment": "first-error"}
        job = prepared(tmp_path, stub, address, rows=12, scorers=[BRIEF, "Safety"], mlflow=alone)
        done = job.run(**{OUTAGE_VARIABLE: "60", "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": NOBODY})
    assert done.returncode == 1, done.stdout + done.stderr
    [line] = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert "judge bedrock:/bench refuses every verdict" in line
    assert "goes on showing as running" in done.stderr
