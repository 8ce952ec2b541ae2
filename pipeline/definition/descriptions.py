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
    given = config.dataset.answers_given
    what = "answers" if given else f"model behind the endpoint {config.endpoint.name}"
    which = "that" if given else "on"
    where = f"{config.dataset.source} has" if given else config.dataset.source
    sliced = sum(len(section.thresholds) for section in config.slices.values())
    of_slices = f" and {sliced} of slices" if sliced else ""
    thresholds = f"{len(config.thresholds)} thresholds{of_slices} hold"
    registers = (
        f"registers {'their model' if given else 'it'} in "
        f"{config.registration.model_package_group} if {thresholds}"
        if config.registers
        else f"says whether {thresholds}; nothing is registered"
    )
    return described(
        config.pipeline.description
        or f"Evaluates the {what} {which} {where} with {len(config.scorers)} scorers, and "
        f"{registers}."
    )
