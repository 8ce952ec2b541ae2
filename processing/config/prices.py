"""`prices:`, what the endpoint and each judge model cost per token."""

from __future__ import annotations

import datetime as dt

from pydantic import Field

from processing.config.section import Section


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
