"""budgets.max_spend and the like: a stop that pays for nothing more, and a start that goes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from pipelines import evaluation, named, packages, read_s3, run
from running_aws import ConfigWriter, RunningAws

pytestmark = pytest.mark.integration

ENDPOINT, JUDGE = "SAGEMAKER_RUNTIME", "BEDROCK_RUNTIME"
ROWS = 40
SCORERS: dict[str, Any] = {
    "scorers": ["rougeL_fmeasure", "Safety"],
    "thresholds": {"rougeL_fmeasure": {"min": 0.35}, "Safety": {"min": 0.5}},
}


def rows_of(aws: RunningAws, name: str, document: dict[str, Any]) -> list[dict[str, Any]]:
    execution = document["execution_arn"].rpartition("/")[2]
    folder = f"s3://llm-evaluation-demo/{name}/runs/{execution}/evaluation"
    return [json.loads(line) for line in read_s3(aws, f"{folder}/rows.jsonl").splitlines()]


def calls(aws: RunningAws) -> int:
    return aws.calls(ENDPOINT) + aws.calls(JUDGE)


def test_at_the_cap_the_run_stops_and_a_larger_one_pays_only_for_the_rest(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    name = "capped"
    before = calls(aws)
    stopped = run(aws, write_config(**named(name, **SCORERS, budgets={"max_calls": 30})))
    assert stopped.returncode == 1, stopped.stdout + stopped.stderr
    assert calls(aws) - before == 30
    document = evaluation(aws, name, stopped.stdout)
    counts, gate = document["counts"], document["gate"]
    left = counts["not_asked"]
    assert 0 < left < ROWS
    assert (counts["rows"], counts["endpoint_errors"]) == (ROWS, 0)
    assert counts["answered"] == ROWS - left
    assert gate["passed"] == 0
    assert gate["reasons"][0] == gate["summary"].removeprefix("1 reason(s): ")
    for words in (
        f"stopped after {ROWS - left} of {ROWS} rows; {left} were not asked",
        "because the 30 calls of budgets.max_calls are made: 30 calls, ",
        "the whole run would take about ",
        "a start with a larger cap goes on from there and pays nothing twice",
    ):
        assert words in gate["summary"]
    # the verdict stands where verdicts stand
    assert f"{left} were not asked" in stopped.stdout
    safety = document["metrics"]["Safety"]
    assert safety["errors"] == 0
    assert safety["n"] + safety["not_asked"] == ROWS
    assert document["thresholds"]["MinSafety"]["undecided"]
    assert "UNDECIDED" in stopped.stdout
    rows = rows_of(aws, name, document)
    assert [row["asked"] for row in rows].count(False) == left
    assert all(row["error"] is None for row in rows)
    assert packages(aws, name) == []

    mlflow = MlflowClient(aws.mlflow)
    run_id = document["mlflow"]["run_id"]
    experiment = document["mlflow"]["experiment_id"]
    traces = mlflow.search_traces(locations=[experiment], run_id=run_id, max_results=500)
    assert len(traces) == ROWS - left
    recorded = mlflow.get_run(run_id)
    assert recorded.data.metrics["rows_not_asked"] == left
    assert recorded.data.metrics["details/saved.calls"] > 0
    assert f"{left} not asked" in recorded.data.tags["mlflow.note.content"]
    assert recorded.data.tags["stopped"] == document["stopped"]["words"]

    goes_on = run(aws, write_config(**named(name, **SCORERS, budgets={"max_calls": 500})))
    assert goes_on.returncode == 0, goes_on.stdout + goes_on.stderr
    assert calls(aws) - before == 2 * ROWS
    whole = evaluation(aws, name, goes_on.stdout)
    assert whole["stopped"] is None
    assert whole["counts"]["not_asked"] == 0
    assert [row["row_id"] for row in rows_of(aws, name, whole)] == [row["row_id"] for row in rows]
    assert len(packages(aws, name)) == 1


def test_a_cap_on_money_wants_prices(aws: RunningAws, write_config: ConfigWriter) -> None:
    config: Path = write_config(**named("unpriced", **SCORERS, budgets={"max_spend": 1}), prices={})
    for command in ("check", "upsert"):
        refused = aws.type(command, "--config", str(config))
        assert refused.returncode != 0
        assert "budgets.max_spend: needs a price for " in refused.stderr + refused.stdout
