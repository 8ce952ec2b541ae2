"""A real MLflow server for each module."""

from __future__ import annotations

from collections.abc import Iterator

import mlflow
import pytest
from by_hand import mlflow_running

from processing.config.judge import silence_libraries


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its address."""
    silence_libraries()
    with mlflow_running(tmp_path_factory.mktemp("mlflow")) as running:
        yield running.url
    mlflow.set_tracking_uri("")
