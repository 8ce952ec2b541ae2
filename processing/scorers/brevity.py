"""is_brief: does the answer keep to a number of words? Words are what white space separates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from processing.scorers.catalogue import BriefOptions, ScorerSpec

if TYPE_CHECKING:
    from mlflow.genai.scorers import Scorer

    from processing.config import Judge


def build(spec: ScorerSpec, judge: Judge | None) -> Scorer:  # noqa: ARG001
    from mlflow.entities import Feedback
    from mlflow.genai.scorers import scorer

    assert isinstance(spec.options, BriefOptions)
    limit = spec.options.max_words

    @scorer(name=spec.name)
    def is_brief(outputs: str) -> Feedback:
        words = len(outputs.split())
        return Feedback(value=words <= limit, rationale=f"{words} words, at most {limit} allowed")

    built: Scorer = is_brief
    return built
