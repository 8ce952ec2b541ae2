"""rougeL_fmeasure: longest common subsequence of words, as an F-measure in [0, 1].

Words are those of `processing.scorers.words`; English ones are stemmed (Porter), as Google's
rouge-score does, whose numbers these are for text in ASCII.
Source: Lin, "ROUGE: A Package for Automatic Evaluation of Summaries", 2004.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from processing.judges.verdict import JudgeError, Question, Score
from processing.scorers.words import words

if TYPE_CHECKING:
    from mlflow.entities import Feedback

    from processing.config.scorers import ScorerSpec
    from processing.judges.service import JudgeLine


def build(spec: ScorerSpec, line: JudgeLine | None, folder: Path) -> Score:  # noqa: ARG001
    from mlflow.entities import Feedback
    from rouge_score.rouge_scorer import RougeScorer
    from rouge_score.tokenizers import DefaultTokenizer, Tokenizer

    stemmed = DefaultTokenizer(use_stemmer=True).tokenize

    class StemmedWords(Tokenizer):  # type: ignore[misc]
        def tokenize(self, text: str) -> list[str]:
            return [
                token
                for word in words(text)
                for token in (stemmed(word) if word.isascii() else [word])
            ]

    rouge = RougeScorer(["rougeL"], tokenizer=StemmedWords())

    def rouge_l(question: Question) -> Feedback:
        if not words(question.expected_response):
            raise JudgeError("the expected answer has no letter or digit to compare", False)
        score = rouge.score(question.expected_response, question.answer)["rougeL"]
        return Feedback(
            name=spec.name,
            value=score.fmeasure,
            rationale=f"precision {score.precision:.3f}, recall {score.recall:.3f}, stemmed words",
        )

    return rouge_l
