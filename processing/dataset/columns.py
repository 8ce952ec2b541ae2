"""From a record of the user's to a prepared row: columns, types and what counts as unusable."""

from __future__ import annotations

import datetime
import decimal
import math
from typing import Any

from processing.base.clean_text import has_text
from processing.base.exact_json import decode_as_written
from processing.config.dataset import Columns
from processing.dataset.expectations import NONE, FurtherExpectations
from processing.dataset.given_answers import GivenAnswer
from processing.dataset.media import MEND, media_in
from processing.dataset.passages import listed_passages
from processing.dataset.readers import BadRecord, Record
from processing.dataset.retrieved import Retrieved, retrieved_in
from processing.dataset.rows import ALONE, Scalar, Talk, Written, write_row
from processing.dataset.tool_calls import NotCallsError, expected_calls_in
from processing.dataset.turns import NotAConversation, ToolCall, turns_in

NO_NAME = "(column without a name)"

_NUMBERS_IN = frozenset({int, float, list})
_JSON_SCALARS = frozenset({str, int, bool, type(None)})


class _Unusable(Exception):
    """Arguments: reason, detail."""


def map_record(record: Record, columns: Columns, dropped: set[str]) -> Written | BadRecord:
    """The record as a line of dataset.jsonl, or why it is unusable.

    Texts may be numbers and booleans too, taken as their JSON text. A context is a text or a list
    of them; it may be empty. The names of columns whose values are no JSON scalars go to `dropped`.
    """
    try:
        further = _further(record, columns)
        question, talk = _asked(record, columns)
        return write_row(
            question=question,
            talk=talk,
            expected_response=_expected(record, columns, further),
            context=_context(record, columns.context) if columns.context else None,
            slices=_slices(record.columns, columns, dropped),
            further=further,
            given=_given(record, columns) if columns.hold_answers else None,
        )
    except (_Unusable, NotAConversation, NotCallsError) as unusable:
        reason, detail = unusable.args
        return BadRecord(record.line, reason, detail)
    except UnicodeEncodeError:
        return BadRecord(record.line, "invalid UTF-8", "")


def _asked(record: Record, columns: Columns) -> tuple[str, Talk]:
    """The question, and the conversation that it ends."""
    if columns.messages is None and columns.session is None:
        return _required(record, columns.question, "question"), ALONE
    session = columns.session and _text(_as_written(record, columns.session), "session")
    if columns.messages is None:
        return _required(record, columns.question, "question"), Talk((), session or "")
    cell = record.columns.get(columns.messages)
    if cell in (None, ""):
        raise _Unusable("missing messages", f"in column {columns.messages!r}")
    *history, last = turns_in(cell, columns.messages)
    return last.content, Talk(tuple(history), session or "")


def _further(record: Record, columns: Columns) -> FurtherExpectations:
    """NONE where the record has no list of answers, and no facts and guidelines are mapped."""
    answers = _answers(record, columns)
    facts, guidelines = columns.expected_facts, columns.guidelines
    calls = _expected_calls(record, columns.expected_tool_calls)
    if answers.__class__ is not list and facts is None and guidelines is None and calls is None:
        return NONE
    found = FurtherExpectations(
        tuple(_texts_of(answers)[1:]) if isinstance(answers, list) else (),
        tuple(filter(has_text, _context(record, facts))) if facts else (),
        tuple(filter(has_text, _context(record, guidelines))) if guidelines else (),
        calls,
    )
    return found if found.given() else NONE


def _expected_calls(record: Record, column: str | None) -> tuple[ToolCall, ...] | None:
    if column is None:
        return None
    return expected_calls_in(record.columns.get(column), f"column {column!r}")


def _expected(record: Record, columns: Columns, further: FurtherExpectations) -> str:
    """The first of several answers; without any, the facts, a line each.

    Empty where no column is mapped, and nobody has said what is right.
    """
    answers = _answers(record, columns)
    if answers.__class__ is list and (texts := _texts_of(answers)):
        return texts[0]
    if answers in (None, "", []) and further.expected_facts:
        return "\n".join(further.expected_facts)
    if columns.expected_response is None:
        return ""
    return _required(record, columns.expected_response, "expected response")


def _answers(record: Record, columns: Columns) -> Any:
    column = columns.expected_response
    return None if column is None else record.columns.get(column)


