"""A real MLflow server for all modules of this folder, each with experiments of its own."""

from __future__ import annotations

from collections.abc import Iterator

import mlflow
import pytest
from by_hand import mlflow_running

from processing.config.judge import silence_libraries


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its address."""
    silence_libraries()
    with mlflow_running(tmp_path_factory.mktemp("mlflow")) as running:
        yield running.url


@pytest.fixture(scope="module", autouse=True)
def no_tracking_uri_left() -> Iterator[None]:
    yield
    mlflow.set_tracking_uri("")
