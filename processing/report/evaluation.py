"""Everything that one evaluation found out; each report is written from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from processing.calls.spend import Spend
from processing.endpoint.answers import Answer
from processing.endpoint.client import MeasuredModel
from processing.gate.agreement import Agreement
from processing.gate.cut_answers import CutAnswers
from processing.gate.drift import DriftVerdict
from processing.gate.metric import Metric
from processing.gate.scorer_record import ScorerRecord
from processing.gate.swapped_answers import SwappedAnswers
from processing.gate.verdict import Verdict
from processing.labels.matched import ScorerLabels
from processing.mlflow_record.run import TrackedRun
from processing.mlflow_record.scores import Scores
from processing.report.provenance import Provenance


@dataclass(frozen=True)
class Evaluation:
    verdict: Verdict
    metrics: Mapping[str, Metric]
    answers: Sequence[Answer]
    scores: Scores
    model: MeasuredModel
    endpoint_name: str
    run: TrackedRun
    dataset_sha256: str
    config_sha256: str
    execution_arn: str
    fingerprint: str
    spend: Spend
    number_rules: Mapping[str, str]
    cut_answers: CutAnswers = field(default_factory=CutAnswers)
    clusters: Mapping[str, str] = field(default_factory=dict)
    swapped_answers: Sequence[SwappedAnswers] = ()
    varied: Mapping[str, str] = field(default_factory=dict)
    scorers: Mapping[str, ScorerRecord] = field(default_factory=dict)
    code_sha256: str = ""
    pairwise: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    labels: Mapping[str, ScorerLabels] = field(default_factory=dict)
    agreements: Mapping[str, Agreement] = field(default_factory=dict)
    drift: DriftVerdict | None = None
    provenance: Provenance | None = None
    traces: Mapping[str, str] = field(default_factory=dict)
    """row id -> the id of its trace in MLflow"""

    @property
    def answers_given(self) -> bool:
        """Whether the answers existed already, and no endpoint was asked."""
        return any(answer.row.given is not None for answer in self.answers)

    @property
    def whose(self) -> str:
        """The endpoint's name, or that there was none."""
        return "none: answers as given" if self.answers_given else self.endpoint_name

    @property
    def endpoint_errors(self) -> int:
        return sum(1 for answer in self.answers if answer.call.error)

    @property
    def not_asked(self) -> int:
        """Rows that the endpoint was not asked about, because the run ended before."""
        return sum(not answer.asked for answer in self.answers)

    @property
    def answered(self) -> int:
        return len(self.answers) - self.endpoint_errors - self.not_asked
