"""Which runs in MLflow count as earlier ones, on a real server."""

from __future__ import annotations

from typing import Any

import mlflow
import pytest

from processing.mlflow_record.earlier_runs import STOPPED_TAG, definitions_tag, earlier_runs
from processing.mlflow_record.metric_names import detail
from processing.mlflow_record.run import TrackedRun

pytestmark = pytest.mark.integration

DEFINITIONS = {"Safety": "a" * 64, "is_brief": "b" * 64}
PARAMS = {"dataset.source": "capture://e?hours=24", "endpoint.name": "e"}


def recorded(value: float, **changes: Any) -> str:
    """A finished run's id."""
    definitions = DEFINITIONS | changes.pop("definitions", {})
    tags = {"pipeline": "p", "verdict": "passed", **definitions_tag(definitions)}
    with mlflow.start_run() as run:
        mlflow.log_params(PARAMS | changes.pop("params", {}))
        mlflow.set_tags({k: v for k, v in (tags | changes.pop("tags", {})).items() if v})
        for name in DEFINITIONS:
            numbers = {"n": 50, "low": value - 0.1, "high": value + 0.1}
            mlflow.log_metrics({detail(name, key): number for key, number in numbers.items()})
            mlflow.log_metrics({f"{name}/mean": value})
        # as it was called before details had a section
        mlflow.log_metrics({"latency_p95_ms": 1000 * value, "latency_p95_ms/n": 50})
    return str(run.info.run_id)


def test_runs_by_the_same_rules_on_the_same_source_are_compared(server: str) -> None:
    mlflow.set_tracking_uri(server)
    experiment = mlflow.set_experiment("earlier-runs").experiment_id
    kept = [recorded(0.9), recorded(0.8), recorded(0.7)]
    recorded(0.1, tags={"verdict": ""})
    recorded(0.1, tags={STOPPED_TAG: "certain"})
    recorded(0.1, tags={"pipeline": "another"})
    recorded(0.1, params={"dataset.source": "another"})
    recorded(0.1, params={"varied.judge.model": "another"})
    recorded(0.1, definitions={"Safety": "c" * 64, "is_brief": "c" * 64})
    half = recorded(0.6, definitions={"Safety": "c" * 64})  # another judge for one of them
    own = recorded(0.5)
    tracked = TrackedRun(own, experiment, server)
    found, run_ids = earlier_runs(tracked, "p", DEFINITIONS, ["latency_p95_ms"], most=3)
    assert run_ids == [half, kept[2], kept[1]]
    assert [one.value for one in found["is_brief"]] == [0.6, 0.7, 0.8]
    assert [one.value for one in found["Safety"]] == [0.7, 0.8]
    assert [one.n for one in found["Safety"]] == [50, 50]
    assert found["latency_p95_ms"][0].variance is None
