"""The job role may write where the MLflow App, or tracking server, says it keeps artifacts."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from boto3 import Session
from configurations import ACCOUNT
from running_aws import ConfigWriter

from pipeline.definition.bundle import Bundle, load_bundle
from pipeline.local.aws import serve
from pipeline.local.server.iam_policy import Request, allows
from pipeline.permissions.artifact_store import check_artifact_store
from pipeline.permissions.roles import create_roles, permissions_of
from processing.base.errors import LaunchError

pytestmark = pytest.mark.integration

STORE = "s3://mlflow-store/apps/one"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/mlflow"


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    server = serve(0, state_dir=tmp_path_factory.mktemp("aws"), job_environment={}, echo=str)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", server.url)
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        yield Session(region_name="us-east-1")
    server.stop()


@pytest.fixture(params=["app", "tracking server"])
def tracking_uri(request: pytest.FixtureRequest, session: Session) -> str:
    sagemaker = session.client("sagemaker")
    if request.param == "app":
        made = sagemaker.create_mlflow_app(Name="one", ArtifactStoreUri=STORE, RoleArn=ROLE)
        return str(made["Arn"])
    name = f"server-{os.urandom(4).hex()}"
    made = sagemaker.create_mlflow_tracking_server(
        TrackingServerName=name, ArtifactStoreUri=STORE, RoleArn=ROLE
    )
    return str(made["TrackingServerArn"])


def job_policy(session: Session) -> dict[str, Any]:
    given = session.client("iam").get_role_policy(
        RoleName="llm-evaluation-job", PolicyName="llm-evaluation-job"
    )["PolicyDocument"]
    document: dict[str, Any] = json.loads(given) if isinstance(given, str) else given
    return document


def may_write(policy: dict[str, Any], key: str, bucket: str = "mlflow-store") -> bool:
    return allows([policy], Request("s3:PutObject", f"arn:aws:s3:::{bucket}/{key}"))


def bundle_of(write_config: ConfigWriter, tracking_uri: str, **changes: Any) -> Bundle:
    return load_bundle(write_config(mlflow={"tracking_uri": tracking_uri, **changes}))


def test_create_finds_the_place_and_grants_it(
    session: Session, tracking_uri: str, write_config: ConfigWriter
) -> None:
    lines = create_roles(session, bundle_of(write_config, tracking_uri))
    assert f"MLflow keeps artifacts in {STORE}" in lines
    policy = job_policy(session)
    assert may_write(policy, "apps/one/3/run/artifacts/evaluation.json")
    assert not may_write(policy, "apps/two/3/run/artifacts/evaluation.json")


def test_an_unknown_app_is_said_and_the_roles_are_made_all_the_same(
    session: Session, write_config: ConfigWriter
) -> None:
    nowhere = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:mlflow-app/app-NOWHERE"
    bundle = bundle_of(write_config, nowhere)
    *made, note = create_roles(session, bundle)
    assert all("role arn:aws:iam::" in line for line in made)
    assert "gets no right to MLflow's artifacts" in note
    assert "mlflow.artifact_location" in note
    with pytest.raises(LaunchError, match=r"cannot be known .* mlflow\.artifact_location"):
        check_artifact_store(session, bundle)


def test_the_file_counts_and_check_says_if_it_is_wrong(
    session: Session, tracking_uri: str, write_config: ConfigWriter
) -> None:
    own = bundle_of(write_config, tracking_uri, artifact_location="s3://mlflow-store/apps")
    create_roles(session, own)
    assert may_write(job_policy(session), "apps/two/x")
    assert check_artifact_store(session, own) == STORE
    wrong = bundle_of(write_config, tracking_uri, artifact_location="s3://elsewhere")
    with pytest.raises(LaunchError, match="leave that key out"):
        check_artifact_store(session, wrong)


def test_a_store_above_the_evaluations_own_prefix_is_warned_about(
    session: Session, write_config: ConfigWriter
) -> None:
    shared = session.client("sagemaker").create_mlflow_app(
        Name="two", ArtifactStoreUri="s3://llm-evaluation-demo", RoleArn=ROLE
    )
    lines = create_roles(session, bundle_of(write_config, shared["Arn"]))
    assert "the job role may write all of it" in lines[-1]


def test_only_who_creates_the_roles_or_checks_may_ask(
    tracking_uri: str, write_config: ConfigWriter
) -> None:
    kind = "App" if ":mlflow-app/" in tracking_uri else "TrackingServer"
    request = Request(f"sagemaker:DescribeMlflow{kind}", tracking_uri)
    everyone = permissions_of(bundle_of(write_config, tracking_uri))
    asking = {p.who for p in everyone if allows([p.policy], request)}
    assert asking == {"caller", "administrator", "pipeline"}


def test_check_without_aws_says_what_it_cannot_know(
    tracking_uri: str, write_config: ConfigWriter, capsys: pytest.CaptureFixture[str]
) -> None:
    from pipeline.cli.main import main

    config: Path = write_config(
        mlflow={"tracking_uri": tracking_uri},
        scorers=["rougeL_fmeasure"],
        thresholds={"rougeL_fmeasure": {"min": 0.3}},
    )
    main(["check", "--config", str(config)])
    assert "where MLflow keeps artifacts, and whether" in capsys.readouterr().out
