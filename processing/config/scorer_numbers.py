"""How a scorer's verdict becomes a number, and on which scale it lies."""

from __future__ import annotations

import math

from processing.config.scorer_kinds import SCORERS
from processing.config.scorer_options import LARGEST
from processing.config.scorers import ScorerSpec

NOT_APPLICABLE = "not applicable"
"""The verdict on a row that the scorer has nothing to look for in; it counts in no metric."""

_HAIR = 1e-9
"""By so much, or such a part, rounding may put a number off its scale, whose end it then is."""


def is_not_applicable(spec: ScorerSpec, value: object) -> bool:
    """Never what a judge or a user's function says: only a scorer that knows by the dataset."""
    return value == NOT_APPLICABLE and spec.options.may_not_apply()


def number_of(spec: ScorerSpec, value: object) -> float | None:
    """The number that a verdict counts; None where it is none on the scorer's scale.

    With `levels` these are the scale, by word or by number. Else yes and true count 1, no and false
    0 where the scale begins and ends there, and numbers themselves.
    """
    words = _words(spec)
    if isinstance(value, bool):
        said = ("yes", "true") if value else ("no", "false")
        return next((words[word] for word in said if word in words), None)
    if isinstance(value, str):
        return words.get(value.strip().casefold())
    if not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return _on_scale(spec, number) if math.isfinite(number) else None


def _on_scale(spec: ScorerSpec, number: float) -> float | None:
    levels = spec.options.category_numbers().values()
    low, high = (min(max(end, -LARGEST), LARGEST) for end in number_range(spec))
    within = min(max(number, low), high)
    ends = [end for end in (low, high) if math.isclose(number, end, rel_tol=_HAIR, abs_tol=_HAIR)]
    near = min(levels or ends, key=lambda level: abs(level - number), default=within)
    return near if math.isclose(number, near, rel_tol=_HAIR, abs_tol=_HAIR) else None


def _words(spec: ScorerSpec) -> dict[str, float]:
    levels = spec.options.category_numbers()
    if levels:
        return {word.strip().casefold(): number for word, number in levels.items()}
    low, high = number_range(spec)
    counts_yes_and_no = (low, high) == (0, 1) or math.isinf(low)
    return {"yes": 1.0, "no": 0.0} if counts_yes_and_no else {}


def number_range(spec: ScorerSpec) -> tuple[float, float]:
    """The least and the greatest number that a verdict can count; infinite where nobody knows."""
    numbers = spec.options.category_numbers().values()
    return (min(numbers), max(numbers)) if numbers else spec.options.number_range()


def off_scale(spec: ScorerSpec, value: object) -> str:
    """What is wrong with a verdict that `number_of` has no number for."""
    return f"the verdict {repr(value)[:200]} lies outside its scale: {scale_in_words(spec)}"


def scale_in_words(spec: ScorerSpec) -> str:
    """`0 to 1`, or `good (1) or bad (0)`."""
    levels = spec.options.category_numbers()
    if levels:
        *others, last = (f"{word} ({number:g})" for word, number in levels.items())
        return f"{', '.join(others)} or {last}" if others else last
    low, high = number_range(spec)
    return f"any number up to {LARGEST:g}" if math.isinf(low) else f"{low:g} to {high:g}"


def is_yes_or_no(spec: ScorerSpec) -> bool:
    """Whether each verdict is one of two numbers, which are the ends of the scale."""
    levels = spec.options.category_numbers()
    return len(set(levels.values())) == 2 if levels else SCORERS[spec.kind].number_rule in _TWO


_TWO = ("yes = 1, no = 0", "true = 1, false = 0")


def number_rule(spec: ScorerSpec) -> str:
    """The rule of `number_of` for a report, and what a word is where words are counted."""
    levels = spec.options.category_numbers()
    if levels:
        return ", ".join(f"{name} = {number:g}" for name, number in levels.items())
    kind, (low, high) = SCORERS[spec.kind], number_range(spec)
    if (low, high) != (0, 1) and not math.isinf(low):
        return f"the number itself, {low:g} to {high:g}"
    return kind.number_rule + (f"; words: {kind.tokenizer}" if kind.tokenizer else "")
