"""The OpenAI-style messages schema that LMI, vLLM and TGI containers speak.

Source: djl-serving, chat_input_output_schema.md.
"""

from __future__ import annotations

from typing import Any

from processing.config.endpoint import Endpoint
from processing.dataset.rows import Row
from processing.endpoint.body import reply_in
from processing.endpoint.prompt import messages
from processing.endpoint.reply import Reply


def request(endpoint: Endpoint, row: Row) -> dict[str, Any]:
    return {"messages": messages(row, endpoint), **endpoint.parameters}


def prompt(body: dict[str, Any]) -> list[dict[str, str]]:
    asked: list[dict[str, str]] = body["messages"]
    return asked


def reply(_endpoint: Endpoint, document: Any) -> Reply:
    return reply_in(document)
