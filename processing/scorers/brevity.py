"""is_brief: does the answer keep to a number of words, as `word_count` counts them?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from processing.config.scorer_options import BriefOptions
from processing.judges.verdict import Question, Score
from processing.scorers.words import word_count

if TYPE_CHECKING:
    from mlflow.entities import Feedback

    from processing.config.scorers import ScorerSpec
    from processing.judges.service import JudgeLine


def build(spec: ScorerSpec, line: JudgeLine | None, folder: Path) -> Score:  # noqa: ARG001
    from mlflow.entities import Feedback

    assert isinstance(spec.options, BriefOptions)
    limit = spec.options.max_words

    def is_brief(question: Question) -> Feedback:
        words = word_count(question.answer)
        return Feedback(
            name=spec.name,
            value=words <= limit,
            rationale=f"{words} words, at most {limit} allowed",
        )

    return is_brief