def _given(record: Record, columns: Columns) -> GivenAnswer:
    """An answer that is missing or empty is one without text, and no reason to drop the row."""
    assert columns.answer is not None, "the configuration has checked that answers have a column"
    if isinstance(captured := record.columns.get(columns.answer), GivenAnswer):
        return captured
    return GivenAnswer(
        (_text(_as_written(record, columns.answer), "answer") or "").strip(),
        latency_ms=_measured(record, columns.latency_ms),
        input_tokens=_count(record, columns.input_tokens),
        output_tokens=_count(record, columns.output_tokens),
        retrieved=_retrieved(record, columns.retrieved_context),
    )


def _retrieved(record: Record, column: str | None) -> Retrieved | None:
    if column is None:
        return None
    value = record.columns.get(column)
    _refuse_media(value, column)
    return retrieved_in(value, f"column {column!r}")


def _measured(record: Record, column: str | None) -> float | None:
    """A finite number of 0 or more, of a number or of a text of one; None for anything else."""
    value = None if column is None else record.columns.get(column)
    if isinstance(value, bool):
        return None
    try:
        number = float(value)  # type: ignore[arg-type]  # what is none raises
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _count(record: Record, column: str | None) -> int | None:
    number = _measured(record, column)
    return int(number) if number is not None and number == int(number) else None


def _texts_of(answers: list[Any]) -> list[str]:
    """Those of a list of texts that have any; [] for any other list, which is no answer."""
    if not all(answer.__class__ is str for answer in answers):
        return []
    return [answer for answer in answers if has_text(answer)]


def _required(record: Record, column: str, what: str) -> str:
    value = record.columns.get(column)
    _refuse_media(value, column)
    text = value if value.__class__ is str else _text(_as_written(record, column), what)
    if text is None:
        raise _Unusable(f"missing {what}", "")
    if not has_text(text):
        raise _Unusable(f"empty {what}", "")
    return text


def _context(record: Record, column: str) -> list[str]:
    value = record.columns.get(column)
    _refuse_media(value, column)
    if value.__class__ is str:
        listed = listed_passages(value)
        return [value] if listed is None else listed
    if isinstance(value, list) and all(passage.__class__ is str for passage in value):
        return value
    value = _as_written(record, column)
    passages = value if isinstance(value, list) else [value]
    return [text for passage in passages if (text := _text(passage, "context"))]


def _refuse_media(value: Any, column: str) -> None:
    if value.__class__ is str and "data:" not in value[:40]:
        return
    if (found := media_in(value)) is not None:
        what, how = found
        raise _Unusable(what, f"{how} in column {column!r}: {MEND}")


def _as_written(record: Record, column: str) -> Any:
    """The column's value; numbers out of JSON as the texts that stand there."""
    value = record.columns.get(column)
    if record.source and value.__class__ in _NUMBERS_IN:
        return decode_as_written(record.source.decode())[column]
    return value


def _text(value: Any, what: str) -> str | None:
    try:
        scalar = _scalar(value)
    except UnicodeDecodeError as error:
        raise _Unusable("invalid UTF-8", f"in the {what}") from error
    except TypeError as error:
        kind = "an object" if isinstance(value, dict) else f"a {type(value).__name__}"
        raise _Unusable(f"{what} is not text", kind) from error
    if isinstance(scalar, bool):
        return "true" if scalar else "false"
    if isinstance(scalar, float):
        return _plain_digits(scalar)
    return None if scalar is None else str(scalar)


def _plain_digits(number: float) -> str:
    """0.00001, not 1e-05; from 1e21 and below 1e-7 with an exponent, as JavaScript has it."""
    text = repr(number)
    if "e" in text and 1e-7 <= abs(number) < 1e21:
        return f"{decimal.Decimal(text):f}"
    return text


def _slices(values: dict[str, Any], columns: Columns, dropped: set[str]) -> dict[str, Scalar]:
    mapped = columns.names
    slices: dict[str, Scalar] = {}
    for name, value in values.items():
        if name in mapped:
            continue
        if name and value.__class__ in _JSON_SCALARS:
            slices[name] = value
            continue
        if not name:
            # The index that pandas writes to a CSV.
            dropped.add(NO_NAME)
            continue
        try:
            slices[name] = _scalar(value)
        except (TypeError, UnicodeDecodeError):
            dropped.add(name)
    return slices


def _scalar(value: Any) -> Scalar:
    """The JSON scalar that stands for a value of JSON's, CSV's or Arrow's; NaN is no value.

    Raises TypeError for lists, objects and the like, UnicodeDecodeError for bytes without text.
    """
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, decimal.Decimal):
        return f"{value:f}"
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode()
    raise TypeError(type(value).__name__)
