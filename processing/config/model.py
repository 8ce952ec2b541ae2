"""`evaluation.yaml`: the one model of what is evaluated, how, and what good means.

`processing.config.file` reads it, on the user's machine and in both containers.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from processing.config import patterns
from processing.config.judge import Judge
from processing.scorers.catalogue import ScorerSpec, parse_scorer

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

Share = Annotated[float, Field(ge=0, le=1)]
S3Uri = Annotated[str, Field(pattern=patterns.S3_URI)]


class Section(BaseModel):
    """One section of the file. Unknown keys are errors, and nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PipelineSection(Section):
    # SageMaker documents 256 characters; sagemaker-python-sdk issue 2933 saw 82 enforced.
    name: str = Field(
        default="llm-evaluation", max_length=82, pattern=r"^[a-zA-Z0-9](-*[a-zA-Z0-9])*$"
    )
    description: str = Field(default="", max_length=3072)


class Columns(Section):
    """Which column of the source holds what. All other columns are kept as slices."""

    question: str = "question"
    expected_response: str = "expected_response"
    context: str | None = None

    @model_validator(mode="after")
    def _are_different(self) -> Self:
        names = [name for name in (self.question, self.expected_response, self.context) if name]
        if len(set(names)) < len(names):
            raise ValueError("two of question, expected_response, context are the same column")
        return self


class Hub(Section):
    """Where in a Hugging Face dataset the rows are (`datasets.load_dataset`)."""

    config: str | None = None
    split: str = "test"
    revision: str | None = None


class Dataset(Section):
    source: str = Field(min_length=1)
    format: Literal["auto", "jsonl", "csv", "parquet"] = "auto"
    hub: Hub | None = None
    columns: Columns = Columns()
    sample_size: int = Field(default=0, ge=0)
    seed: int = 0
    max_unusable_share: Share = 0.0

    @property
    def from_hub(self) -> bool:
        return self.source.startswith("hf://")

    @model_validator(mode="after")
    def _hub_belongs_to_hub(self) -> Self:
        if self.hub is not None and not self.from_hub:
            raise ValueError(
                f"hub: is only for a source on the Hugging Face hub (hf://owner/name), "
                f"and source is {self.source!r}"
            )
        return self


class ResponsePaths(Section):
    """JMESPath expressions that read a templated endpoint's response body."""

    answer: str
    input_tokens: str | None = None
    output_tokens: str | None = None
    error: str | None = None

    @field_validator("*")
    @classmethod
    def _compiles(cls, expression: str | None) -> str | None:
        import jmespath

        if expression is not None:
            try:
                jmespath.compile(expression)
            except jmespath.exceptions.JMESPathError as error:
                raise ValueError(f"is not a JMESPath expression: {error}") from error
        return expression


class Endpoint(Section):
    name: str = Field(pattern=patterns.NAME)
    inference_component: str | None = None
    variant: str | None = None
    format: Literal["chat", "text_generation", "template"] = "chat"
    system_prompt: str | None = None
    prompt: str = "{question}"
    parameters: dict[str, Any] = {}
    request: dict[str, Any] | None = None
    response: ResponsePaths | None = None
    custom_attributes: str | None = Field(default=None, max_length=1024)
    # The container has 60 s to answer; AWS recommends a 70 s socket time-out (InvokeEndpoint).
    timeout_seconds: float = Field(default=70, gt=0, le=900)
    retry_seconds: float = Field(default=120, ge=0)
    concurrency: int = Field(default=8, ge=1, le=512)
    requests_per_minute: float | None = Field(default=None, gt=0)
    tokens_per_minute: float | None = Field(default=None, gt=0)

    @field_validator("prompt")
    @classmethod
    def _asks_the_question(cls, prompt: str) -> str:
        if "{question}" not in prompt:
            raise ValueError("must contain {question}; it may contain {context} too")
        return prompt

    @model_validator(mode="after")
    def _template_is_whole(self) -> Self:
        given = self.request is not None, self.response is not None
        if self.format == "template" and given != (True, True):
            raise ValueError("format: template needs both request: and response:")
        if self.format != "template" and any(given):
            raise ValueError("request: and response: are only for format: template")
        return self


class Threshold(Section):
    """A bound on a metric. `min` and `max` are inclusive.

    `on` says what is held against it: the mean, or the 95 % interval's pessimistic end (the lower
    for min, the upper for max). `tier`: hard blocks, soft warns, monitor only shows.
    """

    min: float | None = Field(default=None, allow_inf_nan=False)
    max: float | None = Field(default=None, allow_inf_nan=False)
    on: Literal["mean", "interval"] = "mean"
    tier: Literal["hard", "soft", "monitor"] = "hard"

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("needs min: or max:")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}: nothing can pass")
        return self


