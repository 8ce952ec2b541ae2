"""`start --set`: a varied configuration for one execution of the pipeline as it was upserted.

The execution reads the varied file through its parameter ConfigUri. What the definition itself
says, SageMaker has from the last upsert and cannot take from a file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.definition.bundle import Bundle, load_bundle, send
from pipeline.definition.variants import Variant
from pipeline.definition.varied_keys import PARAMETERS, READ_BY_THE_JOB
from processing.base.errors import LaunchError
from processing.config.model import EvaluationConfig
from processing.config.thresholds import threshold_parameters
from processing.config.variation import Variation, shown, write_varied

if TYPE_CHECKING:
    from boto3 import Session

CONFIG_URI = "ConfigUri"


def send_varied(
    session: Session,
    bundle: Bundle,
    path: Path,
    variation: Variation,
    variant: Variant | None = None,
) -> Bundle:
    """Upload the varied file and what it names; its `config_uri` is the value of ConfigUri.

    `variant`: whose overrides come on top, which are checked already. Raises LaunchError for a key
    that belongs to the definition, with what to do instead; ConfigError for a file that is none
    after it.
    """
    if problems := list(_part_of_the_definition(bundle.config, variation)):
        raise LaunchError("\n".join(problems))
    name, overrides = (variant.name, variant.overrides) if variant else ("", {})
    both = {**variation, **overrides}
    text = json.dumps([str(path), name, shown(both)], sort_keys=True)
    folder = Path(".runs") / "varied" / hashlib.sha256(text.encode()).hexdigest()[:16]
    varied = load_bundle(write_varied(path, both, folder, variant=name))
    _require_same_metrics(bundle.config, varied.config)
    send(replace(varied, dataset_upload=None), session)
    return varied


def require_upserted(
    pipeline: Mapping[str, Any], *, up_to_date: bool, config: Path, option: str = "--set"
) -> None:
    """Raises LaunchError unless SageMaker has this very file's pipeline, with a ConfigUri."""
    parameters = json.loads(pipeline["PipelineDefinition"]).get("Parameters", [])
    if not up_to_date or CONFIG_URI not in {parameter["Name"] for parameter in parameters}:
        raise LaunchError(
            f"{option} varies the file that was upserted, and {config} is another by now: "
            f"`pipeline_definition.py upsert --config {config}` first"
        )


def _part_of_the_definition(config: EvaluationConfig, variation: Variation) -> Iterator[str]:
    for key in variation:
        bounds = [
            bound.name
            for bound in threshold_parameters(config.thresholds)
            if key in (f"thresholds.{bound.metric}.{bound.rule}", f"thresholds.{bound.metric}")
        ]
        instead = [PARAMETERS[key]] if key in PARAMETERS else bounds
        if instead:
            yield f"--set {key}: is a parameter of the pipeline: give {_given(instead)}"
        elif key.partition(".")[0] not in READ_BY_THE_JOB:
            yield (
                f"--set {key}: is part of the pipeline's definition, which SageMaker has from the "
                "last upsert: change the file and `upsert` it, or use `try`"
            )


def _given(parameters: list[str]) -> str:
    return " or ".join(f"-p {name}=..." for name in parameters)


def _require_same_metrics(before: EvaluationConfig, after: EvaluationConfig) -> None:
    """The registered package's metrics stand in the definition by name."""
    changed = sorted(set(before.metrics) ^ set(after.metrics))
    if changed:
        raise LaunchError(
            f"--set scorers: {', '.join(changed)}: which metrics there are is part of the "
            "pipeline's definition: change the file and `upsert` it, or use `try`"
        )
