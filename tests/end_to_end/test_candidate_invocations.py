"""A candidate is deployed for the way in which it is asked: from a queue, or as a stream."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pipelines import WITHOUT_JUDGE, evaluation, named, packages, run
from running_aws import ConfigWriter, RunningAws
from test_candidate_mode import ROLES, hosted, register_candidate, wait_for

pytestmark = pytest.mark.integration


def a_candidate(
    aws: RunningAws,
    write_config: ConfigWriter,
    name: str,
    endpoint: dict[str, Any],
    **environment: str,
) -> dict[str, Any]:
    """evaluation.json of a candidate that is deployed, evaluated, registered and deleted."""
    candidate = {"instance_type": "ml.g5.2xlarge"}
    config = named(name, candidate=candidate, endpoint=endpoint, **WITHOUT_JUDGE)
    config["infrastructure"] |= ROLES
    package = register_candidate(aws, name, **environment)
    done = run(aws, write_config(**config), f"ModelPackageArn={package}")
    assert done.returncode == 0, done.stdout + done.stderr
    wait_for(lambda: not hosted(aws, name), 5)
    assert len(packages(aws, name)) == 1
    return evaluation(aws, name, done.stdout)


def test_a_candidate_is_asked_by_way_of_s3_and_leaves_nothing_there(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    document = a_candidate(
        aws,
        write_config,
        "queued",
        {"asynchronous": True},
        DEMO_ASYNCHRONOUS=json.dumps({"twice": 1.0, "late_ms": 50, "throttled": 0.2}),
    )
    metric = document["metrics"]["latency_p95_ms"]
    assert metric["n"] > 30
    assert "asynchronous, the wait in its queue included" in str(document)
    s3 = aws.client("s3")
    assert s3.list_objects_v2(Bucket="llm-evaluation-demo", Prefix="queued/async")["KeyCount"] == 0


def test_a_candidate_that_streams_is_measured_as_a_stream(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    metrics = a_candidate(aws, write_config, "streamed", {"stream": True})["metrics"]
    assert metrics["ttft_p95_ms"]["n"] == metrics["latency_p95_ms"]["n"] > 30
    assert metrics["ttft_p95_ms"]["value"] < metrics["latency_p95_ms"]["value"]
    assert metrics["tokens_per_second_mean"]["value"] > 1
