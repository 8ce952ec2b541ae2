"""An endpoint that answers as no container should: the evaluation's counts are the server's."""

from __future__ import annotations

import json
from collections import Counter

import httpx
import pytest
from pipelines import evaluation, execution_id, log_lines, named, read_s3, run
from running_aws import ConfigWriter, RunningAws

from pipeline.local.demo.endpoint.wild import HABITS, THOUGHT

pytestmark = pytest.mark.integration


def test_every_row_counts_as_what_the_server_gave_it(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    aws.add_endpoint("wild", wild=0.9, faults={"seed": 3, "latency_ms": 1, "jitter_ms": 0})
    config = write_config(
        **named(
            "wild",
            dataset={"sample_size": 0},
            endpoint={"name": "wild", "retry_seconds": 5},
            scorers=[{"is_brief": {"max_words": 500}}, "rougeL_fmeasure"],
            thresholds={"is_brief": {"min": 0.9}},
            budgets={"max_endpoint_error_share": 0.9},
        )
    )
    ended = run(aws, config)
    document = evaluation(aws, "wild", ended.stdout)
    told = Counter(counts_of(aws, "wild"))
    counts = document["counts"]
    good = sum(n for name, n in told.items() if name == "answered" or answers(name))
    assert counts["answered"] == good > 0
    assert counts["endpoint_errors"] == counts["rows"] - good > 0
    assert counts["cut_answers"] == sum(n for name, n in told.items() if cut(name)) > 0
    [spent] = [entry for entry in document["spend"] if entry["service"] == "endpoint"]
    assert spent["calls"] == told.total()
    assert document["metrics"]["is_brief"]["n"] == good
    assert document["metrics"]["is_brief"]["value"] == 1.0

    folder = f"s3://llm-evaluation-demo/wild/runs/{execution_id(ended.stdout)}/evaluation"
    rows = [json.loads(line) for line in read_s3(aws, f"{folder}/rows.jsonl").splitlines()]
    assert [row for row in rows if THOUGHT in (row["answer"] or "")] == []
    assert [row for row in rows if THOUGHT in (row["reasoning"] or "")]
    assert all(row["error"] for row in rows if row["answer"] is None)
    assert not [line for line in log_lines(aws.client("logs")) if "Traceback" in line]
    assert "cut at the token limit: " in ended.stdout


def answers(outcome: str) -> bool:
    return outcome in HABITS and HABITS[outcome].answers


def cut(outcome: str) -> bool:
    return outcome in HABITS and HABITS[outcome].cut


def counts_of(aws: RunningAws, name: str) -> dict[str, int]:
    address = aws.environment["AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME"]
    told: dict[str, int] = httpx.get(f"{address}/_demo/calls").json()["by_name"][name]
    return told
