"""Two evaluations that start at the same moment both end with their verdict."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest
from by_hand import calls_made, prepared, stub_running
from mlflow_between import in_lockstep, mlflow_between

pytestmark = pytest.mark.integration

ROWS = 32
PAIRS = 2


@pytest.fixture(scope="module")
def servers(server: str) -> Iterator[tuple[str, str, str]]:
    """The stub, MLflow, and MLflow as both clients reach it at once."""
    with stub_running(latency=0.02) as stub, mlflow_between(server, in_lockstep()) as address:
        yield stub, server, address


@pytest.mark.parametrize("pair", range(PAIRS))
def test_both_make_what_neither_of_them_finds(
    servers: tuple[str, str, str], tmp_path: Path, pair: int
) -> None:
    """The experiment, the dataset, MLflow's own `dataset`, the prompts."""
    stub, held_at, address = servers
    name = f"pair-{pair}"
    jobs = [
        prepared(tmp_path / one, stub, address, rows=ROWS, pipeline={"name": name})
        for one in ("a", "b")
    ]
    calls_made(stub)
    processes = [job.start(f"--mlflow-experiment={name}") for job in jobs]
    said = [process.communicate(timeout=200)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], "\n".join(said)
    assert not any("prompts are not in" in output for output in said), "\n".join(said)
    assert calls_made(stub) == {"endpoint": 2 * ROWS, "judge": 2 * ROWS}

    client = mlflow.MlflowClient(held_at)
    experiment = client.get_experiment_by_name(name)
    assert experiment is not None
    for job in jobs:
        document = json.loads(job.evaluation.read_text())
        assert document["gate"]["passed"] == 1
        assert document["mlflow"]["experiment_id"] == experiment.experiment_id
        run = client.get_run(document["mlflow"]["run_id"])
        assert run.info.status == "FINISHED"
        assert run.info.experiment_id == experiment.experiment_id
        assert len(run.inputs.dataset_inputs) == 2
        assert len(json.loads(run.data.tags["mlflow.linkedPrompts"])) == 2
        traces = client.search_traces(
            locations=[experiment.experiment_id], run_id=run.info.run_id, max_results=100
        )
        assert len(traces) == ROWS


def test_an_experiment_that_is_deleted_is_told_before_anything_is_paid_for(
    servers: tuple[str, str, str], tmp_path: Path
) -> None:
    stub, held_at, _ = servers
    client = mlflow.MlflowClient(held_at)
    client.delete_experiment(client.create_experiment("deleted"))
    job = prepared(tmp_path, stub, held_at, rows=ROWS, scorers=[{"is_brief": {"max_words": 80}}])
    calls_made(stub)
    done = job.run("--mlflow-experiment=deleted")
    assert done.returncode == 1
    assert "'deleted' is a deleted experiment; restore it" in done.stderr
    assert "Traceback" not in done.stderr
    assert calls_made(stub)["endpoint"] == 0
