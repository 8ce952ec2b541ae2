"""What an endpoint answered: a text, or a reason why there is none; whatever its format."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Reply:
    """What a response body says. Token counts are None where the endpoint does not give them."""

    text: str
    input_tokens: int | None = None
    output_tokens: int | None = None


class UnusableReply(Exception):
    """A 200 response without an answer in it."""


def refuse_error(document: Any) -> None:
    """Raises UnusableReply for a body that reports an error, though its status was 200."""
    if isinstance(document, dict) and document.get("error"):
        raise UnusableReply(f"the body says error: {excerpt(document['error'])}")


def token_count(value: Any) -> int | None:
    """The number of tokens, or None for anything but a whole number."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def excerpt(document: Any) -> str:
    """The beginning of a body, for an error message."""
    try:
        return json.dumps(document, ensure_ascii=False)[:120]
    except RecursionError:
        return "JSON that is nested too deeply to be shown"
