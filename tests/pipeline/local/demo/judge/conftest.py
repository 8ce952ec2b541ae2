"""Metrics of the framework that a test file names in FRAMEWORK, judged by the demo."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import pytest
from judge_models import BY_SCHEMA_ID, CLAUDE_ID, NOVA_ID


@pytest.fixture(scope="module")
def metric(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Makes a metric by its name, judged by CLAUDE_ID or another model."""
    framework = importlib.import_module(f"mlflow.genai.scorers.{request.module.FRAMEWORK}")

    def make(name: str, model_id: str = CLAUDE_ID) -> Any:
        return framework.get_scorer(name, model=f"bedrock/converse:/{model_id}")

    return make


@pytest.fixture(scope="module")
def retrieved(request: pytest.FixtureRequest, retrieving: Callable[..., Any]) -> Any:
    """A trace that has retrieved the test file's CONTEXT."""
    return retrieving(*request.module.CONTEXT)


@pytest.fixture
def without_faults(judge_faults: Callable[..., None]) -> None:
    for model_id in (CLAUDE_ID, BY_SCHEMA_ID, NOVA_ID):
        judge_faults(model_id)
