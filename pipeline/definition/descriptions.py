"""The texts that Studio shows beside a pipeline, its steps and its executions."""

from __future__ import annotations

from textwrap import shorten

from processing.config.model import EvaluationConfig

MAX_DESCRIPTION = 3072


def described(text: str) -> str:
    """In one line of at most 3,072 characters: SageMaker takes no longer, and no line break."""
    return shorten(text, MAX_DESCRIPTION, placeholder=" ...")


def pipeline_description(config: EvaluationConfig) -> str:
    """The file's own, or else what the pipeline does, by its file."""
    return described(
        config.pipeline.description
        or f"Evaluates the model behind the endpoint {config.endpoint.name} on "
        f"{config.dataset.source} with {len(config.scorers)} scorers, and registers it in "
        f"{config.registration.model_package_group} if {len(config.thresholds)} thresholds hold."
    )
