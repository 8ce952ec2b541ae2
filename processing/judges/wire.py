"""What every client of a judge's model takes and gives. It imports none of the clients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import BaseModel

from processing.config.judge import Judge

Messages = Sequence[dict[str, str]]


@dataclass(frozen=True)
class JudgeReply:
    """`text` is JSON where the model was held to a schema. Tokens are 0 where it does not say.

    `input_tokens` are without those that the model read from its cache or wrote to it.
    `reasoning`: what the model thought, where its server gives that apart from `text`.
    """

    text: str
    stop_reason: str
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning: str = ""

    @property
    def prompt_tokens(self) -> int:
        """All tokens of the prompt, however they were come by."""
        return self.input_tokens + self.cache_read_tokens + self.cache_write_tokens


@dataclass(frozen=True)
class Form:
    """How a request is made: what holds the reply to its schema (`Wire.forms`), and the parameters
    that go with it, under the names of `judge.parameters`. `caching`: the model may be told which
    part of the prompt to cache.
    """

    kind: str
    parameters: Mapping[str, Any]
    caching: bool = True


class RequestRefused(Exception):
    """The model takes no such request, in its own words; it said so at once, and for nothing.

    `caching`: whether the request told it what to cache.
    """

    def __init__(self, said: str, *, caching: bool = False) -> None:
        super().__init__(said)
        self.caching = caching


class Wire(Protocol):
    """One way to a model. `forms`: how it can be held to a schema, the best first, "plain" last."""

    @property
    def forms(self) -> tuple[str, ...]: ...

    def ask(
        self, judge: Judge, messages: Messages, schema: type[BaseModel] | None, form: Form
    ) -> JudgeReply:
        """Ask once. Raises RequestRefused, or JudgeError for every other failure."""
        ...
