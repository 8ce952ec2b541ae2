"""The local AWS's MLflow for all modules of this folder, each with experiments of its own."""

from __future__ import annotations

from collections.abc import Iterator

import mlflow
import pytest
from running_aws import RunningAws


@pytest.fixture(scope="session")
def server(aws: RunningAws) -> str:
    """Its address."""
    return aws.mlflow


@pytest.fixture(scope="module", autouse=True)
def no_tracking_uri_left() -> Iterator[None]:
    yield
    mlflow.set_tracking_uri("")
