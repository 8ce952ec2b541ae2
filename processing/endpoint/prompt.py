"""What a row is asked: the placeholders of `endpoint.prompt` and `endpoint.request` filled."""

from __future__ import annotations

import re
from typing import Any

from processing.config.endpoint import Endpoint
from processing.dataset.rows import Row
from processing.dataset.turns import INSTRUCTING, messages_of


def fill(template: str, row: Row, endpoint: Endpoint) -> str:
    """Replace the placeholders in one pass, so that a row's own braces stay as they are."""
    values = {
        "{question}": row.question,
        "{context}": "\n\n".join(row.context or ()),
        "{system_prompt}": endpoint.system_prompt or "",
    }
    return re.sub(r"\{(question|context|system_prompt)\}", lambda m: values[m[0]], template)


def messages(row: Row, endpoint: Endpoint) -> list[dict[str, Any]]:
    """The row's conversation as a chat's messages; `endpoint.prompt` makes the last one.

    A conversation's own system message stands in the place of `endpoint.system_prompt`.
    """
    system = [{"role": "system", "content": endpoint.system_prompt}]
    asked = {"role": "user", "content": fill(endpoint.prompt, row, endpoint)}
    before = system if endpoint.system_prompt and not instructs_itself(row) else []
    return [*before, *messages_of(row.history), asked]


def instructs_itself(row: Row) -> bool:
    """Whether the row's conversation has a system message of its own."""
    return any(turn.role in INSTRUCTING for turn in row.history)
