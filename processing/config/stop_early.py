"""`stop_early:`, whether a run may end as soon as its verdict is certain, or as good as certain."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from processing.config.section import Section

Mode = Literal["certain", "confident", "none"]


class StopEarly(Section):
    """A model that cannot pass any more is refused without paying for the rest.

    certain: when no result of what is left could open the gate; the verdict is the whole run's.
    confident: when that is as good as certain, with a false verdict in a share `error` of runs at
    most; `for: both` passes a model so, too. `cascade`: scorers are asked in phases, the free ones
    on all rows first, then each judge after the cheaper ones.
    """

    mode: Mode = "certain"
    error: float = Field(default=0.05, gt=0, lt=0.5)
    outcomes: Literal["refusals", "both"] = Field(default="refusals", alias="for")
    cascade: bool = False

    @model_validator(mode="after")
    def _is_of_use(self) -> Self:
        if self.mode != "confident" and "error" in self.model_fields_set:
            raise ValueError(f"error is of mode: confident, and mode is {self.mode}")
        if self.mode != "confident" and "outcomes" in self.model_fields_set:
            raise ValueError(f"for is of mode: confident, and mode is {self.mode}")
        if self.mode == "none" and self.cascade:
            raise ValueError("cascade asks in phases to stop between them, and mode is none")
        return self

    @property
    def passes(self) -> bool:
        """Whether a run may end early as passed."""
        return self.outcomes == "both"


def parse_stop_early(value: Any) -> Any:
    """A word is its mode: `stop_early: confident`."""
    return {"mode": value} if isinstance(value, str) else value