class Budgets(Section):
    """How much may go wrong before the verdict is "not passed", whatever the means say."""

    min_rows: int = Field(default=30, ge=1)
    max_endpoint_error_share: Share = 0.02
    max_judge_error_share: Share = 0.05


class Slice(Section):
    """Thresholds on the scorers for each value of a dataset column that has `min_rows` rows.

    Values with fewer are named in a warning and not judged.
    """

    min_rows: int = Field(default=5, ge=1)
    thresholds: dict[str, Threshold] = Field(min_length=1)


class ChampionMetric(Section):
    """How much worse than the champion a metric may be, at the interval's lower end."""

    margin: float = Field(ge=0, allow_inf_nan=False)


class Champion(Section):
    """Non-inferiority against the latest approved package of registration.model_package_group."""

    metrics: dict[str, ChampionMetric] = Field(min_length=1)


class Prices(Section):
    """What a million tokens cost, in whatever currency the reader has in mind."""

    input_per_million: float = Field(ge=0)
    output_per_million: float = Field(ge=0)


class Candidate(Section):
    """The endpoint that a model package (ModelPackageArn) is deployed to while it is evaluated.

    `environment` is added to what the package says of its containers. `download_seconds` and
    `startup_seconds` are SageMaker's own limits for the model's data and the container's health
    check; after `wait_seconds` without InService the candidate counts as failed. `model_data` and
    `images` are where candidates come from; only `permissions` asks, for what model_role may read.
    """

    instance_type: str = Field(pattern=patterns.INSTANCE)
    instance_count: int = Field(default=1, ge=1, le=16)
    volume_gb: int | None = Field(default=None, ge=1, le=512)
    download_seconds: int | None = Field(default=None, ge=60, le=3600)
    startup_seconds: int | None = Field(default=None, ge=60, le=3600)
    wait_seconds: int = Field(default=3600, ge=1, le=14400)
    environment: dict[str, str] = Field(default={}, max_length=100)
    network_isolation: bool = False
    model_data: list[S3Uri] = Field(default=[], max_length=10)
    images: list[str] = Field(default=[], max_length=10)


LifeCycleName = Annotated[str, Field(pattern=patterns.NAME)]


GroupName = Annotated[str, Field(pattern=patterns.NAME)]
ApprovalStatus = Literal["PendingManualApproval", "Approved", "Rejected"]


class Registration(Section):
    """`stage`: the registered package's ModelLifeCycle.Stage, with the StageStatus Passed."""

    model_package_group: GroupName
    approval_status: ApprovalStatus = "PendingManualApproval"
    description: str = Field(default="", max_length=1024)
    model_card: bool = True
    stage: LifeCycleName = "Evaluated"
    stamp_candidate: bool = False


# Form and limits: EventBridge API reference, SageMakerPipelineParameter.
ParameterValues = Annotated[
    dict[
        Annotated[str, Field(pattern=r"^[a-zA-Z0-9](-*[a-zA-Z0-9])*$", max_length=256)],
        Annotated[str, Field(max_length=1024)],
    ],
    Field(max_length=190),
]
# rate(1 day), rate(7 days), cron(0 6 ? * MON *): EventBridge user guide, "Schedule expressions".
Schedule = Annotated[
    str,
    Field(
        max_length=256,
        pattern=r"^(rate\((1 (minute|hour|day)|([2-9]|[1-9]\d+) (minutes|hours|days))\)"
        r"|cron\((\S+ ){5}\S+\))$",
    ),
]


class Trigger(Section):
    """What starts the pipeline by itself, once `trigger put` has told EventBridge.

    `parameters` are pipeline parameters beside ModelPackageArn; `$.detail.X` is a path into the
    event. `schedule` is rate(...) or cron(...) in UTC; its executions evaluate the endpoint, and by
    default pay for every answer again, since what was kept would show no change.
    """

    candidates_group: GroupName | None = None
    approval_status: ApprovalStatus = "PendingManualApproval"
    parameters: ParameterValues = {}
    schedule: Schedule | None = None
    schedule_parameters: ParameterValues = {"ReuseAnswers": "no"}
    # Limits: EventBridge API reference, RetryPolicy.
    retry_attempts: int = Field(default=8, ge=0, le=185)
    max_event_age_seconds: int = Field(default=3600, ge=60, le=86400)

    @model_validator(mode="after")
    def _says_when(self) -> Self:
        if self.candidates_group is None and self.schedule is None:
            raise ValueError("needs candidates_group: or schedule:, or it would start nothing")
        return self


