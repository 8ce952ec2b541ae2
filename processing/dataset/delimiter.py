"""What separates the fields of a CSV: a comma, or what spreadsheets of other languages write.

The header tells. Excel's own first line `sep=;` is believed.
"""

from __future__ import annotations

import contextlib
import csv
import io
import itertools
import re
from collections.abc import Collection
from typing import NamedTuple

from processing.base.errors import DatasetError

LOOKED_AT = 64 * 1024
"""Characters from the start of a file."""

_ROWS = 20
_DELIMITERS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a vertical bar"}
_SEP_LINE = re.compile(r"sep=([^\r\n])(\r\n|\r|\n)", re.IGNORECASE)


class Dialect(NamedTuple):
    """`skipped`: characters before the header, which are Excel's `sep=` line."""

    delimiter: str
    skipped: int = 0


def find_dialect(name: str, start: str, wanted: Collection[str] = ()) -> Dialect:
    """Of a file that begins with `start` and should have the columns `wanted`.

    The delimiter whose header has all wanted columns; else the only one that stands in the header;
    else the only one by which the next rows have as many fields as the header. Raises DatasetError
    where that leaves several.
    """
    if told := _SEP_LINE.match(start):
        return Dialect(told[1], told.end())
    read = {delimiter: _first_rows(start, delimiter) for delimiter in _DELIMITERS}
    headers = {delimiter: rows[0] for delimiter, rows in read.items() if rows}
    fitting = [d for d, header in headers.items() if set(wanted) <= set(header)]
    if wanted and len(fitting) == 1:
        return Dialect(fitting[0])
    splitting = [delimiter for delimiter, header in headers.items() if len(header) > 1]
    if len(splitting) > 1:
        even = [d for d in splitting if len({len(row) for row in read[d]}) == 1]
        if len(even) != 1:
            raise DatasetError(f"{name}: {_ambiguous({d: headers[d] for d in splitting})}")
        splitting = even
    return Dialect(splitting[0] if splitting else ",")


def _first_rows(start: str, delimiter: str) -> list[list[str]]:
    """Whole rows: without the last, which the end of `start` may have cut, if there are others."""
    reader = csv.reader(io.StringIO(start, newline=""), delimiter=delimiter, strict=True)
    rows: list[list[str]] = []
    with contextlib.suppress(csv.Error):  # the reader tells it, with its line
        rows.extend(itertools.islice((row for row in reader if any(row)), _ROWS + 1))
    cut = len(start) >= LOOKED_AT or len(rows) > _ROWS
    return rows[:-1] if cut and len(rows) > 1 else rows


def _ambiguous(headers: dict[str, list[str]]) -> str:
    ways = "; ".join(
        f"{_DELIMITERS[delimiter]} separates {', '.join(map(repr, header[:6]))}"
        for delimiter, header in headers.items()
    )
    return (
        f"it is unclear what separates its columns: {ways}. Put names that hold a separator in "
        'quotes ("), or write sep=, or sep=; as the first line'
    )
