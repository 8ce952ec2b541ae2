"""Values of -p that no job could use are refused before an execution is started and paid for."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from processing.base.errors import LaunchError
from processing.base.secrets import secrets_in
from processing.base.suggestion import did_you_mean
from processing.candidate.package import PACKAGE_ARN
from processing.config import patterns
from processing.config.model import EvaluationConfig
from processing.config.thresholds import override, threshold_parameters
from processing.evaluation.job import NO_PACKAGE

_PACKAGE = (
    rf"^({NO_PACKAGE}|{PACKAGE_ARN.pattern})$",
    "the ARN of a model package: arn:aws:sagemaker:REGION:ACCOUNT:model-package/GROUP/VERSION, "
    f"or {NO_PACKAGE}",
)
_DATASET = (
    r"^(s3|hf|mlflow|capture)://.+$",
    "s3://bucket/key, hf://owner/name, mlflow://dataset, or capture://endpoint",
)
_FORMS = {
    "EndpointName": (patterns.NAME, patterns.IN_WORDS[patterns.NAME]),
    "ModelPackageArn": _PACKAGE,
    "DatasetUri": _DATASET,
    "ConfigUri": (patterns.S3_URI, patterns.IN_WORDS[patterns.S3_URI]),
    "MlflowTrackingUri": (patterns.MLFLOW, patterns.IN_WORDS[patterns.MLFLOW]),
}
"""Of parameters that every pipeline has; the others AWS checks by their type and enumeration."""


def check_parameters(parameters: Mapping[str, str]) -> None:
    """Raises LaunchError, a line for each value that is of the wrong form."""
    problems = [f"-p {name}: {problem}" for (name,), problem in secrets_in(dict(parameters))] + [
        f"-p {name}={value}: must be {words}"
        for name, value in parameters.items()
        for pattern, words in [_FORMS.get(name, ("", ""))]
        if pattern and not re.search(pattern, value)
    ]
    if problems:
        raise LaunchError("\n".join(problems))


def check_bounds(parameters: Mapping[str, str], config: EvaluationConfig) -> None:
    """Raises ConfigError for a threshold that is no number, or lies off its metric's scale."""
    thresholds = threshold_parameters(config.thresholds)
    names = {threshold.name for threshold in thresholds}
    given = [f"{name}={value}" for name, value in parameters.items() if name in names]
    override(thresholds, given, config.scorers)


def check_names(parameters: Mapping[str, str], pipeline: Mapping[str, Any]) -> None:
    """`pipeline` is what DescribePipeline answers.

    Raises LaunchError, a line for each parameter that the pipeline does not have.
    """
    known = [p["Name"] for p in json.loads(pipeline["PipelineDefinition"]).get("Parameters", [])]
    problems = [
        f"-p {name}={value}: the pipeline that was upserted has no parameter {name!r}"
        f"{did_you_mean(name, known) or ';'} `pipeline_definition.py definition` prints them first"
        for name, value in parameters.items()
        if name not in known
    ]
    if problems:
        raise LaunchError("\n".join(problems))
