"""Finds the answer in a response body by the body's own form, which containers do not keep to.

`endpoint.format` says how to ask. What comes back is found along the keys that servers use:
OpenAI's chat, completions and responses, TGI, LMI and Hugging Face pipelines, JumpStart, Anthropic,
Bedrock, Gemini, Ollama; each also as the only one of a list, or as JSON within a JSON text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from processing.base.content_parts import (
    REASONING_KEYS,
    Said,
    UnclearContentError,
    said_in,
    thought_beside,
    token_count,
)
from processing.dataset.tool_calls import CALL_KEYS, tool_calls_in
from processing.endpoint.reply import Reply, UnusableReply, excerpt

_ALTERNATIVES = frozenset(
    {"choices", "candidates", "results", "outputs", "predictions", "generations", "generated_texts"}
)
"""Lists under these hold answers, of which the first is meant; any other holds parts of one."""

_WAYS = (*sorted(_ALTERNATIVES), "message", "delta")
_ENDS = (
    *("generated_text", "generation", "content", "outputText", "output_text", "output"),
    *("completion", "text", "refusal"),
)
"""Keys that lead to an answer, and keys that have it."""

_ERRORS = ("error", "errors", "errorMessage", "error_message")
_STOP_REASONS = (
    *("finish_reason", "stop_reason", "stopReason", "finishReason", "completionReason"),
    *("done_reason", "stop_type"),
)
_USAGES = ("usage", "details", "usageMetadata", "meta")
_INPUT_TOKENS = (
    *("prompt_tokens", "input_tokens", "inputTokens", "promptTokenCount", "prompt_token_count"),
    *("prompt_eval_count", "inputTextTokenCount", "tokens_evaluated"),
)
_OUTPUT_TOKENS = (
    *("completion_tokens", "output_tokens", "outputTokens", "candidatesTokenCount"),
    *("generation_token_count", "generated_tokens", "eval_count", "tokenCount"),
    "tokens_predicted",
)
_DEEPEST = 12
_LONGEST_WORD = 64
_NUMBERS_SAY = frozenset({"content", "text", "generated_text", "generation", "outputText"})
"""A number under one of these is an answer; elsewhere it may be a score, or anything."""


def reply_in(document: Any) -> Reply:
    """Raises UnusableReply where the body reports an error, or where nothing says what is meant."""
    whole = _unwrapped(document)
    if not isinstance(whole, dict):
        raise UnusableReply(f"no answer in {excerpt(document)}; is endpoint.format right?")
    nodes, key, content = _way(whole)
    said = _said(key, content)
    reasoning = dict.fromkeys(filter(None, (*map(thought_beside, nodes), said.reasoning)))
    reply = Reply(
        said.text,
        _count(nodes, _INPUT_TOKENS),
        _count(nodes, _OUTPUT_TOKENS),
        "\n".join(reasoning),
        stop_reason_of(nodes),
    )
    calls = tool_calls_in([nodes[-1], content])
    reply = replace(reply, tool_calls=calls)
    others = dict.fromkeys((*said.others, *(key for key in CALL_KEYS if nodes[-1].get(key))))
    if others and not calls and not said.text and not reply.cut:
        raise UnusableReply(f"it has no text, but {', '.join(others)[:80]}", reply)
    return reply


def refuse_error(document: Any) -> None:
    """Raises UnusableReply for a body that reports an error, though its status was 200."""
    if not isinstance(document, dict):
        return
    for key in _ERRORS:
        if document.get(key):
            raise UnusableReply(f"the body says {key}: {excerpt(document[key])}")
    if "error" in (document.get("object"), document.get("type")):
        raise UnusableReply(f"the body says error: {excerpt(document)}")
    # LMI answers 200 with finish_reason "error" when generation fails half-way.
    if stop_reason_of([document]).casefold() == "error":
        raise UnusableReply("its finish_reason is 'error'")


def stop_reason_of(nodes: Iterable[Mapping[str, Any]]) -> str:
    """Why the model stopped, in the server's word; empty where it does not say."""
    for node in nodes:
        for holder in (node, *_usages(node)):
            for key in _STOP_REASONS:
                if isinstance(word := holder.get(key), str) and word:
                    return word[:_LONGEST_WORD]
        # OpenAI's responses: {"status": "incomplete", "incomplete_details": {"reason": ...}}
        why = node.get("incomplete_details")
        if isinstance(why, dict) and isinstance(why.get("reason"), str):
            return str(why["reason"])[:_LONGEST_WORD]
    return ""


def _unwrapped(document: Any) -> Any:
    """Out of lists, and out of a JSON text that holds JSON, as some handlers double it."""
    for _ in range(_DEEPEST):
        if isinstance(document, list) and document and isinstance(document[0], dict | list):
            document = document[0]
        elif isinstance(document, str) and document.lstrip()[:1] in ("{", "["):
            try:
                document = json.loads(document)
            except ValueError:
                return document
        else:
            break
    return document


def _way(whole: Mapping[str, Any]) -> tuple[list[Mapping[str, Any]], str, Any]:
    """The objects on the way to the answer, from the outermost; the key and what lies under it."""
    nodes = [whole]
    for _ in range(_DEEPEST):
        node = nodes[-1]
        refuse_error(node)
        keys = [key for key in (*_WAYS, *_ENDS) if key in node]
        if len(nodes) == 1:
            # an error's own words stand there, too: {"code": 503, "message": "..."}
            keys = [k for k in keys if k != "text" and not (k == "message" and _is_text(node[k]))]
        if not keys and not any(node.get(key) for key in (*REASONING_KEYS, *CALL_KEYS)):
            raise UnusableReply(f"no answer in {excerpt(whole)}; is endpoint.format right?")
        key = next((key for key in keys if node[key] is not None), "")
        content = node[key] if key else None
        if key in _ALTERNATIVES and isinstance(content, list):
            if not content:
                raise UnusableReply(f"{key} is empty")
            content = content[0]
        leads_on = key in _WAYS or key == "output"
        if not (leads_on and isinstance(content, dict)):
            return nodes, key, content
        nodes.append(content)
    raise UnusableReply("the body is nested too deeply to be read")


def _said(key: str, content: Any) -> Said:
    if isinstance(content, int | float) and key not in _NUMBERS_SAY:
        raise UnusableReply(f"{key} has {excerpt(content)}; is endpoint.format right?")
    try:
        return said_in(content)
    except UnclearContentError as error:
        raise UnusableReply(f"{key} has {error}") from error


def _usages(node: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [node[key] for key in _USAGES if isinstance(node.get(key), dict)]


def _count(nodes: Iterable[Mapping[str, Any]], names: Iterable[str]) -> int | None:
    for node in nodes:
        for holder in (*_usages(node), node):
            for name in names:
                if (count := token_count(holder.get(name))) is not None:
                    return count
    return None


def _is_text(value: Any) -> bool:
    return not isinstance(value, dict | list)
