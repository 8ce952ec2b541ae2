"""`mlflow:`, the tracking server that holds the record of every evaluation."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from processing.config import patterns
from processing.config.section import S3Uri, Section

JudgeSpans = Literal["full", "failed", "none"]

MOST_ROWS_IN_FULL = 1_000


class Mlflow(Section):
    """`tracking_uri`: a SageMaker MLflow App or tracking server ARN, or an http(s) address.

    `artifact_location` is where that App or server keeps artifacts; only `permissions` asks for it,
    and `permissions create` finds it.
    `prompts`: whether they are kept in its prompt registry. `judge_spans`: which verdicts' judge
    calls stand in their row's trace; None leaves it to `judge_spans_of`.
    """

    tracking_uri: str = Field(pattern=patterns.MLFLOW)
    experiment: str = Field(default="llm-evaluation", min_length=1)
    artifact_location: S3Uri | None = None
    prompts: bool = True
    judge_spans: JudgeSpans | None = None

    def judge_spans_of(self, rows: int) -> JudgeSpans:
        """For a dataset of so many rows: all verdicts, or of many rows those that failed."""
        return self.judge_spans or ("full" if rows <= MOST_ROWS_IN_FULL else "failed")

    @property
    def is_managed(self) -> bool:
        """Whether SageMaker runs it: an App or a tracking server, not an address."""
        return self.tracking_uri.startswith("arn:")
