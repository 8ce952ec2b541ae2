"""What every client of a judge's model takes and gives. It imports none of the clients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from pydantic import BaseModel

from processing.config.judge import Judge

Messages = Sequence[dict[str, str]]


@dataclass(frozen=True)
class JudgeReply:
    """`text` is JSON where the model was held to a schema. Tokens are 0 where it does not say."""

    text: str
    stop_reason: str
    input_tokens: int
    output_tokens: int


class RequestRefused(Exception):
    """The model takes no request of this form; it said so at once, and for nothing."""


class Wire(Protocol):
    """One way to a model. `forms`: how it can be held to a schema, the best first, "plain" last."""

    @property
    def forms(self) -> tuple[str, ...]: ...

    def ask(
        self, judge: Judge, messages: Messages, schema: type[BaseModel] | None, form: str
    ) -> JudgeReply:
        """Ask once. Raises RequestRefused, or JudgeError for every other failure."""
        ...
