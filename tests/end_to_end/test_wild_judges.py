"""A wild endpoint and a wild judge, for each framework: what is counted is what the servers saw."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest
from pipelines import named
from running_aws import ConfigWriter, RunningAws

from pipeline.local.demo.endpoint.wild import HABITS

pytestmark = pytest.mark.integration

KIND = {"kind": "Guidelines", "guidelines": ["The tone is kind."]}
COHERENCE = {"template": "Is this coherent? {{ outputs }}", "levels": {"good": 1, "bad": 0}}
SCORERS: dict[str, list[Any]] = {
    "mlflow": ["Safety", "Correctness", {"kind_tone": KIND}],
    "template": [{"coherence": COHERENCE}],
    "deepeval": ["Bias", "AnswerRelevancy", "Faithfulness"],
    "ragas": [{"FactualCorrectness": {"kind": "RAGAS"}}, {"ContextPrecision": {"kind": "RAGAS"}}],
}


@pytest.mark.parametrize("framework", SCORERS)
def test_each_row_and_call_is_counted_and_no_verdict_leaves_its_scale(
    aws: RunningAws, write_config: ConfigWriter, tmp_path: Path, framework: str
) -> None:
    name = f"wild-{framework}"
    aws.add_endpoint(name, wild=0.5, faults={"seed": 5, "latency_ms": 1, "jitter_ms": 0})
    wild = {"malformed": 0.5, "malformed_as": "wild", "throttle": 0.1, "seed": 5}
    aws.set_judge(name, faults={**wild, "latency_ms": 1, "jitter_ms": 0})
    scorers = SCORERS[framework]
    names = [entry if isinstance(entry, str) else next(iter(entry)) for entry in scorers]
    config = write_config(
        **named(
            name,
            endpoint={"name": name, "retry_seconds": 5},
            judge={"model": f"bedrock:/{name}"},
            scorers=scorers,
            thresholds={names[0]: {"min": 0.5}},
            mlflow={"tracking_uri": aws.mlflow, "experiment": name},
        )
    )
    document = tried(aws, config, tmp_path)

    told = Counter(calls(aws, "SAGEMAKER_RUNTIME", name))
    good = sum(n for outcome, n in told.items() if is_answer(outcome))
    assert document["counts"]["answered"] == good > 5
    spent = {entry["service"]: entry["calls"] for entry in document["spend"]}
    assert spent["endpoint"] == told.total()
    assert spent[name] == sum(calls(aws, "BEDROCK_RUNTIME", name).values()) > good
    for scorer in names:
        metric = document["metrics"][scorer]
        assert metric["n"] + metric["errors"] + metric["not_applicable"] == good, scorer
        assert metric["value"] is None or 0 <= metric["value"] <= 1
        assert (metric["errors"] > 0) == (metric["frequent_error"] is not None)
    assert document["gate"]["passed"] == 0


def tried(aws: RunningAws, config: Path, folder: Path) -> dict[str, Any]:
    """The evaluation.json of `try` on 20 rows."""
    done = aws.type("try", "--config", str(config), "--rows", "20", folder=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    [file] = (folder / ".runs").glob("2*/evaluation.json")
    document: dict[str, Any] = json.loads(file.read_text())
    return document


def is_answer(outcome: str) -> bool:
    return outcome == "answered" or (outcome in HABITS and HABITS[outcome].answers)


def calls(aws: RunningAws, service: str, name: str) -> dict[str, int]:
    """How a server's calls to one endpoint or model ended: outcome -> number."""
    address = aws.environment[f"AWS_ENDPOINT_URL_{service}"]
    told: dict[str, int] = httpx.get(f"{address}/_demo/calls").json()["by_name"][name]
    return told
