"""The whole of `evaluation.yaml`: what is evaluated, how, and what good means.

`processing.config.file` reads it, on the user's machine and in both containers.
"""

from __future__ import annotations

import itertools
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from processing.base.stored_secrets import StoredSecret, parse_secret
from processing.config.candidate import Candidate
from processing.config.capture import SCHEME
from processing.config.dataset import MEASURED, Dataset
from processing.config.endpoint import Endpoint
from processing.config.gate import Budgets, Champion, Slice, Threshold
from processing.config.infrastructure import Infrastructure
from processing.config.judge import Judge
from processing.config.labels import IN_MLFLOW, Judges, LabelsFile
from processing.config.mlflow import Mlflow
from processing.config.monitoring import Monitoring
from processing.config.notify import Notify
from processing.config.pipeline import PipelineSection
from processing.config.prices import Prices
from processing.config.registration import Registration
from processing.config.scorer_options import FileOptions
from processing.config.scorers import ScorerSpec, parse_scorer
from processing.config.section import Section
from processing.config.stop_early import StopEarly, parse_stop_early
from processing.config.trigger import Trigger
from processing.config.variables import require_variables
from processing.config.variants import Overrides

MEASUREMENTS = (
    "latency_mean_ms",
    "latency_p50_ms",
    "latency_p95_ms",
    "latency_p99_ms",
    "input_tokens_mean",
    "input_tokens_p50",
    "input_tokens_p95",
    "input_tokens_p99",
    "output_tokens_mean",
    "output_tokens_p50",
    "output_tokens_p95",
    "output_tokens_p99",
)
"""Metrics that every evaluation makes from the endpoint's answers, whatever the scorers."""

STREAM_MEASUREMENTS = (
    "ttft_mean_ms",
    "ttft_p50_ms",
    "ttft_p95_ms",
    "ttft_p99_ms",
    "inter_token_mean_ms",
    "inter_token_p50_ms",
    "inter_token_p95_ms",
    "inter_token_p99_ms",
    "tokens_per_second_mean",
    "tokens_per_second_p50",
    "tokens_per_second_p5",
    "tokens_per_second_p1",
)
"""Those of streams (`endpoint.stream`). The slow end of tokens a second is the lower one."""


NO_ENDPOINT = "answers-as-given"
"""Stands for whoever answered, where answers are given and the file has no section endpoint."""

CLUSTER_KEY = "dataset.cluster"
Grouping = dict[str, str]


