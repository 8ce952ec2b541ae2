"""Requests to a SageMaker MLflow App or tracking server are signed, by AWS's plugin for MLflow.

sagemaker-mlflow 0.5.0 makes a new boto3 session for every request, which takes 7 ms of processor
and asks the job's credentials anew. Here all threads of a job share one.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from processing.mlflow_record.settings import set_up_client

if TYPE_CHECKING:
    from boto3 import Session


def share_credentials() -> None:
    """Have this thread's requests to MLflow signed with the session that all threads share.

    For every thread that talks to MLflow: the plugin asks each of them. Nothing to do for an
    address that is no ARN.
    """
    import mlflow

    if mlflow.get_tracking_uri().startswith("arn:"):
        from sagemaker_mlflow import set_session

        set_session(_shared_session())


@contextmanager
def asking(uri: str) -> Iterator[None]:
    """Within the block `uri` is MLflow's tracking URI, and afterwards what it was before.

    For whoever asks a server outside a tracked run: AWS's plugin signs for the tracking URI of the
    process, whichever address a client was made for.
    """
    import mlflow

    with tracking_uri_restored():
        set_up_client(uri)
        mlflow.set_tracking_uri(uri)
        share_credentials()
        yield


@contextmanager
def tracking_uri_restored() -> Iterator[None]:
    """MLflow's tracking URI is after the block what it was before: a notebook may have its own."""
    import mlflow

    is_set: Any = mlflow.is_tracking_uri_set
    before = mlflow.get_tracking_uri() if is_set() else None
    try:
        yield
    finally:
        mlflow.set_tracking_uri(before)  # type: ignore[arg-type]  # None unsets it


@functools.cache
def _shared_session() -> Session:
    import boto3

    class SharedSession(boto3.Session):
        """Credentials as they are at this moment: renewed in time, and never half of each."""

        def get_credentials(self) -> Any:
            credentials = super().get_credentials()
            return credentials.get_frozen_credentials() if credentials else None

    return SharedSession()
