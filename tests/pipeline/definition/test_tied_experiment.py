"""An execution is tied to the MLflow experiment that its runs are logged to, wherever that is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from boto3 import Session
from running_aws import REPOSITORY, ConfigWriter

from pipeline.cli.main import main
from pipeline.definition.build import get_pipeline
from pipeline.definition.bundle import load_bundle
from pipeline.local.aws import serve
from pipeline.local.jobs.container import Container, JobFault, LineWriter, RunningContainer
from pipeline.permissions.roles import create_roles

pytestmark = pytest.mark.integration

HERE = "arn:aws:sagemaker:us-east-1:123456789012"


def no_machine(_container: Container, _write_line: LineWriter) -> RunningContainer:
    raise JobFault("AlgorithmError: no job runs here")


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    server = serve(
        0,
        state_dir=tmp_path_factory.mktemp("aws"),
        job_environment={},
        job_runner=no_machine,
        echo=str,
    )
    with pytest.MonkeyPatch.context() as patch:
        for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
            patch.setenv(f"AWS_{name}", "testing")
        patch.setenv("AWS_ENDPOINT_URL", server.url)
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        session = Session()
        session.client("s3").create_bucket(Bucket="llm-evaluation-demo")
        create_roles(session, load_bundle(REPOSITORY / "evaluation.yaml"))
        yield session
    server.stop()


def tied(session: Session, pipeline: str) -> list[dict[str, Any] | None]:
    """The MLflowConfig of each execution, oldest first."""
    sagemaker = session.client("sagemaker")
    listed = sagemaker.list_pipeline_executions(PipelineName=pipeline, SortOrder="Ascending")
    arns = [one["PipelineExecutionArn"] for one in listed["PipelineExecutionSummaries"]]
    return [
        sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn).get("MLflowConfig")
        for arn in arns
    ]


@pytest.mark.parametrize("resource", ["mlflow-app/app-ABC", "mlflow-tracking-server/ours"])
def test_start_moves_the_experiment_of_the_execution_with_that_of_the_runs(
    resource: str, session: Session, write_config: ConfigWriter
) -> None:
    name, arn = resource.partition("/")[0], f"{HERE}:{resource}"
    mlflow = {"tracking_uri": arn, "experiment": "usual"}
    config = write_config(pipeline={"name": name}, mlflow=mlflow)
    pipeline = get_pipeline(config)
    pipeline.upsert()
    assert main(["start", "--config", str(config)]) == 0
    assert main(["start", "--config", str(config), "-p", "MlflowExperiment=typed"]) == 0
    pipeline.start({"MlflowExperiment": "by the SDK"})
    assert tied(session, name) == [
        {"MlflowResourceArn": arn, "MlflowExperimentName": experiment}
        for experiment in ("usual", "typed", "by the SDK")
    ]


def test_an_address_is_tied_to_nothing(session: Session, write_config: ConfigWriter) -> None:
    config = write_config(pipeline={"name": "address"})
    get_pipeline(config).upsert()
    assert main(["start", "--config", str(config), "-p", "MlflowExperiment=typed"]) == 0
    assert tied(session, "address") == [None]
