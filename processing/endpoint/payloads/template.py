"""Any other schema: `endpoint.request` with placeholders, and JMESPaths into the response."""

from __future__ import annotations

import json
from typing import Any

from processing.config.endpoint import Endpoint
from processing.dataset.rows import Row
from processing.endpoint.prompt import fill
from processing.endpoint.reply import Reply, UnusableReply, excerpt, token_count


def request(endpoint: Endpoint, row: Row) -> dict[str, Any]:
    body: dict[str, Any] = _fill_all(endpoint.request, row, endpoint)
    return body


def prompt(body: dict[str, Any]) -> str:
    return json.dumps(body, indent=2, ensure_ascii=False)


def reply(endpoint: Endpoint, document: Any) -> Reply:
    import jmespath

    paths = endpoint.response
    assert paths is not None, "the configuration has checked that a template has both halves"
    failure = jmespath.search(paths.error, document) if paths.error else None
    if failure:
        raise UnusableReply(f"{paths.error} says {failure!r}")
    text = jmespath.search(paths.answer, document)
    if not isinstance(text, str):
        raise UnusableReply(f"endpoint.response.answer finds no text in {excerpt(document)}")
    tokens = [
        token_count(jmespath.search(path, document)) if path else None
        for path in (paths.input_tokens, paths.output_tokens)
    ]
    return Reply(text, *tokens)


def _fill_all(node: Any, row: Row, endpoint: Endpoint) -> Any:
    if isinstance(node, dict):
        return {key: _fill_all(value, row, endpoint) for key, value in node.items()}
    if isinstance(node, list):
        return [_fill_all(value, row, endpoint) for value in node]
    return fill(node, row, endpoint) if isinstance(node, str) else node
