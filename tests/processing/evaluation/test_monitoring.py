"""Quality monitoring: runs that follow one another, CloudWatch and drift, on real servers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import by_hand
import pytest
import yaml
from by_hand import mlflow_running, stub_running

from pipeline.local.aws import serve
from processing.base.errors import ConfigError
from processing.config.file import load_config

ARN = "arn:aws:sagemaker:us-east-1:123456789012:pipeline/p/execution/e"
NAMESPACE = "Quality/bench"


@pytest.fixture(scope="module")
def cloudwatch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    aws = serve(0, state_dir=tmp_path_factory.mktemp("aws"), job_environment={})
    yield aws.url
    aws.stop()


def put(address: str) -> dict[str, list[float]]:
    """`Value is_brief` -> its values."""
    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "region_name": "us-east-1"}
    client = boto3.client("cloudwatch", endpoint_url=address, **keys)  # type: ignore[call-overload]
    listed = client.list_metrics(Namespace=NAMESPACE)["Metrics"]
    found: dict[str, list[float]] = {}
    for metric in listed:
        dimensions = {one["Name"]: one["Value"] for one in metric["Dimensions"]}
        assert dimensions.pop("Endpoint") == "bench"
        found.setdefault(" ".join([metric["MetricName"], *dimensions.values()]), [])
    return found


def changed(job: by_hand.ByHand, **scorer: Any) -> None:
    file = job.folder / "evaluation.yaml"
    document = yaml.safe_load(file.read_text())
    document["scorers"] = [{"is_brief": scorer}]
    file.write_text(yaml.safe_dump(document))


@pytest.mark.integration
def test_runs_that_follow_one_another_are_compared_and_told_to_cloudwatch(
    tmp_path: Path, cloudwatch: str
) -> None:
    monitoring = {
        "cloudwatch": True,
        "namespace": NAMESPACE,
        "drift": {"runs": 3, "max_drop": {"is_brief": 0.1}},
    }
    with stub_running() as stub, mlflow_running(tmp_path / "mlflow") as server:
        job = by_hand.prepared(
            tmp_path / "job",
            stub,
            server.url,
            rows=8,
            scorers=[{"is_brief": {"max_words": 80}}],
            monitoring=monitoring,
        )
        told = {"AWS_ENDPOINT_URL_CLOUDWATCH": cloudwatch}
        for _ in range(3):
            done = job.run("--execution-arn", ARN, **told)
            assert done.returncode == 0, done.stderr
        assert "metrics of the verdict are in CloudWatch, namespace Quality/bench" in done.stdout
        document = json.loads(job.evaluation.read_text())
        change = document["drift"]["metrics"]["is_brief"]
        assert (change["runs"], change["earlier_n"], change["change"]) == (2, 16, 0)
        assert change["low"] < 0 < change["high"]
        assert "Against the last 2 runs" in (job.folder / "output" / "report.html").read_text()
        found = put(cloudwatch)
        assert {"GatePassed", "Value is_brief", "N is_brief", "Change is_brief"} <= found.keys()

        refused = job.run("--execution-arn", ARN, AWS_ENDPOINT_URL_CLOUDWATCH=stub)
        assert refused.returncode == 0
        assert "the verdict's metrics did not reach CloudWatch" in refused.stderr
        assert json.loads(job.evaluation.read_text())["gate"]["passed"] == 1

        changed(job, max_words=1)  # another scorer: it has no earlier runs
        other = job.run(**told)
        change = json.loads(job.evaluation.read_text())["drift"]["metrics"]["is_brief"]
        assert (change["runs"], change["change"]) == (0, None)
        assert "CloudWatch" not in other.stdout  # it was no pipeline's run


def test_the_file_says_what_is_wrong_with_the_section(write_config: Any) -> None:
    with pytest.raises(ConfigError, match="no scorer makes the metric 'Safty'"):
        load_config(write_config(monitoring={"drift": {"max_drop": {"Safty": 0.1}}}))
    with pytest.raises(ConfigError, match="CloudWatch namespace"):
        load_config(write_config(monitoring={"namespace": ":x"}))
