"""rougeL_fmeasure: longest common subsequence of stemmed words, as an F-measure in [0, 1].

Source: Lin, "ROUGE: A Package for Automatic Evaluation of Summaries", 2004; Google's rouge-score.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from processing.scorers.catalogue import ScorerSpec

if TYPE_CHECKING:
    from mlflow.genai.scorers import Scorer

    from processing.config import Judge


def build(spec: ScorerSpec, judge: Judge | None) -> Scorer:  # noqa: ARG001
    from mlflow.entities import Feedback
    from mlflow.genai.scorers import scorer
    from rouge_score.rouge_scorer import RougeScorer

    rouge = RougeScorer(["rougeL"], use_stemmer=True)

    @scorer(name=spec.name)
    def rouge_l(outputs: str, expectations: dict[str, Any]) -> Feedback:
        score = rouge.score(expectations["expected_response"], outputs)["rougeL"]
        return Feedback(
            value=score.fmeasure,
            rationale=f"precision {score.precision:.3f}, recall {score.recall:.3f}, stemmed words",
        )

    built: Scorer = rouge_l
    return built
