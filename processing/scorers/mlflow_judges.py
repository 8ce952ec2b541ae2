"""MLflow's own judges: Safety, RelevanceToQuery, Equivalence, Correctness."""

from __future__ import annotations

from typing import TYPE_CHECKING

from processing.judge import mlflow_model_uri
from processing.scorers.catalogue import ScorerSpec

if TYPE_CHECKING:
    from mlflow.genai.scorers import Scorer

    from processing.config import Judge


def build(spec: ScorerSpec, judge: Judge | None) -> Scorer:
    from mlflow.genai import scorers

    assert judge is not None, "the configuration has checked that there is a judge"
    scorer_class = getattr(scorers, spec.kind)
    built: Scorer = scorer_class(
        name=spec.name,
        model=mlflow_model_uri(judge.model),
        inference_params=dict(judge.parameters),
    )
    return built
