"""`prices:`, what the endpoint and each judge model cost per token."""

from __future__ import annotations

from pydantic import Field

from processing.config.section import Section


class Prices(Section):
    """What a million tokens cost, in whatever currency the reader has in mind."""

    input_per_million: float = Field(ge=0)
    output_per_million: float = Field(ge=0)
