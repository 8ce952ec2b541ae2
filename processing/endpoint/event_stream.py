"""A stream of events put together into the one body that the server would have sent without it.

A container streams when `endpoint.parameters` or its own setting has `stream: true`. Sources:
OpenAI's chat completion chunks; TGI's StreamResponse, whose last event has the whole text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from processing.base.content_parts import REASONING_KEYS
from processing.endpoint.body import refuse_error, stop_reason_of
from processing.endpoint.reply import UnusableReply, excerpt


def merged(events: Sequence[Any]) -> Any:
    """The whole body; an event is a JSON document, or None for the end that OpenAI's streams mark.

    Raises UnusableReply for a stream that reports an error, ends before the answer does, or is of a
    form that cannot be put together.
    """
    told = [event for event in events if event is not None]
    for event in told:
        refuse_error(event)
    whole = [e for e in told if isinstance(e, dict) and isinstance(e.get("generated_text"), str)]
    if whole:
        return whole[-1]
    return _chat(told, ended=None in events)


def _chat(events: Sequence[Any], *, ended: bool) -> dict[str, Any]:
    said: dict[str, str] = {}
    calls: list[Any] = []
    stop_reason, usage = "", None
    for event in events:
        try:
            usage = event.get("usage") or usage
            choices = event["choices"]
            if not choices:
                continue  # as the last one, which has the usage
            choice = choices[0]
            refuse_error(choice)
            delta = choice["delta"] if "delta" in choice else {"content": choice["text"]}
            for key in ("content", *REASONING_KEYS):
                said[key] = said.get(key, "") + (delta.get(key) or "")
            calls += delta.get("tool_calls") or []
        except (AttributeError, LookupError, TypeError) as error:
            raise UnusableReply(
                f"the body is a stream of events that cannot be read: {excerpt(event)}; turn "
                "streaming off (stream: false)"
            ) from error
        stop_reason = stop_reason_of([choice]) or stop_reason
    if not (ended or stop_reason):
        raise UnusableReply("the body is a stream of events that ends before the answer does")
    choice = {"message": {k: v for k, v in said.items() if v}, "finish_reason": stop_reason}
    choice["message"].setdefault("content", "")
    if calls:
        choice["message"]["tool_calls"] = _merged_calls(calls)
    return {"choices": [choice], "usage": usage}


def _merged_calls(deltas: Sequence[Any]) -> list[dict[str, Any]]:
    """The whole calls out of a stream's pieces, as `tool_calls` of chat completions.

    The first piece of a call has its name and id, the others have parts of the arguments; `index`
    says which call they belong to.
    """
    calls: dict[int, dict[str, Any]] = {}
    for piece in deltas:
        if not isinstance(piece, Mapping):
            continue
        index = piece.get("index")
        call = calls.setdefault(
            index if isinstance(index, int) else 0,
            {"type": "function", "function": {"name": "", "arguments": ""}},
        )
        if piece.get("id"):
            call["id"] = piece["id"]
        told = piece.get("function")
        for key in ("name", "arguments"):
            if isinstance(told, Mapping) and isinstance(text := told.get(key), str):
                call["function"][key] += text
    return [call for _, call in sorted(calls.items())]
