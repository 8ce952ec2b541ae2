"""What an endpoint answered: a text, or a reason why there is none; whatever its format."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from processing.base.content_parts import is_cut
from processing.dataset.retrieved import Retrieved, retrieved_of
from processing.dataset.turns import ToolCall


@dataclass(frozen=True)
class Reply:
    """What a response body says. Token counts are None where the endpoint does not give them.

    `reasoning`: what the model thought, where the server gives that apart from `text`.
    `stop_reason`: why the model stopped, in the server's word; empty where it does not say.
    `retrieved`: the passages that came with it; None where the endpoint is not said to return any.
    `tool_calls`: the tools that the model wants called; `text` may be empty then.
    """

    text: str
    input_tokens: int | None = None
    output_tokens: int | None = None
    reasoning: str = ""
    stop_reason: str = ""
    retrieved: Retrieved | None = None
    tool_calls: tuple[ToolCall, ...] = ()

    @property
    def cut(self) -> bool | None:
        """Whether the answer ends at the token limit; None where the endpoint does not say."""
        return is_cut(self.stop_reason) if self.stop_reason else None

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> Self:
        """The reply that was kept as `asdict` gives it. Raises KeyError or TypeError."""
        calls = tuple(ToolCall(**call) for call in record.get("tool_calls", ()))
        retrieved = retrieved_of(record.get("retrieved"))
        return cls(**{**record, "retrieved": retrieved, "tool_calls": calls})


class UnusableReply(Exception):
    """A 200 response without an answer in it. `reply` has what else could be read of it.

    `final`: another try would most likely end the same way.
    """

    def __init__(self, reason: str, reply: Reply | None = None, *, final: bool = False) -> None:
        super().__init__(reason)
        self.reply = reply
        self.final = final


def excerpt(document: Any) -> str:
    """The beginning of a body, for an error message."""
    try:
        return json.dumps(document, ensure_ascii=False)[:120]
    except (ValueError, RecursionError):
        return "JSON that is nested too deeply to be shown"
