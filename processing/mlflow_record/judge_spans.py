"""How a verdict came about, as spans of its row's trace: the scorer, and its judge calls below it.

In the row's own trace and not in one of the scorer's (`mlflow.assessment.scorerTraceId`): those
stand among the rows on MLflow's page of traces, one for each row and scorer, and take a request
each. The assessment names its scorer's span (`span_id`), and MLflow's page links the two.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from processing.calls.judge_calls import INQUIRY, JudgeCall, Try, inquiry_of, shown_text
from processing.config.judge import judge_name
from processing.mlflow_record.internals import (
    MODEL_ATTRIBUTE,
    ended_span,
    new_span_id,
)

if TYPE_CHECKING:
    from mlflow.entities import Span

    from processing.calls.paid_store import Record


def verdict_spans(scorer: str, record: Record, root: Span) -> list[Span]:
    """The scorer's span, and then those below it, all below `root`, the row's.

    `record`: the verdict as it is kept, and under INQUIRY how it came about. Of several tries each
    has a span of its own.
    """
    tries = inquiry_of(record[INQUIRY])
    verdict_id = new_span_id()
    below: list[Span] = []
    for number, attempt in enumerate(tries, 1):
        parent = verdict_id
        if len(tries) > 1:
            parent = new_span_id()
            below.append(_try_span(_try_name(number, tries), attempt, root, parent, verdict_id))
        below += [_call_span(call, root, parent) for call in attempt.calls]
    verdict = ended_span(
        root.trace_id,
        scorer,
        "EVALUATOR",
        span_id=verdict_id,
        parent_id=root.span_id,
        times=(min(t.started_ns for t in tries), max(t.ended_ns for t in tries)),
        outputs=_verdict(record),
        error=record.get("error"),
        attributes={"reused": all(each.reused for each in tries), **_kept(record)},
    )
    return [verdict, *below]


def _try_name(number: int, tries: Sequence[Try]) -> str:
    """With `judge.repeats`, or a panel of judges, each try is for one of several verdicts."""
    attempt = tries[number - 1]
    if attempt.judge:
        own = [each for each in tries if each.judge == attempt.judge]
        name = judge_name(attempt.judge)
        if len(own) == 1:
            return name
        return f"{name}: {_of_one_judge(own.index(attempt) + 1, own)}"
    return _of_one_judge(number, tries)


def _of_one_judge(number: int, tries: Sequence[Try]) -> str:
    repeat = tries[number - 1].repeat
    if all(each.repeat == 1 for each in tries):
        return f"try {number}"
    of_same = [n for n, each in enumerate(tries, 1) if each.repeat == repeat]
    again = f", try {of_same.index(number) + 1}" if len(of_same) > 1 else ""
    return f"verdict {repeat}{again}"


def _verdict(record: Record) -> dict[str, Any]:
    if "error" in record:
        return {"error": record["error"]}
    return {"value": record["value"], "rationale": shown_text(record["rationale"] or "")}


def _kept(record: Record) -> Mapping[str, Any]:
    """Calls and tokens, as the verdict's metadata tells them."""
    return record.get("metadata") or {}


def _try_span(name: str, attempt: Try, root: Span, span_id: str, parent_id: str) -> Span:
    return ended_span(
        root.trace_id,
        name,
        "CHAIN",
        span_id=span_id,
        parent_id=parent_id,
        times=(attempt.started_ns, attempt.ended_ns),
        outputs={"error": attempt.error} if attempt.error else None,
        error=attempt.error,
        attributes={"reused": True} if attempt.reused else {},
    )


def _call_span(call: JudgeCall, root: Span, parent_id: str) -> Span:
    return ended_span(
        root.trace_id,
        "judge call",
        "CHAT_MODEL",
        span_id=new_span_id(),
        parent_id=parent_id,
        times=(call.started_ns, call.ended_ns),
        inputs={"messages": call.messages},
        outputs=_said(call),
        error=call.error,
        attributes=dict(_call_attributes(call)),
    )


def _said(call: JudgeCall) -> Any:
    """In the form of OpenAI's chat completions, which MLflow's page shows as a conversation."""
    if call.reply is None:
        return {"error": call.error}
    message = {"role": "assistant", "content": call.reply}
    return {"choices": [{"message": message}], **({"error": call.error} if call.error else {})}


def _call_attributes(call: JudgeCall) -> Iterator[tuple[str, Any]]:
    """Tokens stand where MLflow adds none up: beside a model's name it would look for its price.

    Then its server imports LiteLLM (2.4 s, 200 MB), and the row's own tokens would be the judges'.
    """
    yield MODEL_ATTRIBUTE, call.model
    if call.requests:
        yield "requests", call.requests
    if call.reused:
        yield "reused", True
    if call.stop_reason:
        yield "stop_reason", call.stop_reason
    if call.reasoning:
        yield "reasoning", call.reasoning
    if call.input_tokens or call.output_tokens:  # 0 where the judge tells none
        yield "input_tokens", call.input_tokens
        yield "output_tokens", call.output_tokens
