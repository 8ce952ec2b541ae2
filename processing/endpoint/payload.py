"""What goes over the wire to an endpoint, and how its answer is read.

Formats: `chat` is the OpenAI-style messages schema that LMI, vLLM and TGI containers speak;
`text_generation` is TGI's and LMI's own; `template` is anything else, by placeholders and JMESPath.
Sources: djl-serving, lmi_input_output_schema.md and chat_input_output_schema.md.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from processing.config.endpoint import Endpoint
from processing.dataset.rows import Row


@dataclass(frozen=True)
class Reply:
    """What a response body says. Token counts are None where the endpoint does not give them."""

    text: str
    input_tokens: int | None = None
    output_tokens: int | None = None


class UnusableReply(Exception):
    """A 200 response without an answer in it."""


def request_body(endpoint: Endpoint, row: Row) -> dict[str, Any]:
    """The JSON request for one row, in the endpoint's format."""
    prompt = _fill(endpoint.prompt, row, endpoint)
    if endpoint.format == "chat":
        system = [{"role": "system", "content": endpoint.system_prompt}]
        messages = system if endpoint.system_prompt else []
        return {
            "messages": [*messages, {"role": "user", "content": prompt}],
            **endpoint.parameters,
        }
    if endpoint.format == "text_generation":
        text = f"{endpoint.system_prompt}\n\n{prompt}" if endpoint.system_prompt else prompt
        return {"inputs": text, "parameters": dict(endpoint.parameters)}
    body: dict[str, Any] = _fill_all(endpoint.request, row, endpoint)
    return body


def read_reply(endpoint: Endpoint, body: bytes) -> Reply:
    """Read an endpoint's 200 response.

    Raises UnusableReply where the body is not JSON, has an error in it, or has no answer.
    """
    try:
        document = json.loads(body)
    except ValueError as error:
        raise UnusableReply(f"the body is not JSON: {body[:80]!r}") from error
    if endpoint.format == "chat":
        reply = _read_chat(document)
    elif endpoint.format == "text_generation":
        reply = _read_text_generation(document)
    else:
        reply = _read_template(endpoint, document)
    if not reply.text.strip():
        raise UnusableReply("the answer is empty")
    return reply


def _read_chat(document: Any) -> Reply:
    _refuse_error(document)
    try:
        text = document["choices"][0]["message"]["content"]
    except (KeyError, IndexError, TypeError) as error:
        raise UnusableReply(
            f"no choices[0].message.content in {_excerpt(document)}; is endpoint.format right?"
        ) from error
    usage = document.get("usage") or {}
    return Reply(
        text or "", _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))
    )


def _read_text_generation(document: Any) -> Reply:
    first = document[0] if isinstance(document, list) and document else document
    _refuse_error(first)
    if not isinstance(first, dict) or not isinstance(first.get("generated_text"), str):
        raise UnusableReply(f"no generated_text in {_excerpt(document)}; is endpoint.format right?")
    details = first.get("details") or {}
    # LMI answers 200 with finish_reason "error" when generation fails half-way.
    if details.get("finish_reason") == "error":
        raise UnusableReply("details.finish_reason is 'error'")
    return Reply(first["generated_text"], output_tokens=_count(details.get("generated_tokens")))


def _read_template(endpoint: Endpoint, document: Any) -> Reply:
    import jmespath

    paths = endpoint.response
    assert paths is not None, "the configuration has checked that a template has both halves"
    failure = jmespath.search(paths.error, document) if paths.error else None
    if failure:
        raise UnusableReply(f"{paths.error} says {failure!r}")
    text = jmespath.search(paths.answer, document)
    if not isinstance(text, str):
        raise UnusableReply(f"endpoint.response.answer finds no text in {_excerpt(document)}")
    tokens = [
        _count(jmespath.search(path, document)) if path else None
        for path in (paths.input_tokens, paths.output_tokens)
    ]
    return Reply(text, *tokens)


def _refuse_error(document: Any) -> None:
    if isinstance(document, dict) and document.get("error"):
        raise UnusableReply(f"the body says error: {_excerpt(document['error'])}")


def _fill_all(node: Any, row: Row, endpoint: Endpoint) -> Any:
    if isinstance(node, dict):
        return {key: _fill_all(value, row, endpoint) for key, value in node.items()}
    if isinstance(node, list):
        return [_fill_all(value, row, endpoint) for value in node]
    return _fill(node, row, endpoint) if isinstance(node, str) else node


def _fill(template: str, row: Row, endpoint: Endpoint) -> str:
    """Replace the placeholders in one pass, so that a row's own braces stay as they are."""
    values = {
        "{question}": row.question,
        "{context}": "\n\n".join(row.context or ()),
        "{system_prompt}": endpoint.system_prompt or "",
    }
    return re.sub(r"\{(question|context|system_prompt)\}", lambda m: values[m[0]], template)


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _excerpt(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False)[:120]
