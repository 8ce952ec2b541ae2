"""The options of the checks that MLflow makes by rules: a pattern, personal data, a length."""

from __future__ import annotations

from typing import Literal, Self, get_args

import regex
from pydantic import Field, field_validator, model_validator

from processing.config.scorer_options import Options

PiiType = Literal["email", "phone", "ssn", "credit_card", "ip_address"]


class RegexOptions(Options):
    pattern: str = Field(min_length=1)
    match_type: Literal["search", "fullmatch"] = "search"
    case_insensitive: bool = False

    @field_validator("pattern")
    @classmethod
    def _is_a_pattern(cls, pattern: str) -> str:
        try:
            regex.compile(pattern)
        except regex.error as error:
            raise ValueError(f"is no regular expression: {error}") from error
        return pattern


class PiiOptions(Options):
    """`pii_types`: those that are looked for; without it, all."""

    pii_types: list[PiiType] = Field(default=list(get_args(PiiType)), min_length=1)


class LengthOptions(Options):
    min_length: int | None = Field(default=None, ge=0)
    max_length: int | None = Field(default=None, ge=1)
    unit: Literal["chars", "words"] = "chars"

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        low, high = self.min_length, self.max_length
        if low is None and high is None:
            raise ValueError("needs min_length or max_length")
        if low is not None and high is not None and low > high:
            raise ValueError(f"min_length {low} is above max_length {high}: nothing can pass")
        return self


Level = Literal["low", "medium", "high"]


class CodeSecurityOptions(Options):
    """What counts of Bandit's findings: those of this severity and confidence, and above."""

    severity: Level = "medium"
    confidence: Level = "low"


class RowGuidelinesOptions(Options):
    """Of the judge that judges by the row's own guidelines; a row may have none."""

    def needs_guidelines(self) -> bool:
        return True

    def may_not_apply(self) -> bool:
        return True


class ToolCallOptions(Options):
    """Named as MLflow's own. An exact match is compared without a judge."""

    should_exact_match: bool = False
    should_consider_ordering: bool = False

    def asks_judge(self, kind_asks: bool) -> bool:
        return kind_asks and not self.should_exact_match

    def needs_tool_calls(self) -> bool:
        return True

    def may_not_apply(self) -> bool:
        return True


class ContextOptions(Options):
    """Of a judge that judges against the row's context."""

    def needs_context(self) -> bool:
        return True
