"""A row's trace: how it is made of an answer, and how a run's traces are read back."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from processing.base.errors import TrackingError
from processing.base.secrets import masked
from processing.base.visible_text import visible
from processing.dataset.retrieved import Retrieved
from processing.dataset.rows import Row
from processing.dataset.turns import Turn, messages_of
from processing.endpoint.answers import Answer
from processing.endpoint.client import STREAM_KEYS
from processing.mlflow_record.internals import TOKEN_USAGE_ATTRIBUTE, TRACE_SESSION
from processing.mlflow_record.run import TrackedRun

if TYPE_CHECKING:
    from mlflow.entities import LiveSpan, Trace

ROW_TAG = "row_id"
GIVEN_SPAN = "answer as given"
"""Stands where the call of the endpoint does, in the trace of a row whose answer exists already."""

TRACES_A_PAGE = 500  # as many as MLflow gives
LONGEST_SESSION = 200  # characters; MLflow keeps 250 of a trace's metadata


def draft_trace(answer: Answer, run_id: str = "") -> None:
    """Make the row's trace, with the times at which the endpoint really answered.

    Within `traces_written_behind`, which writes it when it is whole. `run_id` is part of the
    session's name: another run's answer is no further turn of the same conversation.
    """
    import mlflow
    from mlflow.entities import SpanStatusCode, SpanType

    call, reply = answer.call, answer.call.said
    root = mlflow.start_span_no_context(
        "answer",
        span_type=SpanType.CHAIN,
        inputs=_inputs(answer.row),
        tags={ROW_TAG: answer.row.row_id, **_slice_tags(answer)},
        metadata=_session(answer.row, run_id),
        start_time_ns=call.started_ns,
    )
    given = answer.row.given
    span = mlflow.start_span_no_context(
        "InvokeEndpoint" if given is None else GIVEN_SPAN,
        span_type=SpanType.CHAT_MODEL,
        parent_span=root,
        inputs=answer.request,
        start_time_ns=call.started_ns,
    )
    if given is None:
        told = {"load": call.load, **{key: getattr(call, key) for key in STREAM_KEYS}}
        span.set_attributes(
            {"attempts": call.attempts, "latency_ms": call.latency_ms}
            | {key: value for key, value in told.items() if value not in (None, "")}
        )
    else:
        told = {"latency_ms": given.latency_ms, "event_id": given.event_id, "time": given.time}
        known = {key: value for key, value in told.items() if value not in (None, "")}
        span.set_attributes({"asked": "no: the answer was given", **known})
    if answer.reasoning:  # beside the answer, where no scorer looks
        span.set_attribute("reasoning", answer.reasoning)
    if reply and reply.stop_reason:
        span.set_attribute("stop_reason", reply.stop_reason)
    if reply and reply.input_tokens is not None and reply.output_tokens is not None:
        usage = {
            "input_tokens": reply.input_tokens,
            "output_tokens": reply.output_tokens,
            "total_tokens": reply.input_tokens + reply.output_tokens,
        }
        span.set_attribute(TOKEN_USAGE_ATTRIBUTE, usage)
    if reply and reply.retrieved is not None:
        _add_retrieval(span, answer, reply.retrieved)
    outputs = {"error": masked(call.error)} if call.error else _said(answer)
    status = SpanStatusCode.ERROR if call.error else SpanStatusCode.OK
    span.end(outputs=outputs, status=status, end_time_ns=call.ended_ns)
    root.end(outputs=outputs, status=status, end_time_ns=call.ended_ns)


def _add_retrieval(call: LiveSpan, answer: Answer, retrieved: Retrieved) -> None:
    """The endpoint's retrieval, of which it tells the passages and not the time.

    The documents are as MLflow's page shows them (`mlflow.entities.Document`).
    """
    import mlflow
    from mlflow.entities import SpanStatusCode, SpanType

    documents = [
        {"page_content": passage.text, "metadata": dict(passage.metadata)}
        for passage in retrieved.passages
    ]
    span = mlflow.start_span_no_context(
        "retrieval",
        span_type=SpanType.RETRIEVER,
        parent_span=call,
        inputs={"question": answer.row.question},
        start_time_ns=answer.call.started_ns,
    )
    if retrieved.problem:
        span.set_attribute("problem", retrieved.problem)
    status = SpanStatusCode.ERROR if retrieved.problem else SpanStatusCode.OK
    span.end(outputs=documents, status=status, end_time_ns=answer.call.ended_ns)


def _said(answer: Answer) -> Any:
    """The text; with tool calls a message of chat completions, as MLflow's page shows it."""
    calls = answer.judged.tool_calls if answer.judged else ()
    if not calls:
        return answer.text
    message = Turn("assistant", answer.text or "", calls).message()
    return {"choices": [{"message": message}]}


def _inputs(row: Row) -> dict[str, object]:
    """`messages` is what MLflow's pages and judges know a conversation by."""
    messages = {"messages": messages_of(row.turns)} if row.history else {}
    return {"question": row.question, **messages}


def _session(row: Row, run_id: str) -> dict[str, str]:
    """A conversation is a session, and so are the rows that the dataset calls one."""
    if not (row.history or row.talk.session):
        return {}
    name = visible(row.talk.session or row.row_id)[:LONGEST_SESSION]
    return {TRACE_SESSION: f"{name} ({run_id[:8]})" if run_id else name}


def _slice_tags(answer: Answer) -> dict[str, str]:
    return {f"slice.{name}": visible(str(value)) for name, value in answer.row.slices.items()}


def traces_of(run: TrackedRun) -> Iterator[Trace]:
    """The rows' traces as the server holds them, without their spans; one page in memory."""
    for page in trace_pages(run.experiment_id, run.run_id):
        yield from page


def trace_pages(experiment_id: str, run_id: str | None = None) -> Iterator[list[Trace]]:
    """Of all runs of the experiment, or of one, the newest first; those of rows, without spans."""
    from mlflow import MlflowClient

    client, page_token = MlflowClient(), None
    while True:
        page = client.search_traces(
            locations=[experiment_id],
            run_id=run_id,
            include_spans=False,
            max_results=TRACES_A_PAGE,
            page_token=page_token,
        )
        yield [trace for trace in page if ROW_TAG in trace.info.tags]
        page_token = page.token
        if not page_token:
            return


def require_traces(held: Container[str], answers: Sequence[Answer]) -> None:
    """Raise TrackingError unless every row that was asked has a trace among those MLflow holds."""
    missing = [a.row.row_id for a in answers if a.asked and a.row.row_id not in held]
    if missing:
        raise TrackingError(
            f"MLflow holds no trace for {len(missing)} of {len(answers)} rows "
            f"(first: {missing[0]}): the record is incomplete, so there is no verdict"
        )
