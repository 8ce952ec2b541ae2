"""A row's trace before it is on the server: what is gathered, and what is sent of it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from processing.mlflow_record.internals import SPANS_LOCATION_TAG

if TYPE_CHECKING:
    from mlflow.entities import Span, Trace, TraceInfo


@dataclass
class TraceDraft:
    """`whole_with`: so many assessments complete the trace.

    `judge_spans` are apart from `spans`, the row's trace as its scorers see it; `span_ids` are
    those of the scorers' spans, by scorer.
    """

    spans: list[Span] = field(default_factory=list)
    judge_spans: list[Span] = field(default_factory=list)
    span_ids: dict[str, str] = field(default_factory=dict)
    info: TraceInfo | None = None
    whole_with: int | None = None
    given: bool = False

    def trace(self) -> Trace:
        from mlflow.entities import Trace, TraceData

        assert self.info is not None, "the trace has ended"
        return Trace(self.info, TraceData(spans=self.spans))


def as_sent(info: TraceInfo, tags: dict[str, str]) -> TraceInfo:
    """With `tags`, and without where the spans are, which the server says itself."""
    own = {key: value for key, value in info.tags.items() if key != SPANS_LOCATION_TAG}
    for assessment in info.assessments:
        # the server's to give, but then a request that is made again brings a second one
        assessment.assessment_id = assessment.assessment_id or f"a-{uuid.uuid4().hex}"
    return replace(info, tags=own | tags)


def let_go(info: TraceInfo) -> None:
    """Of what the server has, keep no text: MLflow's table would, to the end of the evaluation."""
    for assessment in info.assessments:
        assessment.rationale = assessment.metadata = None
    info.request_preview = info.response_preview = None
    for held in (info.assessments, info.trace_metadata):
        held.clear()
