"""rougeL_fmeasure: longest common subsequence of stemmed words, as an F-measure in [0, 1].

Source: Lin, "ROUGE: A Package for Automatic Evaluation of Summaries", 2004; Google's rouge-score.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from processing.judges.verdict import Question, Score

if TYPE_CHECKING:
    from mlflow.entities import Feedback

    from processing.config.scorers import ScorerSpec
    from processing.judges.service import JudgeLine


def build(spec: ScorerSpec, line: JudgeLine | None, folder: Path) -> Score:  # noqa: ARG001
    from mlflow.entities import Feedback
    from rouge_score.rouge_scorer import RougeScorer

    rouge = RougeScorer(["rougeL"], use_stemmer=True)

    def rouge_l(question: Question) -> Feedback:
        score = rouge.score(question.expected_response, question.answer)["rougeL"]
        return Feedback(
            name=spec.name,
            value=score.fmeasure,
            rationale=f"precision {score.precision:.3f}, recall {score.recall:.3f}, stemmed words",
        )

    return rouge_l
