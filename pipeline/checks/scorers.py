"""Scorers are built as the job builds them: a mistake is told with its line, and all at once."""

from __future__ import annotations

from pathlib import Path

from pipeline.definition.bundle import Bundle
from processing.base.errors import ConfigError
from processing.config.file import place_of_scorer
from processing.config.scorers import ScorerSpec
from processing.scorers.build import BuiltScorer, build_scorers


def check_scorers(bundle: Bundle, config_file: Path) -> None:
    """Raises ConfigError, a line for each scorer that the job could not build.

    Only DeepEval and RAGAS know their metrics and options; loading them takes some seconds.
    """
    problems: list[str] = []
    for spec in bundle.config.scorers:
        try:
            _build(bundle, spec)
        except ConfigError as error:
            place = place_of_scorer(config_file, spec.name, getattr(error, "option", ""))
            said = str(error)
            for prefix in (f"scorers: {spec.name}: ", f"{getattr(error, 'option', '')}: "):
                said = said.removeprefix(prefix)
            problems.append(f"{place}: {said}")
    if problems:
        raise ConfigError("\n".join(problems))


def _build(bundle: Bundle, spec: ScorerSpec) -> BuiltScorer:
    [built] = build_scorers([spec], bundle.config.judge, bundle.folder)
    return built
