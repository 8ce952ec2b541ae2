"""A whole pipeline whose MLflow is an ARN: AWS's plugin, signed requests, artifacts in S3."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest
from end_to_end.pipelines import (
    WITHOUT_JUDGE,
    evaluation,
    execution_id,
    named,
    packages,
    read_s3,
    run,
)
from running_aws import REPOSITORY, ConfigWriter, RunningAws, local_aws_running
from signed_mlflow import APP, SignedMlflow, signed_mlflow

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def app() -> Iterator[SignedMlflow]:
    with signed_mlflow(APP) as served:
        yield served


@pytest.fixture(scope="module")
def aws_with_app(
    app: SignedMlflow, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningAws]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT", app.url)
        with local_aws_running(tmp_path_factory.mktemp("aws-with-app")) as running:
            app.target = running.mlflow
            yield running


def test_an_apps_arn_is_where_the_evaluation_is_recorded(
    app: SignedMlflow, aws_with_app: RunningAws, write_config: ConfigWriter
) -> None:
    aws, name = aws_with_app, "mlflow-app"
    held = mlflow.MlflowClient(aws.mlflow)
    held.create_experiment(name, "s3://llm-evaluation-demo/app-artifacts")
    scorers = ["rougeL_fmeasure", "Safety"]
    thresholds = {"rougeL_fmeasure": {"min": 0.3}, "Safety": {"min": 0.9}}
    config = write_config(**named(name, scorers=scorers, thresholds=thresholds))
    done = run(aws, config, "EndpointName=health-qa-good", f"MlflowTrackingUri={APP}")
    assert done.returncode == 0, done.stdout + done.stderr

    assert app.refused == []
    called = {path.partition("/api/")[2] or path for path in app.passed}
    assert {"POST /v1/traces", "3.0/mlflow/traces", "2.0/mlflow/runs/log-batch"} <= called, called
    document = evaluation(aws, name, done.stdout)
    assert document["mlflow"]["tracking_uri"] == APP
    assert document["mlflow"]["url"] is None
    recorded = held.get_run(document["mlflow"]["run_id"])
    assert recorded.info.status == "FINISHED"
    assert recorded.data.metrics["details/Safety.n"] == 40
    traces = held.search_traces(
        locations=[recorded.info.experiment_id], run_id=recorded.info.run_id, max_results=100
    )
    assert len(traces) == 40
    for trace in traces:
        names = {span.name for span in trace.data.spans}
        assert names == {"answer", "InvokeEndpoint", "Safety", "judge call"}
    linked = json.loads(recorded.data.tags["mlflow.linkedPrompts"])
    assert {"name": "mlflow-app.endpoint", "version": "1"} in linked
    execution = execution_id(done.stdout)
    assert recorded.info.run_name == f"✓ health-qa-good on questions.jsonl ({execution})"
    assert recorded.data.params["dataset.rows"] == "40"
    assert recorded.data.params["threshold.MinSafety"] == "0.9"
    described = recorded.data.tags["mlflow.note.content"]
    assert described.startswith("**Passed**: health-qa-good-model behind health-qa-good, 40 rows")
    assert "✓ Safety 1, min 0.9 (n=40)" in described
    dataset = recorded.inputs.dataset_inputs[0].dataset
    assert dataset.name == "questions.jsonl"
    assert json.loads(dataset.source)["uri"].endswith(f"/{name}/runs/{execution}/dataset")
    assert recorded.data.tags["dataset_sha256"].startswith(dataset.digest)
    artifact = f"{recorded.info.artifact_uri}/evaluation/evaluation.json"
    assert json.loads(read_s3(aws, artifact))["gate"]["passed"] == 1
    [package] = packages(aws, name)
    assert package["CustomerMetadataProperties"]["mlflow_run_id"] == recorded.info.run_id
    shown = aws.type("status", execution_id(done.stdout), "--config", str(config))
    assert shown.returncode == 0, shown.stdout + shown.stderr


def test_try_records_in_the_app_and_compare_reads_and_writes_there(
    app: SignedMlflow, aws_with_app: RunningAws, write_config: ConfigWriter, tmp_path: Path
) -> None:
    """AWS's plugin signs for the tracking URI of the process, and neither has one of its own."""
    aws, name = aws_with_app, "tried-app"
    held = mlflow.MlflowClient(aws.mlflow)
    held.create_experiment(name, "s3://llm-evaluation-demo/tried-artifacts")
    tracking = {"tracking_uri": APP, "experiment": name}
    config = write_config(**named(name, mlflow=tracking, **WITHOUT_JUDGE))
    user = {**aws.as_user(), "cwd": tmp_path}
    user["env"] = {**user["env"], "PYTHONPATH": str(REPOSITORY)}

    def types(*arguments: str) -> str:
        command = [sys.executable, str(REPOSITORY / "pipeline_definition.py"), *arguments]
        done = subprocess.run([*command, "--config", str(config)], **user, timeout=240, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return str(done.stdout)

    told = [types("try", "--rows", "3") for _ in range(2)]
    assert "does not answer" not in "".join(told)
    runs = held.search_runs([held.get_experiment_by_name(name).experiment_id])
    assert [run.info.status for run in runs] == ["FINISHED"] * 2
    compared = types("compare", "--mlflow", *(run.info.run_id for run in runs))
    assert f"MLflow:     {APP} run " in compared
    assert app.refused == []
