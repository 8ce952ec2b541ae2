"""The OpenAI-style messages schema that LMI, vLLM and TGI containers speak.

Source: djl-serving, chat_input_output_schema.md; of streams OpenAI's API reference, where usage
comes only if it is asked for.
"""

from __future__ import annotations

from typing import Any

from processing.config.endpoint import Endpoint
from processing.dataset.rows import Row
from processing.endpoint.body import reply_in
from processing.endpoint.prompt import messages
from processing.endpoint.reply import Reply


def request(endpoint: Endpoint, row: Row) -> dict[str, Any]:
    streamed = {"stream": True, "stream_options": {"include_usage": True}}
    asked = {"messages": messages(row, endpoint), **(streamed if endpoint.stream else {})}
    return {**asked, **endpoint.parameters}


def prompt(body: dict[str, Any]) -> list[dict[str, str]]:
    asked: list[dict[str, str]] = body["messages"]
    return asked


def reply(_endpoint: Endpoint, document: Any) -> Reply:
    return reply_in(document)