class EvaluationConfig(Section):
    """The whole file."""

    pipeline: PipelineSection = PipelineSection()
    dataset: Dataset
    endpoint: Endpoint
    candidate: Candidate | None = None
    judge: Judge | None = None
    listed_scorers: list[Annotated[ScorerSpec, BeforeValidator(parse_scorer)]] = Field(
        alias="scorers", min_length=1
    )
    thresholds: dict[str, Threshold] = Field(min_length=1)
    budgets: Budgets = Budgets()
    stop_early: Annotated[StopEarly, BeforeValidator(parse_stop_early)] = StopEarly()
    labels: LabelsFile | None = None
    judges: Judges | None = None
    slices: dict[str, Slice] = {}
    champion: Champion | None = None
    prices: dict[str, Prices] = {}
    variants: dict[str, Overrides] = Field(default={}, max_length=26)
    registration: Registration
    trigger: Trigger | None = None
    notify: Notify | None = None
    mlflow: Mlflow
    monitoring: Monitoring = Monitoring()
    secrets: Annotated[
        dict[str, Annotated[StoredSecret, BeforeValidator(parse_secret)]],
        AfterValidator(require_variables),
    ] = Field(default={}, max_length=50)
    infrastructure: Infrastructure

    @model_validator(mode="before")
    @classmethod
    def _given_answers_need_no_endpoint(cls, document: Any) -> Any:
        """The same document, with a section `endpoint` where none is needed.

        Captured calls are of the endpoint that captured them.
        """
        if not isinstance(document, dict) or "endpoint" in document:
            return document
        dataset = document.get("dataset")
        if not isinstance(dataset, dict):
            return document
        source = str(dataset.get("source", ""))
        if source.startswith(SCHEME):
            captured = source.removeprefix(SCHEME).partition("?")[0]
            return {**document, "endpoint": {"name": captured}}
        if dataset.get("answers") == "given":
            return {**document, "endpoint": {"name": NO_ENDPOINT}}
        return document

    @field_validator("listed_scorers")
    @classmethod
    def _names_are_unique(cls, scorers: list[ScorerSpec]) -> list[ScorerSpec]:
        names = [scorer.name for scorer in scorers]
        doubles = sorted({name for name in names if names.count(name) > 1})
        if doubles:
            raise ValueError(f"{', '.join(doubles)} is listed more than once")
        taken = sorted(set(names) & {*MEASUREMENTS, *STREAM_MEASUREMENTS})
        if taken:
            raise ValueError(f"{taken[0]} is a metric that every evaluation makes; rename it")
        if all(scorer.compares for scorer in scorers):
            raise ValueError(
                "all of them compare two runs, so that an evaluation has nothing to do"
            )
        return scorers

    @property
    def has_rules(self) -> bool:
        """Whether EventBridge has something to do for the pipeline (`trigger put`)."""
        return bool(self.trigger or self.candidate or self.notify)

    @property
    def scorers(self) -> list[ScorerSpec]:
        """Those that an evaluation runs: each is a metric."""
        return [scorer for scorer in self.listed_scorers if not scorer.compares]

    @property
    def pairwise_scorers(self) -> list[ScorerSpec]:
        """Those that `compare` asks which of two runs' answers is better. None is a metric."""
        return [scorer for scorer in self.listed_scorers if scorer.compares]

    @property
    def metrics(self) -> tuple[str, ...]:
        """Every metric that a threshold can name."""
        return (*(scorer.name for scorer in self.scorers), *self.measurements)

    @property
    def measurements(self) -> tuple[str, ...]:
        """What this evaluation measures beside its scorers: of given answers, what columns have."""
        if not self.dataset.answers_given:
            return (*MEASUREMENTS, *(STREAM_MEASUREMENTS if self.endpoint.stream else ()))
        columns = self.dataset.columns
        known = {key.removesuffix("_ms"): getattr(columns, key) for key in MEASURED}
        there = tuple(f"{prefix}_" for prefix, column in known.items() if column)
        return tuple(name for name in MEASUREMENTS if name.startswith(there))

    def registered_metrics(self) -> list[str]:
        """Those that a registered package names as metadata of its own."""
        latency = ["latency_p95_ms"] if "latency_p95_ms" in self.measurements else []
        return [*(scorer.name for scorer in self.scorers), *latency]

    @property
    def registers(self) -> bool:
        """Whether a run that passes registers a model: of given answers, if the file names it."""
        return not self.dataset.answers_given or self.registration.model is not None

    def deciding_metrics(self) -> set[str]:
        """The metrics on which it depends whether the gate opens."""
        sliced = (each.thresholds.items() for each in self.slices.values())
        bounds = itertools.chain(self.thresholds.items(), *sliced)
        compared = self.champion.metrics if self.champion else ()
        return {name for name, bound in bounds if bound.tier == "hard"} | set(compared)

    def grouping(self) -> Grouping:
        """The columns by which rows are grouped, each under the key that names it."""
        slices = {f"slices.{column}": column for column in self.slices}
        slices |= self.dataset.columns.labelled()
        return slices | ({CLUSTER_KEY: self.dataset.cluster} if self.dataset.cluster else {})

    def scorer_files(self) -> list[str]:
        """The user's own scorers and what goes along, relative to the configuration file."""
        options = [scorer.options for scorer in self.scorers]
        own = [each for each in options if isinstance(each, FileOptions)]
        return sorted({name for each in own for name in (each.file, *each.files)})

    @property
    def labels_file(self) -> str | None:
        """Where people's labels are beside the configuration file; None if they are elsewhere."""
        elsewhere = self.labels in (None, IN_MLFLOW) or str(self.labels).startswith("s3://")
        return None if elsewhere else self.labels

    def named_files(self) -> list[str]:
        """What belongs beside the configuration file, wherever that goes."""
        return sorted({*self.scorer_files(), *filter(None, [self.labels_file])})

    @property
    def has_retrieved(self) -> bool:
        """Whether each answer comes with the passages that were retrieved for it."""
        if self.dataset.columns.retrieved_context:
            return True
        asked = self.dataset.from_capture or not self.dataset.answers_given
        return asked and self.endpoint.context_path is not None

    @property
    def has_labels(self) -> bool:
        return self.labels is not None or bool(self.dataset.columns.labels)

    def scorers_under_judges(self) -> list[str]:
        """The scorers whose judges `judges:` holds against people; [] without the section."""
        if self.judges is None:
            return []
        deciding = self.deciding_metrics()
        return self.judges.scorers or [
            scorer.name for scorer in self.judged_scorers() if scorer.name in deciding
        ]

    def judge_of(self, scorer: ScorerSpec) -> Judge | None:
        """Who judges for it; None where it asks no judge, or there is none."""
        return scorer.judge_or(self.judge)

    def judges_of(self, scorer: ScorerSpec) -> tuple[Judge, ...]:
        """Everyone that is asked for each of its verdicts; () where nobody is."""
        judge = self.judge_of(scorer)
        return judge.judges if judge else ()

    def judged_scorers(self) -> list[ScorerSpec]:
        """The scorers of an evaluation that ask the judge model."""
        return [scorer for scorer in self.scorers if scorer.uses_judge]
