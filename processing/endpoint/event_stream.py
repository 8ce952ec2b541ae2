"""A stream of events put together into the one body that the server would have sent without it.

A container streams with `endpoint.stream`, or when `endpoint.parameters` or its own setting has
`stream: true`. Sources: OpenAI's chat completion chunks; TGI's StreamResponse and LMI's JSON lines,
whose last event has the whole text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from processing.base.content_parts import REASONING_KEYS
from processing.endpoint.body import refuse_error, stop_reason_of
from processing.endpoint.reply import UnusableReply, excerpt

_IN_PIECES = {"choices", "usage", "token", "content", "tool_calls", *REASONING_KEYS}
_IN_PIECES |= {"role", "refusal", "function_call", "audio"}
"""What no event or delta of a stream has as a whole."""


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
        return _told_once(told) | _counted(whole[-1], sum(map(has_token, told)))
    if told and all(isinstance(e, dict) and "token" in e for e in told):
        raise UnusableReply("the body is a stream of events that ends before the answer does")
    return _chat(told, ended=None in events)


def is_chunk(document: dict[str, Any]) -> bool:
    """Whether it is part of an answer, and has no whole one."""
    choices = document.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    delta = isinstance(first, dict) and "delta" in first and "message" not in first
    return delta or ("token" in document and not isinstance(document.get("generated_text"), str))


def has_token(event: Any) -> bool:
    """Whether the model has said or thought something with this event.

    It has not with one that names the role, is empty, or counts tokens.
    """
    if not isinstance(event, dict):
        return False
    if isinstance(token := event.get("token"), dict):
        return bool(token.get("text")) or token.get("special") is True
    choices = event.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, dict):
        return False
    delta = choice.get("delta")
    told = delta if isinstance(delta, dict) else {"content": choice.get("text")}
    return any(told.get(key) for key in ("content", *REASONING_KEYS, "tool_calls", "refusal"))


def _counted(whole: dict[str, Any], tokens: int) -> dict[str, Any]:
    """With the number of its tokens, of which each was an event, where the server does not say."""
    details = whole.get("details")
    told = details if isinstance(details, dict) else {}
    if not tokens or told.get("generated_tokens") is not None:
        return whole
    return {**whole, "details": {**told, "generated_tokens": tokens}}


def _told_once(events: Sequence[Any]) -> dict[str, Any]:
    """What stands beside a stream's tokens, such as the passages that a service has retrieved.

    It comes with one event, first or last; others leave it out, or have a null in its place.
    """
    return {
        key: value
        for event in events
        if isinstance(event, Mapping)
        for key, value in event.items()
        if key not in _IN_PIECES and value is not None
    }


def _chat(events: Sequence[Any], *, ended: bool) -> dict[str, Any]:
    said: dict[str, str] = {}
    calls: list[Any] = []
    stop_reason, usage = "", None
    beside = _told_once(events)
    with_message: dict[str, Any] = {}  # as Azure OpenAI's `context`, with its citations
    for event in events:
        try:
            usage = event.get("usage") or usage
            choices = event["choices"]
            if not choices:
                continue  # as the last one, which has the usage
            choice = choices[0]
            if choice.get("index", 0) != 0:
                continue  # another answer to the same request (n: 2)
            refuse_error(choice)
            delta = choice["delta"] if "delta" in choice else {"content": choice["text"]}
            for key in ("content", *REASONING_KEYS):
                said[key] = said.get(key, "") + (delta.get(key) or "")
            calls += delta.get("tool_calls") or []
            with_message |= _told_once([delta])
        except (AttributeError, LookupError, TypeError) as error:
            raise UnusableReply(
                f"the body is a stream of events that cannot be read: {excerpt(event)}; turn "
                "streaming off (stream: false)"
            ) from error
        stop_reason = stop_reason_of([choice]) or stop_reason
    if not (ended or stop_reason):
        raise UnusableReply("the body is a stream of events that ends before the answer does")
    spoken = {key: text for key, text in said.items() if text}
    choice = {"message": with_message | spoken, "finish_reason": stop_reason}
    choice["message"].setdefault("content", "")
    if calls:
        choice["message"]["tool_calls"] = _merged_calls(calls)
    return {**beside, "choices": [choice], "usage": usage}


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
