"""BleuScore: sacrebleu's BLEU of the whole answer as one segment, in [0, 1].

It departs from RAGAS's BleuScore, which scores the first sentence alone and gives a short text less
than 1 against itself (vibrantlabsai/ragas#2888); that one is `BleuScore: {kind: RAGAS}`.
n-grams longer than the texts do not count (effective order), none that matches counts a little
(exponential smoothing), and the tokenizer is sacrebleu's 13a, with spaces around what it would not
separate outside of ASCII: see `processing.scorers.words`.
Sources: Papineni et al., "BLEU", 2002; Post, "A Call for Clarity in Reporting BLEU Scores", 2018.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from processing.judges.verdict import Question, Score, require_expected
from processing.scorers.words import spaced

if TYPE_CHECKING:
    from mlflow.entities import Feedback

    from processing.config.scorers import ScorerSpec
    from processing.judges.service import JudgeLine


def build(spec: ScorerSpec, line: JudgeLine | None, folder: Path) -> Score:  # noqa: ARG001
    from mlflow.entities import Feedback
    from sacrebleu.metrics import BLEU

    bleu = BLEU(tokenize="13a", effective_order=True)

    def bleu_score(question: Question) -> Feedback:
        require_expected(question, spec.name)
        found = bleu.sentence_score(spaced(question.answer), [spaced(question.expected_response)])
        return Feedback(
            name=spec.name,
            value=min(found.score / 100, 1.0),  # of a perfect one a float makes 1.0000000000000002
            rationale=f"n-gram precisions {'/'.join(f'{p:.1f}' for p in found.precisions)} %, "
            f"brevity penalty {found.bp:.3f}",
        )

    return bleu_score
