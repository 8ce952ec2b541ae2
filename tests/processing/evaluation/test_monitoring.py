"""Quality monitoring: runs that follow one another, CloudWatch and drift, on real servers."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import by_hand
import pytest
from botocore.stub import Stubber
from by_hand import stub_running
from running_aws import RunningAws

from pipeline.local.aws import serve
from pipeline.local.server.metric_limits import metric_problem
from processing.base.errors import ConfigError
from processing.config.file import load_config
from processing.config.monitoring import Monitoring
from processing.evaluation.monitoring import metric_data, put_metrics
from processing.gate.metric import Metric

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


@pytest.mark.integration
def test_runs_that_follow_one_another_are_compared_and_told_to_cloudwatch(
    aws: RunningAws, tmp_path: Path, cloudwatch: str
) -> None:
    monitoring = {
        "cloudwatch": True,
        "namespace": NAMESPACE,
        "drift": {"runs": 3, "max_drop": {"is_brief": 0.1}},
    }
    with stub_running() as stub:
        job = by_hand.prepared(
            tmp_path / "job",
            stub,
            aws.mlflow,
            rows=8,
            scorers=[{"is_brief": {"max_words": 80}}],
            mlflow={"experiment": "monitored"},
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


class Account:
    """A boto3 session whose CloudWatch refuses."""

    def client(self, name: str) -> Any:
        keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "region_name": "us-east-1"}
        client = boto3.client(name, **keys)  # type: ignore[call-overload]
        stubber = Stubber(client)
        message = "User: job is not authorized to perform: cloudwatch:PutMetricData"
        stubber.add_client_error("put_metric_data", "AccessDenied", message)
        stubber.activate()
        return client


def evaluation(**changes: Any) -> Any:
    """As much of one as its metrics are made of."""
    metrics = {
        "Safety": Metric(0.9, 50, errors=1, low=0.8, high=0.96),
        "naïve ☃": Metric(math.inf, 50),
        "Lost": Metric(None, 0),
    }
    verdict = SimpleNamespace(passed=True, stopped=None)
    found = {"verdict": verdict, "answers": [1] * 51, "endpoint_errors": 0, "drift": None}
    return SimpleNamespace(**{**found, "metrics": metrics, "endpoint_name": "e", **changes})


def test_what_is_no_number_to_cloudwatch_is_not_put() -> None:
    data = list(metric_data(evaluation(), "e"))
    assert metric_problem("LLMEvaluation/p", data) is None
    named = [(one["MetricName"], *(d["Value"] for d in one["Dimensions"][1:])) for one in data]
    assert ("Value", "Safety") in named
    assert ("N", "na?ve ?") in named
    assert ("Value", "na?ve ?") not in named
    assert ("Value", "Lost") not in named
    stopped = SimpleNamespace(passed=False, stopped="certain")
    assert not [d for d in metric_data(evaluation(verdict=stopped), "e")
                if d["MetricName"] == "Value"]  # fmt: skip


def test_a_refusal_is_a_warning_and_a_try_puts_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    config = SimpleNamespace(
        monitoring=Monitoring(cloudwatch=True), pipeline=SimpleNamespace(name="p")
    )
    job: Any = SimpleNamespace(config=config, execution_arn=ARN, deployed=False)
    account: Any = Account()
    put_metrics(evaluation(), job, account)
    said = capsys.readouterr().err
    assert "did not reach CloudWatch (LLMEvaluation/p)" in said
    assert "cloudwatch:PutMetricData" in said
    job.execution_arn = ""
    put_metrics(evaluation(), job, account)
    assert capsys.readouterr().err == ""


def test_the_file_says_what_is_wrong_with_the_section(write_config: Any) -> None:
    with pytest.raises(ConfigError, match="no scorer makes the metric 'Safty'"):
        load_config(write_config(monitoring={"drift": {"max_drop": {"Safty": 0.1}}}))
    with pytest.raises(ConfigError, match="CloudWatch namespace"):
        load_config(write_config(monitoring={"namespace": ":x"}))


def test_what_passes_early_cannot_be_held_against_max_drop(write_config: Any) -> None:
    drift = {"max_drop": {"is_brief": 0.1}}
    early = {"mode": "confident", "error": 0.05, "for": "both"}
    config = write_config(
        stop_early=early,
        monitoring={"drift": drift},
        scorers=["is_brief"],
        thresholds={"is_brief": {"min": 0.5}},
    )
    with pytest.raises(ConfigError, match="is held against runs of all rows"):
        load_config(config)