class Mlflow(Section):
    """`tracking_uri`: a SageMaker MLflow App or tracking server ARN, or an http(s) address.

    `artifact_location` is where that App or server keeps artifacts; only `permissions` asks for it.
    `prompts`: whether they are kept in its prompt registry.
    """

    tracking_uri: str = Field(pattern=patterns.MLFLOW)
    experiment: str = Field(default="llm-evaluation", min_length=1)
    artifact_location: S3Uri | None = None
    prompts: bool = True


class Machine(Section):
    """The instances that one processing job runs on."""

    instance_type: str = Field(default="ml.m5.large", pattern=patterns.INSTANCE)
    volume_gb: int = Field(default=30, ge=1, le=16384)
    max_runtime_seconds: int = Field(default=4 * 3600, ge=60, le=777_600)
    instance_count: int = Field(default=1, ge=1, le=100)


RoleArn = Annotated[str, Field(pattern=patterns.ROLE)]


class Infrastructure(Section):
    region: str | None = Field(default=None, pattern=patterns.REGION)
    bucket: str = Field(pattern=patterns.BUCKET)
    prefix: str = Field(default="llm-evaluation", pattern=r"^[^/].*[^/]$|^[^/]$")
    pipeline_role: RoleArn
    job_role: RoleArn
    trigger_role: RoleArn | None = None
    model_role: RoleArn | None = None
    stamp_role: RoleArn | None = None
    image: str = Field(min_length=1, max_length=255)
    prepare: Machine = Machine()
    evaluate: Machine = Machine()
    volume_kms_key: str | None = Field(default=None, max_length=2048)
    output_kms_key: str | None = Field(default=None, max_length=2048)
    subnets: list[str] = Field(default=[], max_length=16)
    security_group_ids: list[str] = Field(default=[], max_length=5)
    encrypt_inter_container_traffic: bool = False
    # a resource takes 50, and a candidate's endpoint has four more
    tags: dict[str, str] = Field(default={}, max_length=46)

    @model_validator(mode="after")
    def _vpc_is_whole(self) -> Self:
        if bool(self.subnets) != bool(self.security_group_ids):
            raise ValueError("a VPC needs both subnets: and security_group_ids:")
        return self

    @model_validator(mode="after")
    def _one_instance_prepares(self) -> Self:
        if self.prepare.instance_count > 1:
            raise ValueError("instance_count: is for evaluate: one instance prepares the dataset")
        return self


class EvaluationConfig(Section):
    """The whole file."""

    pipeline: PipelineSection = PipelineSection()
    dataset: Dataset
    endpoint: Endpoint
    candidate: Candidate | None = None
    judge: Judge | None = None
    scorers: list[Annotated[ScorerSpec, BeforeValidator(parse_scorer)]] = Field(min_length=1)
    thresholds: dict[str, Threshold] = Field(min_length=1)
    budgets: Budgets = Budgets()
    slices: dict[str, Slice] = {}
    champion: Champion | None = None
    prices: dict[str, Prices] = {}
    registration: Registration
    trigger: Trigger | None = None
    mlflow: Mlflow
    infrastructure: Infrastructure

    @field_validator("scorers")
    @classmethod
    def _names_are_unique(cls, scorers: list[ScorerSpec]) -> list[ScorerSpec]:
        names = [scorer.name for scorer in scorers]
        doubles = sorted({name for name in names if names.count(name) > 1})
        if doubles:
            raise ValueError(f"{', '.join(doubles)} is listed more than once")
        taken = sorted(set(names) & set(MEASUREMENTS))
        if taken:
            raise ValueError(f"{taken[0]} is a metric that every evaluation makes; rename it")
        return scorers

    @property
    def metrics(self) -> tuple[str, ...]:
        """Every metric that a threshold can name."""
        return (*(scorer.name for scorer in self.scorers), *MEASUREMENTS)

    def scorer_files(self) -> list[str]:
        """Python files of the user's own scorers, relative to the configuration file."""
        files = [getattr(scorer.options, "file", None) for scorer in self.scorers]
        return sorted({file for file in files if file})

    def judged_scorers(self) -> list[ScorerSpec]:
        """The scorers that ask the judge model."""
        return [scorer for scorer in self.scorers if scorer.uses_judge]


def camel_case(name: str) -> str:
    """`rougeL_fmeasure` -> `RougeLFmeasure`.

    EventBridge targets refuse pipeline parameter names with underscores.
    """
    words = [word for word in re.split(r"[^A-Za-z0-9]+", name) if word]
    return "".join(word[0].upper() + word[1:] for word in words)
