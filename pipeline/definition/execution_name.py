"""What an execution is called in Studio's list, and what its description says was evaluated.

Only the caller who starts an execution can name it: StartPipelineExecution takes a name and a
description, a target of EventBridge takes parameters alone. What a rule starts, SageMaker names.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from pipeline.definition.bundle import Bundle
from pipeline.definition.descriptions import described
from processing.config.variation import Variation, shown
from processing.evaluation.job import NO_PACKAGE

MAX_DISPLAY_NAME = 82
SUBJECT = ("EndpointName", "InferenceComponent", "ModelPackageArn", "DatasetUri", "SampleSize")


@dataclass(frozen=True)
class ExecutionName:
    """PipelineExecutionDisplayName and PipelineExecutionDescription.

    `up_to_date` is whether the pipeline is the one that the configuration file describes.
    """

    display_name: str
    description: str
    up_to_date: bool


def name_execution(
    pipeline: Mapping[str, Any],
    bundle: Bundle,
    given: Mapping[str, Any],
    now: dt.datetime | None = None,
    *,
    variation: Variation = MappingProxyType({}),
    variant: str = "",
) -> ExecutionName:
    """By DescribePipeline's answer, whose defaults count where `given` has no value.

    The file on this machine may have been changed since, so it is not asked about parameters, and
    about the judge only if it is the file that was upserted.
    """
    text = str(pipeline["PipelineDefinition"])
    defaults = {p["Name"]: p.get("DefaultValue") for p in json.loads(text).get("Parameters", [])}
    values = {name: str(value) for name, value in {**defaults, **given}.items()}
    up_to_date = bundle.config_uri in text
    judge = bundle.config.judge
    asked = f", judge {judge.model}" if up_to_date and judge else ""
    changed = [
        f"{name} {value} (default {defaults.get(name)})"
        for name, value in given.items()
        if name not in SUBJECT and not _same(value, defaults.get(name))
    ]
    changed += [f"{key} {value}" for key, value in shown(variation).items()]
    ending = f" Changed from the defaults: {', '.join(changed)}." if changed else ""
    evaluates = f"Variant {variant}: evaluates" if variant else "Evaluates"
    description = f"{evaluates} {_subject(values)} on {_rows(values)}{asked}.{ending}"
    named = _display_name(values, now or dt.datetime.now(dt.UTC), variant)
    return ExecutionName(named, described(description), up_to_date)


def _subject(values: Mapping[str, str]) -> str:
    if _is_candidate(values):
        return f"the candidate {values['ModelPackageArn']}"
    if "EndpointName" not in values:
        return "the answers as given"
    component = values.get("InferenceComponent")
    part = f", inference component {component}," if component else ""
    return f"the endpoint {values.get('EndpointName')}{part}"


def _rows(values: Mapping[str, str]) -> str:
    size = values.get("SampleSize", "0")
    return f"{'all' if size == '0' else size} rows of {values.get('DatasetUri')}"


def _is_candidate(values: Mapping[str, str]) -> bool:
    return values.get("ModelPackageArn", NO_PACKAGE) not in ("", NO_PACKAGE)


def _display_name(values: Mapping[str, str], now: dt.datetime, variant: str) -> str:
    """`my-endpoint-2026-11-23-1915` or `candidates-v3-2026-11-23-1915`, in UTC; first the variant.

    Letters, digits and hyphens between them, at most 82 characters.
    """
    if _is_candidate(values):
        package = values["ModelPackageArn"].rpartition("model-package/")[2]
        subject = re.sub(r"/(\d+)$", r"-v\1", package)
    else:
        subject = values.get("InferenceComponent") or values.get("EndpointName") or "given answers"
    time = f"{now:%Y-%m-%d-%H%M}"
    letters = re.sub(r"[^A-Za-z0-9]+", "-", f"{variant} {subject}".strip())[
        : MAX_DISPLAY_NAME - len(time) - 1
    ]
    return "-".join(part for part in (letters.strip("-"), time) if part)


def _same(given: Any, default: Any) -> bool:
    """As SageMaker reads them: "0.70" is the number 0.7."""
    try:
        return float(given) == float(default)
    except (TypeError, ValueError):
        return str(given) == str(default)
