"""`prices:`, what the endpoint and each judge model cost per token."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from pydantic import Field

from processing.config.section import Section


@dataclass(frozen=True)
class Usage:
    """Tokens, as they are paid for: `input` without what a cache was read for, or took."""

    input: int
    output: int
    cache_read: int = 0
    cache_write: int = 0


class Prices(Section):
    """What a million tokens cost, in whatever currency the reader has in mind.

    Without prices of their own, tokens that a model read from its cache, or wrote to it, cost what
    other input costs. `as_of`: the day on which `check --online --write-prices` looked them up.
    """

    input_per_million: float = Field(ge=0)
    output_per_million: float = Field(ge=0)
    cached_input_per_million: float | None = Field(default=None, ge=0)
    cache_write_per_million: float | None = Field(default=None, ge=0)
    as_of: dt.date | None = None

    def cost(self, usage: Usage) -> float:
        """What so many tokens cost."""
        read, write = self.cached_input_per_million, self.cache_write_per_million
        return (
            usage.input * self.input_per_million
            + usage.output * self.output_per_million
            + usage.cache_read * (self.input_per_million if read is None else read)
            + usage.cache_write * (self.input_per_million if write is None else write)
        ) / 1_000_000
