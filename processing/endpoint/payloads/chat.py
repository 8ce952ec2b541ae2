"""The OpenAI-style messages schema that LMI, vLLM and TGI containers speak.

Source: djl-serving, chat_input_output_schema.md.
"""

from __future__ import annotations

from typing import Any

from processing.config.endpoint import Endpoint
from processing.dataset.rows import Row
from processing.endpoint.prompt import fill
from processing.endpoint.reply import Reply, UnusableReply, excerpt, refuse_error, token_count


def request(endpoint: Endpoint, row: Row) -> dict[str, Any]:
    system = [{"role": "system", "content": endpoint.system_prompt}]
    messages = system if endpoint.system_prompt else []
    return {
        "messages": [*messages, {"role": "user", "content": fill(endpoint.prompt, row, endpoint)}],
        **endpoint.parameters,
    }


def prompt(body: dict[str, Any]) -> list[dict[str, str]]:
    messages: list[dict[str, str]] = body["messages"]
    return messages


def reply(_endpoint: Endpoint, document: Any) -> Reply:
    refuse_error(document)
    try:
        text = document["choices"][0]["message"]["content"]
    except (KeyError, IndexError, TypeError) as error:
        raise UnusableReply(
            f"no choices[0].message.content in {excerpt(document)}; is endpoint.format right?"
        ) from error
    usage = document.get("usage") or {}
    return Reply(
        text or "",
        token_count(usage.get("prompt_tokens")),
        token_count(usage.get("completion_tokens")),
    )
