"""What a model said, in whatever form its server put it: a text, a number, or parts of both kinds.

Endpoints and judges give the same forms. Sources: the API references of OpenAI (chat completions,
responses), Anthropic (messages), Amazon Bedrock (Converse), Gemini (generateContent), vLLM, Ollama.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

REASONING_KEYS = ("reasoning_content", "reasoning", "thinking")
"""Under these a message has what the model thought, apart from what it said."""

_THOUGHTS = (*REASONING_KEYS, "reasoningContent")
_TEXT_KEYS = ("text", "content", "parts", "refusal", "value", "reasoningText", "summary")
_REASONING_KINDS = frozenset({"thinking", "redacted_thinking", "reasoning", "summary_text"})
_DEEPEST = 16
_MOST_TOKENS = 10**9
_CUT = frozenset(
    {
        *("length", "limit", "max_length", "model_length", "max_tokens", "max_output_tokens"),
        *("model_context_window_exceeded", "max_tokens_reached"),
    }
)


@dataclass(frozen=True)
class Said:
    """`others`: the kinds of parts that are neither text nor reasoning, such as "tool_use"."""

    text: str = ""
    reasoning: str = ""
    others: tuple[str, ...] = ()


class UnclearContentError(ValueError):
    """It is not plain what the model said; `str()` says what there is instead."""


def said_in(content: Any) -> Said:
    """What a message's content says. Raises UnclearContentError for what is neither text nor parts.

    A number is the text that it is written with; a list of one is that one.
    """
    if isinstance(content, int | float):
        return Said(_number(content))
    texts: list[str] = []
    reasoning: list[str] = []
    others: list[str] = []
    for kind, said in _parts(content, 0):
        (texts if kind == "text" else reasoning if kind == "reasoning" else others).append(said)
    return Said("".join(texts), "\n".join(filter(None, reasoning)), tuple(dict.fromkeys(others)))


def thought_beside(message: Mapping[str, Any]) -> str:
    """What a message of a chat has of its model's reasoning beside its content."""
    found = [message[key] for key in REASONING_KEYS if key in message]
    return next((text for text in found if isinstance(text, str) and text), "")


def token_count(value: Any) -> int | None:
    """The number of tokens; None for anything but a whole number that tokens can come to."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and 0 <= value < _MOST_TOKENS else None


def is_cut(stop_reason: str) -> bool:
    """Whether a model stopped because of its token limit, in any server's word for that."""
    return stop_reason.strip().casefold() in _CUT


def _number(value: float) -> str:
    if isinstance(value, bool) or (isinstance(value, float) and not math.isfinite(value)):
        raise UnclearContentError(f"{json.dumps(value)}, which is neither a text nor a number")
    return str(value)


def _parts(content: Any, depth: int) -> Iterator[tuple[str, str]]:
    """Each part as "text", "reasoning" or "other", with its text or the other's kind."""
    if depth > _DEEPEST:
        raise UnclearContentError("parts nested too deeply to be read")
    if content is None:
        return
    if isinstance(content, str):
        yield "text", content
    elif isinstance(content, list):
        yield from _list(content, depth)
    elif isinstance(content, dict):
        yield from _part(content, depth)
    else:
        raise UnclearContentError(f"{_shown(content)}, which is neither a text nor parts")


def _list(content: Sequence[Any], depth: int) -> Iterator[tuple[str, str]]:
    if len(content) > 1 and not all(isinstance(part, dict) for part in content):
        raise UnclearContentError(f"a list of {len(content)} that are no parts: {_shown(content)}")
    asked = [n for n, part in enumerate(content) if _role(part) not in ("", "assistant", "model")]
    for part in content[asked[-1] + 1 if asked else 0 :]:  # else it has the conversation before it
        yield from _parts(part, depth + 1)


def _part(part: Mapping[str, Any], depth: int) -> Iterator[tuple[str, str]]:
    kind = str(part.get("type") or "")
    thought = [part[key] for key in _THOUGHTS if part.get(key)]
    for inner in thought:
        yield from _as_reasoning(inner, depth)
    text = next((part[key] for key in _TEXT_KEYS if part.get(key) is not None), None)
    if kind in _REASONING_KINDS or part.get("thought") is True:
        yield from _as_reasoning(text, depth)
    elif text is not None:
        yield from _parts(text, depth + 1)
    elif not thought:
        yield "other", kind or next(iter(part), "an empty object")


def _as_reasoning(content: Any, depth: int) -> Iterator[tuple[str, str]]:
    """Reasoning in a form that nobody has told us of is no reason to refuse the answer."""
    try:
        said = [text for kind, text in _parts(content, depth + 1) if kind != "other"]
    except UnclearContentError:
        return
    yield "reasoning", "".join(said)


def _role(part: Any) -> str:
    return str(part.get("role") or "") if isinstance(part, dict) else ""


def _shown(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)[:120]
    except (TypeError, ValueError, RecursionError):
        return f"a {type(value).__name__}"
