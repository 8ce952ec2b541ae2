"""A file of labels: CSV or JSON Lines, a line for each person's label of one answer.

    row_id,question,answer,scorer,label,who,probability,draw
    ,Can I ...?,Yes.,Correctness,no,ana,,

`row_id` or `question` names the row, and `answer` is the answer that was labelled. `labels sample`
writes such a file, with whatever helps a person to decide in further columns.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from processing.base.errors import ConfigError
from processing.base.suggestion import did_you_mean
from processing.config.scorers import ScorerSpec
from processing.labels.label import Label, label_number, same_text

COLUMNS = ("row_id", "question", "answer", "scorer", "label", "who", "probability", "draw")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_OTHER_DELIMITERS = {";": "a semicolon", "\t": "a tab", "|": "a vertical bar"}
FOR_PEOPLE = ("expected_response", "context", "note")
"""Columns that are only shown to those who label."""


def read_labels(text: str, name: str, scorers: Sequence[ScorerSpec]) -> list[Label]:
    """The labels of a file, in its order. `name` is what errors call it, and tells the format.

    Raises ConfigError with the line of the first mistake: a column that is missing or unknown, a
    scorer that the configuration has not, a label off its scale, a probability that is none, two
    different labels of one person's for one answer.
    """
    specs = {spec.name: spec for spec in scorers}
    lines = _json_lines(text, name) if name.endswith(".jsonl") else _csv(text, name)
    labels = [_label(record, place, specs) for place, record in lines]
    _require_one_kind_of_draw(labels)
    _require_one_probability_a_row(labels)
    _require_one_label_a_person(labels)
    return labels


def _csv(text: str, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    csv.field_size_limit(10_000_000)
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    try:
        header = [column.strip() for column in next(reader, [])]
        _require_columns(header, f"{name}:1")
        before = reader.line_num
        for values in reader:
            place, before = f"{name}:{before + 1}", reader.line_num
            if not any(value.strip() for value in values):
                continue
            if len(values) != len(header):
                raise ConfigError(
                    f"{place}: {len(values)} values under {len(header)} columns: put a text that "
                    'holds a comma or a line break into quotes (")'
                )
            yield place, dict(zip(header, map(without_guard, values), strict=True))
    except csv.Error as error:
        raise ConfigError(f"{name}:{reader.line_num}: is no CSV: {error}") from error


def guarded(text: str) -> str:
    """A text that a spreadsheet would run as a formula, so that it does not: models write these."""
    return f"'{text}" if text.lstrip("'").startswith(_FORMULA) else text


def without_guard(text: str) -> str:
    return text[1:] if text.startswith("'") and text.lstrip("'").startswith(_FORMULA) else text


def _json_lines(text: str, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        if not line.strip():
            continue
        place = f"{name}:{number}"
        try:
            record = json.loads(line)
        except ValueError as error:
            raise ConfigError(f"{place}: is no JSON: {error}") from error
        if not isinstance(record, dict):
            raise ConfigError(f'{place}: must be an object, such as {{"row_id": ...}}')
        _require_columns(list(record), place)
        yield place, record


def _require_columns(names: Sequence[str], place: str) -> None:
    known = (*COLUMNS, *FOR_PEOPLE)
    other = next((mark for mark in _OTHER_DELIMITERS if mark in "".join(names)), None)
    if len(names) == 1 and other:
        raise ConfigError(
            f"{place}: {_OTHER_DELIMITERS[other]} separates the columns: save the file as CSV with "
            "commas, or as JSON Lines (.jsonl)"
        )
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known)
            raise ConfigError(
                f"{place}: unknown column {name!r}{hint}; there are {', '.join(known)}"
            )
    if doubled := {name for name in names if list(names).count(name) > 1}:
        raise ConfigError(f"{place}: the column {min(doubled)!r} stands twice")
    for name in ("answer", "scorer", "label"):
        if name not in names:
            raise ConfigError(f"{place}: has no {name}: each line needs answer, scorer and label")
    if "row_id" not in names and "question" not in names:
        raise ConfigError(f"{place}: has neither row_id nor question, so its row is not known")


def _label(record: Mapping[str, Any], place: str, specs: Mapping[str, ScorerSpec]) -> Label:
    scorer = _text(record, "scorer", place).strip()
    spec = specs.get(scorer)
    if spec is None:
        hint = did_you_mean(scorer, specs)
        raise ConfigError(
            f"{place}: scorer: no scorer is called {scorer!r}{hint}; there are {', '.join(specs)}"
        )
    row_id, question = (_text(record, key, place).strip() for key in ("row_id", "question"))
    if not (row_id or question):
        raise ConfigError(f"{place}: has neither row_id nor question, so its row is not known")
    answer = _text(record, "answer", place)
    if not answer.strip():
        raise ConfigError(f"{place}: answer: is empty; a label belongs to the answer it was given")
    return Label(
        scorer=scorer,
        row_id=row_id,
        question=question,
        answer=answer,
        number=label_number(spec, record["label"], place),
        who=_text(record, "who", place).strip(),
        probability=_probability(record.get("probability"), place),
        draw=_text(record, "draw", place).strip(),
        place=place,
    )


def _text(record: Mapping[str, Any], key: str, place: str) -> str:
    value = record.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ConfigError(f"{place}: {key}: must be a text, not {value!r}")
    return value


def _probability(value: object, place: str) -> float | None:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    try:
        number = float(value) if isinstance(value, str | int | float) else math.nan
    except ValueError:
        number = math.nan
    if isinstance(value, bool) or not 0 < number <= 1:
        raise ConfigError(
            f"{place}: probability: must be above 0 and at most 1, with which the row was drawn "
            f"for labelling, not {value!r}"
        )
    return number


def _require_one_kind_of_draw(labels: Sequence[Label]) -> None:
    """A draw in which only some rows have probabilities has no estimate at all."""
    first: dict[tuple[str, str], Label] = {}
    for label in labels:
        other = first.setdefault((label.scorer, label.draw), label)
        if (other.probability is None) != (label.probability is None):
            said = "missing" if label.probability is None else "given"
            raise ConfigError(
                f"{label.place}: probability: is {said}, unlike in {other.place} of the same draw: "
                "give it on each line of a draw, or on none; another draw has another name in draw"
            )


def _require_one_probability_a_row(labels: Sequence[Label]) -> None:
    """A row is drawn once in a draw, however many people label it."""
    first: dict[tuple[str, ...], Label] = {}
    for label in labels:
        row = (label.row_id, "" if label.row_id else same_text(label.question))
        other = first.setdefault((label.scorer, label.draw, *row), label)
        if other.probability != label.probability:
            raise ConfigError(
                f"{label.place}: probability: is {label.probability}, but {other.probability} in "
                f"{other.place} of the same row and draw: keep the one with which it was drawn"
            )


def _require_one_label_a_person(labels: Sequence[Label]) -> None:
    first: dict[tuple[str, ...], Label] = {}
    for label in labels:
        if not label.who or label.number is None:
            continue
        row = (label.row_id, "" if label.row_id else same_text(label.question))
        key = (label.scorer, *row, same_text(label.answer), label.who)
        other = first.setdefault(key, label)
        if other.number != label.number:
            raise ConfigError(
                f"{label.place}: label: {label.who} has labelled this answer otherwise in "
                f"{other.place}: keep one of the two"
            )
