"""One person's label of one answer, and the rules by which its text becomes a number."""

from __future__ import annotations

from dataclasses import dataclass

from processing.base.clean_text import normalized
from processing.base.errors import ConfigError
from processing.config.scorer_numbers import (
    is_yes_or_no,
    number_of,
    number_range,
    scale_in_words,
)
from processing.config.scorers import ScorerSpec

_TRUTH = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Label:
    """`number` is None where the answer was drawn for labelling and nobody has labelled it yet.

    The row is named by its id or, where that is empty, by its question. `probability`: with which
    the row was drawn, None where the file does not say. Lines with the same `draw` belong to one
    draw. `place`: where it stands, such as `labels.csv:7`.
    """

    scorer: str
    row_id: str
    question: str
    answer: str
    number: float | None
    who: str = ""
    probability: float | None = None
    draw: str = ""
    place: str = ""


def label_number(spec: ScorerSpec, value: object, place: str) -> float | None:
    """The number that a label counts, by the scorer's own rules; None where it is blank.

    A text may be a number too, as everything is in CSV. Raises ConfigError for one off the scale.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    number = number_of(spec, value)
    if number is None and isinstance(value, str):
        number = number_of(spec, _read(value.strip()))
    if number is not None and is_yes_or_no(spec) and number not in number_range(spec):
        raise ConfigError(
            f"{place}: label: {str(value)[:80]!r}, but {spec.name} says yes or no: write one of "
            "them, or leave it empty where nobody can tell"
        )
    if number is None:
        words = "" if spec.options.category_numbers() else ", or yes and no where it has both"
        raise ConfigError(
            f"{place}: label: {str(value)[:80]!r} is no verdict that {spec.name} knows: write "
            f"{scale_in_words(spec)}{words}; leave it empty where nobody has labelled the answer"
        )
    return number


def _read(text: str) -> object:
    try:
        return _TRUTH.get(text.casefold()) if text.casefold() in _TRUTH else float(text)
    except ValueError:
        return None


def same_text(text: str) -> str:
    """What two texts that look the same have in common: NFC, line ends and no space around them."""
    return normalized("NFC", text.replace("\r\n", "\n").replace("\r", "\n")).strip()
