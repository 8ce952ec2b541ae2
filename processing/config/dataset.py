"""`dataset:`, where the rows come from, which columns they have, and how many are drawn."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, PrivateAttr, model_validator

from processing.config.capture import SCHEME, read_capture
from processing.config.mlflow_datasets import OPTIONAL, OnFailure, named_dataset
from processing.config.mlflow_datasets import SCHEME as MLFLOW_SCHEME
from processing.config.redaction import Redact, Region
from processing.config.section import Section, Share

MEASURED = ("latency_ms", "input_tokens", "output_tokens")
"""Columns with what was measured of an answer that is given."""


class Columns(Section):
    """Which column of the source holds what. All other columns are kept as slices.

    `messages` holds a whole conversation, which the user's last message ends: that is the question
    then, and no other column is. Rows with the same `session` stand together in MLflow.
    `expected_response` is None where nobody has said what is right. `expected_facts` and
    `guidelines` hold lists of texts, as `context` may; `expected_tool_calls` a list of
    {"name", "arguments"}.
    Two kinds of slices mean something: `labels`, scorer -> column with people's label of the
    answer in the column `answer`. With `dataset.answers: given` that column is no slice: it holds
    the answers that are evaluated, those of MEASURED what was measured of them, and
    `retrieved_context` the passages that were retrieved for them.
    """

    question: str = "question"
    messages: str | None = Field(default=None, min_length=1)
    session: str | None = Field(default=None, min_length=1)
    expected_response: str | None = "expected_response"
    context: str | None = None
    retrieved_context: str | None = Field(default=None, min_length=1)
    answer: str | None = Field(default=None, min_length=1)
    latency_ms: str | None = Field(default=None, min_length=1)
    input_tokens: str | None = Field(default=None, min_length=1)
    output_tokens: str | None = Field(default=None, min_length=1)
    labels: dict[str, str] = {}
    expected_facts: str | None = None
    guidelines: str | None = None
    expected_tool_calls: str | None = Field(default=None, min_length=1)
    _hold_answers: bool = PrivateAttr(default=False)

    @property
    def hold_answers(self) -> bool:
        """Whether the answers that are evaluated are in a column (`dataset.answers: given`)."""
        return self._hold_answers

    def with_answers(self) -> Columns:
        """The same columns, of a dataset whose answers are given."""
        columns = self.model_copy()
        columns._hold_answers = True
        return columns

    @property
    def mapped(self) -> dict[str, str]:
        """The columns that become a row's texts, and so no slices, by their key."""
        keys = ["question", "messages", "session", "expected_response", "context"]
        keys += ["expected_facts", "guidelines", "expected_tool_calls"]
        if self.hold_answers:
            keys += ["answer", "retrieved_context", *MEASURED]
        named = {key: column for key in keys if (column := getattr(self, key)) is not None}
        if self.messages is not None:
            del named["question"]
        return named

    @property
    def names(self) -> tuple[str, ...]:
        """All columns that are no slices."""
        return tuple(self.mapped.values())

    def labelled(self) -> dict[str, str]:
        """The columns with people's labels and the answers that these belong to, by their key."""
        labelled = self.answer and not self.hold_answers
        answer = {"dataset.columns.answer": self.answer} if labelled and self.answer else {}
        return answer | {f"dataset.columns.labels.{s}": c for s, c in self.labels.items()}

    @model_validator(mode="after")
    def _asks_once(self) -> Self:
        if self.messages is not None and "question" in self.model_fields_set:
            raise ValueError(
                "messages and question are both named: with messages, the question is the "
                "user's last message; leave question out"
            )
        return self

    @model_validator(mode="after")
    def _are_different(self) -> Self:
        mapped = self.with_answers().mapped
        if len(set(mapped.values())) < len(mapped):
            raise ValueError(f"two of {', '.join(mapped)} are the same column")
        if self.labels and self.answer is None:
            raise ValueError(
                "labels need answer: the column with the answer that was labelled, since a label "
                "of one model's answer says nothing about another's"
            )
        if taken := set(mapped.values()) & set(self.labels.values()):
            raise ValueError(f"{min(taken)} is a text of the row, and so no label or answer")
        return self


CAPTURED = Columns(
    messages="messages",
    expected_response=None,
    answer="answer",
    input_tokens="input_tokens",
    output_tokens="output_tokens",
)
"""What is read out of captured calls."""

