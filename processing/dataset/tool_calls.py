"""The tools that a model wants called, and those that it should. Nothing is ever called here.

Sources: the API references of OpenAI (chat completions: `tool_calls`, and `function_call` before;
responses), Anthropic (messages), Amazon Bedrock (Converse), Gemini (generateContent), Ollama.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from processing.base.clean_text import has_text
from processing.dataset.turns import ToolCall

CALL_KEYS = ("tool_calls", "function_call", "functionCall", "toolUse")
"""Under these a message, or a part of one, has the calls beside its text."""

CALL_KINDS = frozenset({"tool_use", "function_call", "server_tool_use"})
"""Types of a part that is itself a call."""

ANY_ARGUMENTS = ""
"""Those of an expected call that says none."""

_ARGUMENTS = ("arguments", "input", "args", "parameters")
_IDS = ("id", "call_id", "toolUseId", "tool_call_id")
_DEEPEST = 8


def tool_calls_in(found: Any) -> tuple[ToolCall, ...]:
    """The calls in a message, its content, its parts, or a list of calls, in their order, once."""
    calls = (_call(entry) for entry in _entries(found, _DEEPEST))
    return tuple(dict.fromkeys(call for call in calls if call is not None))


def _entries(found: Any, left: int) -> Iterator[Mapping[str, Any]]:
    """Everything that could be a call."""
    if not left:
        return
    if isinstance(found, list):
        for each in found:
            yield from _entries(each, left - 1)
    elif isinstance(found, Mapping):
        held = [found[key] for key in CALL_KEYS if isinstance(found.get(key), list | dict)]
        if isinstance(found.get("function"), Mapping):  # OpenAI's; the call's own id is beside it
            yield {**found["function"], "id": found.get("id")}
        elif isinstance(found.get("name"), str) and any(key in found for key in _ARGUMENTS):
            yield found
        elif held:
            yield from _entries(held, left - 1)
        for key in ("content", "parts"):
            if isinstance(found.get(key), list):
                yield from _entries(found[key], left - 1)


def _call(entry: Mapping[str, Any]) -> ToolCall | None:
    name = entry.get("name")
    if not isinstance(name, str) or not has_text(name):
        return None
    arguments: Any = next((entry[key] for key in _ARGUMENTS if entry.get(key) is not None), {})
    if not isinstance(arguments, str):
        arguments = json.dumps(arguments, ensure_ascii=False)
    given = next((entry[key] for key in _IDS if entry.get(key) is not None), "")
    return ToolCall(name.strip(), arguments, str(given))


def arguments_of(call: ToolCall) -> dict[str, Any]:
    """The call's arguments. Raises ValueError where its text is no JSON object."""
    if not call.arguments.strip():
        return {}
    try:
        found = json.loads(call.arguments)
    except RecursionError as error:
        raise ValueError("JSON that is nested too deeply") from error
    if not isinstance(found, dict):
        raise ValueError("no JSON object")  # noqa: TRY004 as the text is wrong, not its type
    return found


class NotCallsError(ValueError):
    """Arguments: reason, which the manifest counts by, and detail."""


def expected_calls_in(cell: Any, place: str) -> tuple[ToolCall, ...] | None:
    """The calls that a row expects, each with or without arguments; None where nobody says.

    An empty list is the expectation that no tool is called. Raises NotCallsError.
    """
    if isinstance(cell, str) and cell.strip():
        try:
            cell = json.loads(cell)
        except (ValueError, RecursionError) as error:
            raise NotCallsError("expected tool calls are no JSON", f"{place}: {error}") from error
    if cell is None or cell == "":
        return None
    return tuple(
        _expected(each, f"{place}[{number}]")
        for number, each in enumerate(cell if isinstance(cell, list) else [cell])
    )


def _expected(entry: Any, place: str) -> ToolCall:
    told = entry.get("function", entry) if isinstance(entry, dict) else {}
    name = told.get("name") if isinstance(told, dict) else None
    if not isinstance(name, str) or not has_text(name):
        wanted = f'{place} has no name: {{"name": ..., "arguments": {{...}}}} is read'
        raise NotCallsError("an expected tool call without a name", wanted)
    arguments = told.get("arguments")
    if arguments is None:
        return ToolCall(name.strip(), ANY_ARGUMENTS)
    if not isinstance(arguments, str):
        arguments = json.dumps(arguments, ensure_ascii=False, default=str)
    call = ToolCall(name.strip(), arguments)
    try:
        arguments_of(call)
    except ValueError as error:
        raise NotCallsError("arguments that are no JSON object", f"{place}: {error}") from error
    return replace(call, arguments=arguments.strip() or "{}")


def entry_of(call: ToolCall) -> dict[str, Any]:
    """An expected call as MLflow's scorers take it."""
    if call.arguments == ANY_ARGUMENTS:
        return {"name": call.name}
    return {"name": call.name, "arguments": arguments_of(call)}
