"""Any other schema: `endpoint.request` with placeholders, and JMESPaths into the response."""

from __future__ import annotations

import json
from typing import Any

from processing.base.content_parts import UnclearContentError, said_in, token_count
from processing.config.endpoint import MESSAGES, Endpoint
from processing.dataset.rows import Row
from processing.dataset.tool_calls import tool_calls_in
from processing.endpoint.prompt import fill, messages
from processing.endpoint.reply import Reply, UnusableReply, excerpt
from processing.endpoint.response_paths import found_at


def request(endpoint: Endpoint, row: Row) -> dict[str, Any]:
    body: dict[str, Any] = _fill_all(endpoint.request, row, endpoint)
    return body


def prompt(body: dict[str, Any]) -> str:
    return json.dumps(body, indent=2, ensure_ascii=False)


def reply(endpoint: Endpoint, document: Any) -> Reply:
    paths = endpoint.response
    assert paths is not None, "the configuration has checked that a template has both halves"
    if failure := found_at("error", paths.error, document):
        raise UnusableReply(f"{paths.error} says {excerpt(failure)}")
    try:
        said = said_in(found_at("answer", paths.answer, document))
    except UnclearContentError as error:
        raise UnusableReply(f"endpoint.response.answer finds {error}") from error
    calls = tool_calls_in(_unless_unreadable(paths.tool_calls, document))
    if not said.text and not said.reasoning and not calls:
        raise UnusableReply(f"endpoint.response.answer finds no text in {excerpt(document)}")
    stop_reason = _unless_unreadable(paths.stop_reason, document)
    reasoning = _unless_unreadable(paths.reasoning, document)
    return Reply(
        said.text,
        token_count(_unless_unreadable(paths.input_tokens, document)),
        token_count(_unless_unreadable(paths.output_tokens, document)),
        "\n".join(text for text in (reasoning, said.reasoning) if isinstance(text, str) and text),
        stop_reason if isinstance(stop_reason, str) else "",
        tool_calls=calls,
    )


def _unless_unreadable(path: str | None, document: Any) -> Any:
    """What is good to know, and no reason to refuse an answer."""
    try:
        return found_at("", path, document)
    except UnusableReply:
        return None


def _fill_all(node: Any, row: Row, endpoint: Endpoint) -> Any:
    if isinstance(node, dict):
        return {key: _fill_all(value, row, endpoint) for key, value in node.items()}
    if isinstance(node, list):
        return [_fill_all(value, row, endpoint) for value in node]
    if node == MESSAGES:
        return messages(row, endpoint)
    return fill(node, row, endpoint) if isinstance(node, str) else node
