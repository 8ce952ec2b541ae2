"""How a scorer's verdict becomes a number, and between which numbers it lies."""

from __future__ import annotations

import math

from processing.config.scorer_kinds import SCORERS
from processing.config.scorers import ScorerSpec

NOT_APPLICABLE = "not applicable"
"""The verdict on a row that the scorer has nothing to look for in; it counts in no metric."""


def is_not_applicable(spec: ScorerSpec, value: object) -> bool:
    """Never what a judge or a user's function says: only a scorer that knows by the dataset."""
    return value == NOT_APPLICABLE and spec.options.may_not_apply()


def number_of(spec: ScorerSpec, value: object) -> float | None:
    """The number that a verdict counts; None where it is none.

    Categories count what `levels` says, yes and true 1, no and false 0, finite numbers themselves.
    """
    if isinstance(value, str):
        word = value.strip().casefold()
        levels = {name.strip().casefold(): n for name, n in spec.options.category_numbers().items()}
        return (levels or {"yes": 1.0, "no": 0.0}).get(word)
    if isinstance(value, bool | int | float) and math.isfinite(value):
        return float(value)
    return None


def number_range(spec: ScorerSpec) -> tuple[float, float]:
    """The least and the greatest number that a verdict can count; infinite where nobody knows."""
    numbers = spec.options.category_numbers().values()
    return (min(numbers), max(numbers)) if numbers else spec.options.number_range()


def number_rule(spec: ScorerSpec) -> str:
    """The rule of `number_of` for a report, and what a word is where words are counted."""
    levels = spec.options.category_numbers()
    if levels:
        return ", ".join(f"{name} = {number:g}" for name, number in levels.items())
    kind = SCORERS[spec.kind]
    return kind.number_rule + (f"; words: {kind.tokenizer}" if kind.tokenizer else "")
