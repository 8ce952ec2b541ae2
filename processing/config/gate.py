"""`thresholds:`, `budgets:`, `slices:` and `champion:`, what the quality gate requires."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from processing.config.section import Section, Share

Rule = Literal["min", "max"]
On = Literal["mean", "interval", "calibrated"]
Tier = Literal["hard", "soft", "monitor"]


class Threshold(Section):
    """A bound on a metric. `min` and `max` are inclusive.

    `on` says what is held against it: the mean, the 95 % interval's pessimistic end (the lower
    for min, the upper for max), or that end of the estimate that people's labels have corrected
    (calibrated). `tier`: hard blocks, soft warns, monitor only shows.
    """

    min: float | None = Field(default=None, allow_inf_nan=False)
    max: float | None = Field(default=None, allow_inf_nan=False)
    on: On = "mean"
    tier: Tier = "hard"

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("needs min: or max:")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}: nothing can pass")
        return self

    def bounds(self) -> list[tuple[Rule, float]]:
        pairs: list[tuple[Rule, float | None]] = [("min", self.min), ("max", self.max)]
        return [(rule, bound) for rule, bound in pairs if bound is not None]


class Budgets(Section):
    """How much may go wrong before the verdict is "not passed", whatever the means say.

    `max_spend`, `max_tokens` and `max_calls` are of one start, endpoint and judges together: at
    any of them nothing more is asked, and the gate stays closed. `max_spend` is in the currency of
    `prices:`.
    """

    min_rows: int = Field(default=30, ge=1)
    max_endpoint_error_share: Share = 0.02
    max_judge_error_share: Share = 0.05
    max_cut_answer_share: Share | None = None
    min_swapped_rejected_share: Share = 0.5
    max_spend: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    max_tokens: int | None = Field(default=None, ge=1)
    max_calls: int | None = Field(default=None, ge=1)

    @property
    def capped(self) -> bool:
        return (self.max_spend, self.max_tokens, self.max_calls) != (None, None, None)


class Slice(Section):
    """Thresholds on the scorers for each value of a dataset column that has `min_rows` rows.

    Values with fewer are named in a warning and not judged.
    """

    min_rows: int = Field(default=5, ge=1)
    thresholds: dict[str, Threshold] = Field(min_length=1)


class ChampionMetric(Section):
    """How much worse than the champion a metric may be, at the interval's lower end."""

    margin: float = Field(ge=0, allow_inf_nan=False)


class Champion(Section):
    """Non-inferiority against the latest approved package of registration.model_package_group.

    `min_overlap`: on so large a share of the rows both must have a number. `rejudge`: where the
    champion was judged by another judge or other rules, today's are asked about its answers.
    """

    min_overlap: Share = 0.8
    rejudge: bool = False
    metrics: dict[str, ChampionMetric] = Field(min_length=1)
