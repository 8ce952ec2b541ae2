"""RAGAS's string metrics: ChrfScore and BleuScore, in [0, 1], computed by sacrebleu.

Sources: Popovic, "chrF", 2015; Papineni et al., "BLEU", 2002.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from processing.scorers.catalogue import ScorerSpec

if TYPE_CHECKING:
    from mlflow.genai.scorers import Scorer

    from processing.config import Judge


def build(spec: ScorerSpec, judge: Judge | None) -> Scorer:  # noqa: ARG001
    from mlflow.genai.scorers.ragas import get_scorer

    built: Scorer = get_scorer(spec.kind)
    return built