TRAFFIC_UNUSABLE = 0.1
"""dataset.max_unusable_share of captured calls, where the file does not say it."""


class Hub(Section):
    """Where in a Hugging Face dataset the rows are (`datasets.load_dataset`)."""

    config: str | None = None
    split: str = "test"
    revision: str | None = None


class Dataset(Section):
    """`answers`: whether the endpoint is asked, or the dataset has the answers already.

    By default captured calls have them, and no other source. `sample_share`: of captured calls.
    """

    source: str = Field(min_length=1)
    answers: Literal["ask", "given"] | None = None
    format: Literal["auto", "jsonl", "csv", "parquet"] = "auto"
    hub: Hub | None = None
    columns: Columns = Columns()
    sample_size: int = Field(default=0, ge=0)
    seed: int = 0
    max_unusable_share: Share = 0.0
    sample_share: float = Field(default=1.0, gt=0, le=1)
    redact: Redact = []
    redact_regions: list[Region] = ["US"]
    # a column whose value several rows share, as the document that they are about
    cluster: str | None = Field(default=None, min_length=1)
    on_failure: OnFailure | None = None

    @property
    def from_hub(self) -> bool:
        return self.source.startswith("hf://")

    @property
    def from_capture(self) -> bool:
        return self.source.startswith(SCHEME)

    @property
    def from_mlflow(self) -> bool:
        return self.source.startswith(MLFLOW_SCHEME)

    @property
    def read_by_job(self) -> bool:
        """Whether PrepareDataset fetches the rows itself: SageMaker mounts what is in S3 alone."""
        return self.from_hub or self.from_capture or self.from_mlflow

    @property
    def answers_given(self) -> bool:
        return (self.answers or ("given" if self.from_capture else "ask")) == "given"

    @model_validator(mode="before")
    @classmethod
    def _traffic_is_not_all_good(cls, given: Any) -> Any:
        """Half-written records and calls without an answer are in any traffic."""
        if isinstance(given, dict) and str(given.get("source", "")).startswith(SCHEME):
            return {"max_unusable_share": TRAFFIC_UNUSABLE, **given}
        return given

    @model_validator(mode="after")
    def _capture_is_read_as_it_is(self) -> Self:
        if not self.from_capture:
            if self.sample_share < 1:
                raise ValueError("sample_share is for capture://: take sample_size")
            return self
        read_capture(self.source)
        if self.columns != Columns():
            raise ValueError(
                "columns: captured calls have none: the question is read out of the request, the "
                "answer out of the response, by endpoint.format"
            )
        object.__setattr__(self, "columns", CAPTURED)
        return self

    @model_validator(mode="after")
    def _records_may_have_facts_and_guidelines(self) -> Self:
        if self.from_mlflow:
            name, _ = named_dataset(self.source)
            if self.on_failure and self.on_failure.add_to_dataset == name:
                raise ValueError(
                    f"on_failure.add_to_dataset is {name} itself, which source reads: its rows "
                    "would grow by each failure; name another"
                )
            unsaid = [name for name in OPTIONAL if name not in self.columns.model_fields_set]
            taken = {*self.columns.with_answers().names, *self.columns.labels.values()}
            found = {name: name for name in unsaid if name not in taken}
            object.__setattr__(self, "columns", self.columns.model_copy(update=found))
        return self

    @model_validator(mode="after")
    def _answers_have_a_column(self) -> Self:
        if self.answers_given:
            if self.columns.answer is None:
                raise ValueError("answers: given needs columns.answer: the column that has them")
            object.__setattr__(self, "columns", self.columns.with_answers())
            return self
        if self.columns.retrieved_context:
            raise ValueError(
                "columns.retrieved_context is what was retrieved for an answer that is given: it "
                "needs answers: given; of an endpoint that is asked, name where its response has "
                "the passages in endpoint.response.context"
            )
        measured = [key for key in MEASURED if getattr(self.columns, key)]
        if measured and not self.from_capture:
            raise ValueError(
                f"columns.{measured[0]} is what was measured of an answer that is given: it needs "
                "answers: given; of an endpoint that is asked it is measured here"
            )
        return self

    @model_validator(mode="after")
    def _hub_belongs_to_hub(self) -> Self:
        if self.hub is not None and not self.from_hub:
            raise ValueError(
                f"hub: is only for a source on the Hugging Face hub (hf://owner/name), "
                f"and source is {self.source!r}"
            )
        return self
