"""Where an MLflow App or tracking server of SageMaker keeps artifacts.

MLflow's client writes them to S3 itself, so the job role needs rights there, and only the App or
server says where that is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.definition.bundle import Bundle
from pipeline.permissions.statements import Statement, allow
from processing.base.aws_errors import explain
from processing.base.errors import LaunchError
from processing.base.s3 import bucket_and_key

if TYPE_CHECKING:
    from boto3 import Session

APP, SERVER = ":mlflow-app/", ":mlflow-tracking-server/"


def describe_statements(sid: str, tracking_uri: str) -> list[Statement]:
    """For who asks where the artifacts are."""
    for kind, action in ((APP, "DescribeMlflowApp"), (SERVER, "DescribeMlflowTrackingServer")):
        if kind in tracking_uri:
            return [allow(sid, [f"sagemaker:{action}"], [tracking_uri])]
    return []


def artifact_store(session: Session, tracking_uri: str) -> str:
    """`s3://...` of an App or tracking server given by its ARN.

    Raises LaunchError if that cannot be known.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    region = tracking_uri.split(":")[3]
    client = session.client("sagemaker", region_name=region)
    try:
        if APP in tracking_uri:
            found = client.describe_mlflow_app(Arn=tracking_uri)
        else:
            name = tracking_uri.rpartition("/")[2]
            found = client.describe_mlflow_tracking_server(TrackingServerName=name)
    except (BotoCoreError, ClientError) as error:
        raise LaunchError(_unknown(tracking_uri, explain(error, "caller") or str(error))) from error
    if not found.get("ArtifactStoreUri"):
        raise LaunchError(_unknown(tracking_uri, "SageMaker names no ArtifactStoreUri"))
    return str(found["ArtifactStoreUri"])


def with_artifact_store(session: Session, bundle: Bundle) -> tuple[Bundle, list[str]]:
    """The bundle with `mlflow.artifact_location` as the App has it, and lines that say so.

    What the file says counts, and nobody is asked. If it cannot be known, a line says that.
    """
    mlflow = bundle.config.mlflow
    if not mlflow.is_managed:
        return bundle, []
    if mlflow.artifact_location is not None:
        return bundle, _warnings(bundle)
    try:
        uri = artifact_store(session, mlflow.tracking_uri)
    except LaunchError as error:
        return bundle, [f"note: the job role gets no right to MLflow's artifacts: {error}"]
    located = mlflow.model_copy(update={"artifact_location": uri})
    found = replace(bundle, config=bundle.config.model_copy(update={"mlflow": located}))
    return found, [f"MLflow keeps artifacts in {uri}", *_warnings(found)]


def check_artifact_store(session: Session, bundle: Bundle) -> str:
    """Where the artifacts are. Raises LaunchError if the file says otherwise, or nobody does."""
    mlflow = bundle.config.mlflow
    if mlflow.artifact_location is None:
        return artifact_store(session, mlflow.tracking_uri)
    try:
        uri = artifact_store(session, mlflow.tracking_uri)
    except LaunchError:
        return f"{mlflow.artifact_location}, as the file says; it could not be looked up"
    if not f"{uri.rstrip('/')}/".startswith(f"{mlflow.artifact_location.rstrip('/')}/"):
        raise LaunchError(
            f"it keeps artifacts in {uri}, and mlflow.artifact_location is "
            f"{mlflow.artifact_location}: leave that key out, and `permissions create` finds it"
        )
    return uri


def _unknown(tracking_uri: str, why: str) -> str:
    return (
        f"where {tracking_uri} keeps artifacts cannot be known ({why}): write its ArtifactStoreUri "
        "into mlflow.artifact_location"
    )


def _warnings(bundle: Bundle) -> list[str]:
    infrastructure, location = bundle.config.infrastructure, bundle.config.mlflow.artifact_location
    bucket, key = bucket_and_key(str(location))
    above = f"{infrastructure.prefix}/".startswith(f"{key.rstrip('/')}/" if key else "")
    if bucket != infrastructure.bucket or not above:
        return []
    return [
        f"note: {location} holds the evaluation's own prefix {infrastructure.prefix} as well, so "
        "the job role may write all of it: give MLflow, or the evaluation, a bucket of its own"
    ]


def tied_statements(tracking_uri: str) -> list[Statement]:
    """What the pipeline role needs for an execution that is tied to an App or tracking server.

    The App has one action for all of MLflow; of a tracking server's these look up the experiment,
    or make it. Which calls Pipelines makes in the role's name is not documented.
    """
    statements = describe_statements("TiedMlflow", tracking_uri)
    if APP in tracking_uri:
        statements.append(allow("TiedExperiment", ["sagemaker:CallMlflowAppApi"], [tracking_uri]))
    elif SERVER in tracking_uri:
        names = ("CreateExperiment", "GetExperiment", "GetExperimentByName")
        actions = [f"sagemaker-mlflow:{name}" for name in names]
        statements.append(allow("TiedExperiment", actions, [tracking_uri]))
    return statements
