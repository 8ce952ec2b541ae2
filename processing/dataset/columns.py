"""From a record of the user's to a prepared row: columns, types and what counts as unusable."""

from __future__ import annotations

import datetime
import decimal
import math
from typing import Any

from processing.base.clean_text import has_text
from processing.config.dataset import Columns
from processing.dataset.readers import BadRecord, Record
from processing.dataset.rows import Scalar, Written, write_row

NO_NAME = "(column without a name)"

_JSON_SCALARS = frozenset({str, int, bool, type(None)})


class _Unusable(Exception):
    """Arguments: reason, detail."""


def map_record(record: Record, columns: Columns, dropped: set[str]) -> Written | BadRecord:
    """The record as a line of dataset.jsonl, or why it is unusable.

    Texts may be numbers and booleans too, taken as their JSON text. A context is a text or a list
    of them; it may be empty. The names of columns whose values are no JSON scalars go to `dropped`.
    """
    values = record.columns
    try:
        return write_row(
            question=_required(values.get(columns.question), "question"),
            expected_response=_required(values.get(columns.expected_response), "expected response"),
            context=_context(values.get(columns.context)) if columns.context else None,
            slices=_slices(values, columns, dropped),
        )
    except _Unusable as unusable:
        reason, detail = unusable.args
        return BadRecord(record.line, reason, detail)
    except UnicodeEncodeError:
        return BadRecord(record.line, "invalid UTF-8", "")


def _required(value: Any, what: str) -> str:
    text = value if value.__class__ is str else _text(value, what)
    if text is None:
        raise _Unusable(f"missing {what}", "")
    if not has_text(text):
        raise _Unusable(f"empty {what}", "")
    return text


def _context(value: Any) -> list[str]:
    passages = value if isinstance(value, list) else [value]
    return [text for passage in passages if (text := _text(passage, "context"))]


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
    return None if scalar is None else str(scalar)


def _slices(values: dict[str, Any], columns: Columns, dropped: set[str]) -> dict[str, Scalar]:
    mapped = (columns.question, columns.expected_response, columns.context)
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
        return str(value)
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode()
    raise TypeError(type(value).__name__)
