"""A conversation before the question: its turns, out of OpenAI's list of messages.

Source: the API reference of OpenAI's chat completions. In CSV the list is JSON text; in JSON Lines
and Parquet it is a list of objects.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from processing.base.clean_text import has_text
from processing.base.exact_json import decode
from processing.dataset.media import MEND, media_in

ROLES = ("system", "developer", "user", "assistant", "tool")
INSTRUCTING = ("system", "developer")
KEYS = ("role", "content", "name", "tool_calls", "tool_call_id")


@dataclass(frozen=True, slots=True)
class ToolCall:
    """`arguments` is JSON text, as the model wrote it."""

    name: str
    arguments: str
    id: str = ""

    @property
    def shown(self) -> str:
        """As code would have it, for people and for comparing."""
        return f"{self.name}({self.arguments})"


@dataclass(frozen=True, slots=True)
class Turn:
    """One message. `content` is empty only where an assistant calls tools."""

    role: str
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    name: str = ""

    @property
    def texts(self) -> tuple[str, ...]:
        return (self.content, *(call.arguments for call in self.tool_calls))

    def mapped(self, change: Callable[[str], str]) -> Turn:
        calls = tuple(replace(call, arguments=change(call.arguments)) for call in self.tool_calls)
        return replace(self, content=change(self.content), tool_calls=calls)

    def message(self) -> dict[str, Any]:
        """As chat completions take it."""
        said: dict[str, Any] = {"role": self.role, "content": self.content}
        if self.tool_calls:
            said["content"] = self.content or None
            said["tool_calls"] = [
                {
                    **({"id": call.id} if call.id else {}),
                    "type": "function",
                    "function": {"name": call.name, "arguments": call.arguments},
                }
                for call in self.tool_calls
            ]
        given = {"tool_call_id": self.tool_call_id, "name": self.name}
        return said | {key: value for key, value in given.items() if value}


class NotAConversation(ValueError):
    """Arguments: reason, which the manifest counts by, and detail."""


def messages_of(turns: Iterable[Turn]) -> list[dict[str, Any]]:
    return [turn.message() for turn in turns]


def turns_in(cell: Any, column: str) -> tuple[Turn, ...]:
    """The turns of a cell, the last of which is the user's. Raises NotAConversation."""
    place = f"column {column!r}"
    if isinstance(cell, str):
        try:
            cell = decode(cell.encode())
        except (ValueError, RecursionError) as error:
            raise NotAConversation(
                "messages are no JSON",
                f"{place}: {error}; write the cell with json.dumps(messages)",
            ) from error
    if not isinstance(cell, list):
        raise NotAConversation(
            "messages are no list",
            f'{place} holds a {type(cell).__name__}; a list of {{"role", "content"}} is read',
        )
    turns = tuple(turn_of(message, f"{place}[{n}]") for n, message in enumerate(cell))
    if not turns:
        raise NotAConversation("no messages", f"{place} is an empty list")
    if turns[-1].role != "user":
        raise NotAConversation(
            "the conversation does not end with the user",
            f"{place}: its last message is the {turns[-1].role}'s; the model answers the user's "
            "last one: take what comes after that out, or map it as the expected response",
        )
    return turns


def turn_of(message: Any, place: str) -> Turn:
    """Raises NotAConversation for what is no message, or none that can be sent as it stands."""
    if not isinstance(message, dict):
        raise NotAConversation("not a message", f"{place} is a {type(message).__name__}")
    given = {key: value for key, value in message.items() if value not in (None, [], "")}
    if {"from", "value"} <= set(given):
        raise NotAConversation("not a message", f"{place}: from and value are role and content")
    if unknown := sorted(map(str, set(given) - set(KEYS))):
        raise NotAConversation(
            "a key that is not known",
            f"{place} has {unknown[0]!r}; a message has {', '.join(KEYS)}: take it out",
        )
    role = given.get("role")
    if role not in ROLES:
        raise NotAConversation(
            "a role that is not known", f"{place}: {role!r} is none of {', '.join(ROLES)}"
        )
    calls = _tool_calls(given.get("tool_calls", []), role, place)
    content = _content(given.get("content", ""), place)
    if not has_text(content) and not calls:
        raise NotAConversation("a message without text", f"{place}, of the {role}")
    return Turn(
        role,
        content,
        calls,
        tool_call_id=_text(given, "tool_call_id", place),
        name=_text(given, "name", place),
    )


def _content(content: Any, place: str) -> str:
    """Text parts are joined by line ends, as vLLM's chat templates have it."""
    if (found := media_in(content)) is not None:
        raise NotAConversation(found[0], f"{found[1]} in {place}: {MEND}")
    if isinstance(content, str):
        return content
    parts: list[str] = []
    for part in content if isinstance(content, list) else [content]:
        text = part.get("text") if isinstance(part, dict) else part
        if not isinstance(text, str):
            kind = part.get("type") if isinstance(part, dict) else type(part).__name__
            raise NotAConversation("a part that is no text", f"{place}: of type {kind}")
        parts.append(text)
    return "\n".join(parts)


def _tool_calls(calls: Any, role: str, place: str) -> tuple[ToolCall, ...]:
    if not calls:
        return ()
    if role != "assistant" or not isinstance(calls, list | tuple):
        raise NotAConversation("tool calls", f"{place}: an assistant's list of calls is read")
    found = []
    for call in calls:
        function = call.get("function", call) if isinstance(call, dict) else {}
        name, arguments = function.get("name"), function.get("arguments")
        if not isinstance(name, str) or not has_text(name):
            raise NotAConversation("tool calls", f"{place}: a call without function.name")
        if not isinstance(arguments, str):
            arguments = json.dumps(arguments or {}, ensure_ascii=False, default=str)
        found.append(ToolCall(name, arguments, str(call.get("id") or "")))
    return tuple(found)


def _text(given: dict[str, Any], key: str, place: str) -> str:
    value = given.get(key, "")
    if not isinstance(value, str):
        raise NotAConversation("not a message", f"{place}: {key} is no text")
    return value


def history_of(messages: Sequence[dict[str, Any]]) -> tuple[Turn, ...]:
    """Of a line of `dataset.jsonl`, which `messages_of` wrote. Raises ValueError."""
    return tuple(turn_of(message, f"history[{n}]") for n, message in enumerate(messages))
