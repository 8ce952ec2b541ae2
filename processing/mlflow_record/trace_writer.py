"""MLflow's traces, written off the evaluation's path: one request a row, and the spans in batches.

`mlflow.genai.evaluate` sends a request for a trace, two for its spans, one for each verdict and one
to read it all back, and waits for each. Here it talks to a `TraceWriter` instead, which stands
where MLflow's tracking store stands and hands a trace on when it is whole: with all its verdicts,
in one StartTraceV3 (whose TraceInfo carries assessments), while the judges are still being asked.
What the server holds in the end is the same (tests/processing/test_trace_writer.py).

Servers differ in what they take (`ServerSupport`, which trial.py finds out before the first call).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from processing.base.errors import TrackingError
from processing.calls.judge_calls import INQUIRY
from processing.calls.paid_store import Record
from processing.mlflow_record.internals import (
    SPANS_IN_TRACKING_STORE,
    SPANS_LOCATION_TAG,
    tracking_store_replaced,
    upload_spans,
)
from processing.mlflow_record.judge_spans import verdict_spans
from processing.mlflow_record.requests_behind import RequestsBehind
from processing.mlflow_record.row_traces import ROW_TAG
from processing.mlflow_record.run import TrackedRun
from processing.mlflow_record.trace_draft import TraceDraft, as_sent, let_go

if TYPE_CHECKING:
    from mlflow.entities import Assessment, Span, Trace, TraceInfo

SPANS_TOGETHER = 100
LINKED_TOGETHER = 100  # MLflow's own limit (batch_link_traces_to_run)

SpanWay = Literal["together", "trace by trace", "as files"]


@dataclass(frozen=True)
class ServerSupport:
    """How spans reach the server and come back, and whether it links traces to a run.

    From 3.6 on it takes the spans of many traces at once; 3.4 and 3.5 take them of one, and never
    give them back. A trace names its run by itself, so that links are no part of what is read.
    `own_durations`: a trace with tokens keeps its duration when spans come that end later.
    """

    spans: SpanWay = "together"
    links: bool = True
    own_durations: bool = True


FULL_SUPPORT = ServerSupport()


class TraceWriter:
    """The tracking store `inner`, with traces held back until they are whole.

    Everything else goes to `inner` at once. Safe between threads.
    """

    def __init__(
        self,
        inner: Any,
        run: TrackedRun,
        support: ServerSupport = FULL_SUPPORT,
        tags: Callable[[], dict[str, str]] = dict,
    ) -> None:
        """`tags`: of every trace; asked for when the first one is sent, and may wait."""
        self._inner = inner
        self._run = run
        self._support = support
        self._tags = tags
        self._experiment_id = run.experiment_id
        self._drafts: dict[str, TraceDraft] = {}
        self._trace_ids: dict[str, str] = {}  # by row id
        self._lock = threading.Lock()
        self._requests = RequestsBehind()
        self._spans: list[Span] = []
        self._after_spans: list[TraceInfo] = []
        self._sent: list[str] = []  # trace ids, not linked to the run yet

    @property
    def run_id(self) -> str:
        return self._run.run_id

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    # What MLflow calls, by the names and with the arguments of its AbstractStore.

    def log_spans(
        self, location: str, spans: list[Span], tracking_uri: str | None = None
    ) -> list[Span]:
        if location != self._experiment_id:
            written: list[Span] = self._inner.log_spans(location, spans, tracking_uri=tracking_uri)
            return written
        with self._lock:
            for span in spans:
                self._drafts.setdefault(span.trace_id, TraceDraft()).spans.append(span)
        return spans

    def start_trace(self, trace_info: TraceInfo) -> TraceInfo:
        if trace_info.experiment_id != self._experiment_id:
            started: TraceInfo = self._inner.start_trace(trace_info)
            return started
        # the server says so once it has the spans; without it MLflow would upload them as a file
        trace_info.tags[SPANS_LOCATION_TAG] = SPANS_IN_TRACKING_STORE
        with self._lock:
            self._drafts.setdefault(trace_info.trace_id, TraceDraft()).info = trace_info
            self._trace_ids[trace_info.tags.get(ROW_TAG, "")] = trace_info.trace_id
        return trace_info

    def create_assessment(self, assessment: Assessment) -> Assessment:
        draft = self._drafts.get(str(assessment.trace_id))
        if draft is None or draft.info is None:
            created: Assessment = self._inner.create_assessment(assessment)
            return created
        with self._lock:
            # MLflow has put it on the row's span
            assessment.span_id = draft.span_ids.get(assessment.name, assessment.span_id)
            draft.info.assessments.append(assessment)
            whole = len(draft.info.assessments) == draft.whole_with
        if whole:
            self._give(draft)
        return assessment

    def get_trace_info(self, trace_id: str) -> TraceInfo:
        draft = self._drafts.get(trace_id)
        info: TraceInfo = (
            draft.info if draft and draft.info else self._inner.get_trace_info(trace_id)
        )
        return info

    def get_trace(self, trace_id: str, *, allow_partial: bool = False) -> Trace:
        if trace_id in self._drafts:
            return self._drafts[trace_id].trace()
        found: Trace = self._inner.get_trace(trace_id, allow_partial=allow_partial)
        return found

    def link_traces_to_run(self, trace_ids: list[str], run_id: str) -> None:
        """Done for all of them by `finish`, when the server has them."""
        if others := [trace_id for trace_id in trace_ids if trace_id not in self._drafts]:
            self._inner.link_traces_to_run(others, run_id=run_id)

    def search_traces(self, *_: Any, **__: Any) -> tuple[list[Trace], None]:
        """Nothing: evaluate makes its table of the rows from this, and nobody reads that here."""
        return [], None

    # What the evaluation calls.

    def expect(self, row_id: str, assessments: int) -> None:
        """Write the row's trace as soon as it has so many assessments."""
        self._drafts[self._trace_ids[row_id]].whole_with = assessments

    def look_into(self, row_id: str, scorer: str, record: Record) -> None:
        """Have the row's trace show how the scorer's verdict on it came about, if that is noted."""
        if INQUIRY not in record:
            return
        draft = self._drafts[self._trace_ids[row_id]]
        [root] = [span for span in draft.spans if span.parent_id is None]
        assert draft.info is not None, "the trace has ended"
        spans = verdict_spans(scorer, record, root)
        with self._lock:
            draft.judge_spans += spans
            draft.span_ids[scorer] = spans[0].span_id

    def finish(self) -> None:
        """Return when the server has everything. Raises TrackingError if it refused something."""
        for draft in self._drafts.values():
            self._give(draft)
        self._await()
        self._requests.submit(lambda: self._send_together(everything=True))
        self._await()
        self._drafts.clear()

    def close(self) -> None:
        self._requests.close()

    def _await(self) -> None:
        try:
            self._requests.wait()
        except TrackingError:
            raise
        except Exception as error:
            raise TrackingError(
                f"MLflow did not take a trace ({type(error).__name__}: {str(error)[:300]}): "
                "the record is incomplete, so there is no verdict; what was paid for is kept"
            ) from error

    def _give(self, draft: TraceDraft) -> None:
        with self._lock:
            if draft.given or draft.info is None:
                return
            draft.given = True
        self._requests.submit(self._send, draft)

    def _send(self, draft: TraceDraft) -> None:
        assert draft.info is not None
        spans_first = self._spans_first(draft)
        if not spans_first:
            self._start(draft.info)
        with self._lock:
            self._spans += [*draft.spans, *draft.judge_spans]
            draft.spans.clear()  # the scorers have seen them, and MLflow keeps the row's trace
            draft.judge_spans.clear()
            if spans_first:
                self._after_spans.append(draft.info)
        self._send_together(everything=False)

    def _spans_first(self, draft: TraceDraft) -> bool:
        """MLflow stretches a trace that it has to the spans that come later, here the judges'.

        Not so a trace with tokens, in newer versions (3.12, not 3.8). A trace that comes after its
        spans is kept as it is, but takes the server twice the time.
        """
        if not draft.judge_spans or self._support.spans == "as files":
            return False
        assert draft.info is not None
        return not (self._support.own_durations and draft.info.token_usage)

    def _start(self, info: TraceInfo) -> None:
        self._inner.start_trace(as_sent(info, self._tags()))
        let_go(info)
        with self._lock:
            self._sent.append(info.trace_id)

    def _send_together(self, *, everything: bool) -> None:
        with self._lock:
            spans, infos = [], []  # new lists for what is kept back: others go on adding
            enough = SPANS_TOGETHER if self._support.spans == "together" else 1
            if everything or len(self._spans) >= enough:
                spans, self._spans = self._spans, []
                infos, self._after_spans = self._after_spans, []
        self._send_spans(spans)
        for info in infos:
            self._start(info)
        self._link(everything=everything)

    def _link(self, *, everything: bool) -> None:
        with self._lock:
            enough = 1 if everything else LINKED_TOGETHER
            sent, self._sent = (self._sent, []) if len(self._sent) >= enough else ([], self._sent)
        for begin in range(0, len(sent), LINKED_TOGETHER) if self._support.links else ():
            together = sent[begin : begin + LINKED_TOGETHER]
            self._inner.link_traces_to_run(together, run_id=self._run.run_id)

    def _send_spans(self, spans: Sequence[Span]) -> None:
        if self._support.spans == "together":
            if spans:
                self._inner.log_spans(self._experiment_id, list(spans))
            return
        by_trace: dict[str, list[Span]] = {}
        for span in spans:
            by_trace.setdefault(span.trace_id, []).append(span)
        for trace_id, of_trace in by_trace.items():
            if self._support.spans == "trace by trace":
                self._inner.log_spans(self._experiment_id, of_trace)
            else:
                self._upload(trace_id, of_trace)

    def _upload(self, trace_id: str, spans: Sequence[Span]) -> None:
        info = self._inner.get_trace_info(trace_id)  # the server says where the file belongs
        self._run.outage.survive("writing traces", lambda: upload_spans(info, spans))


@contextmanager
def traces_written_behind(
    run: TrackedRun,
    support: ServerSupport = FULL_SUPPORT,
    tags: Callable[[], dict[str, str]] = dict,
) -> Iterator[TraceWriter]:
    """Within the block MLflow's tracking store is a TraceWriter."""

    def writer_before(store: Any) -> TraceWriter:
        return TraceWriter(store, run, support, tags)

    with tracking_store_replaced(run.tracking_uri, writer_before) as writer:
        try:
            yield writer
        except BaseException:
            run.outage.end()  # what is being sent would else wait for a server that is away
            raise
        finally:
            writer.close()
