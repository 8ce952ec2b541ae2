"""What the SageMaker SDK must still have inside; a failing test names what has changed."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from running_aws import REPOSITORY

from pipeline.definition.build import TELEMETRY_OFF
from pipeline.definition.sdk_internals import validate_defaults_once
from pipeline_definition import get_pipeline

pytestmark = pytest.mark.integration  # the SDK takes seconds to import
NAME = "sagemaker.core.config.config_manager:SageMakerConfig.validate_sagemaker_config"


def test_the_sdk_validates_its_defaults_where_it_is_replaced() -> None:
    from sagemaker.core.config import config_manager

    found = getattr(config_manager.SageMakerConfig, "validate_sagemaker_config", None)
    assert found is not None, f"the SDK has no {NAME} any more"
    assert list(inspect.signature(found).parameters) == ["sagemaker_config"], NAME


def test_a_definition_takes_two_validations(monkeypatch: pytest.MonkeyPatch) -> None:
    """One as the session is made, one at the first look-up; not one at each of some 35."""
    from sagemaker.core.config import config_manager

    validated: list[Any] = []
    monkeypatch.setattr(config_manager.jsonschema, "validate", lambda c, _: validated.append(c))
    get_pipeline(REPOSITORY / "evaluation.yaml").definition()
    assert 1 <= len(validated) <= 2, f"the SDK looks up its defaults by another way than {NAME}"
    assert all(config == TELEMETRY_OFF for config in validated)


def test_mistaken_defaults_are_refused_each_time() -> None:
    from jsonschema import ValidationError
    from sagemaker.core.config.config_manager import SageMakerConfig

    validate_defaults_once()
    for mistaken in ({"SageMaker": 1}, {"SageMaker": 1}, {"SageMakr": {}}):
        with pytest.raises(ValidationError):
            SageMakerConfig.validate_sagemaker_config(mistaken)
    SageMakerConfig.validate_sagemaker_config(TELEMETRY_OFF)
