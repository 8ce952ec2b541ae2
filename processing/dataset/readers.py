"""Records as they stand in the user's files, each with its place; nothing is judged yet.

Bad text does not stop a reader: it becomes a `BadRecord`. What makes the rest of a file doubtful
(an unclosed quote, UTF-16, a damaged archive, a row without end) is a DatasetError.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
import zlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal, NamedTuple

from processing.base.errors import DatasetError
from processing.base.exact_json import decode, repeated_key
from processing.dataset.arrow_records import arrow_records
from processing.dataset.column_names import require_distinct
from processing.dataset.delimiter import LOOKED_AT, Dialect, find_dialect
from processing.dataset.media import require_no_media_columns
from processing.dataset.size_limits import (
    BUFFER_BYTES,
    BoundedLines,
    require_short_cells,
    unzipped,
)

Format = Literal["jsonl", "csv", "parquet"]

BATCH_ROWS = 4096


class Record(NamedTuple):
    """`line`: where it starts in a text file; the row number in Parquet and on the hub.

    `source` is the JSON that the columns were read from; empty in other formats.
    """

    line: int
    columns: dict[str, Any]
    source: bytes = b""


class BadRecord(NamedTuple):
    """`reason` is what the manifest counts by; `detail` is about this one and may be empty."""

    line: int
    reason: str
    detail: str


Records = Iterator[Record | BadRecord]


@dataclass(frozen=True)
class DataFile:
    """`name`: the path below the source, as people are told it."""

    name: str
    path: Path


def read_records(file: DataFile, file_format: Format, wanted: Collection[str] = ()) -> Records:
    """Stream a file's records. Raises DatasetError where the file as a whole cannot be read.

    `wanted`: columns that it should have, by which a CSV's delimiter is told.
    """
    try:
        if file_format == "csv":
            yield from _read_csv(file, wanted)
        else:
            yield from (_read_jsonl if file_format == "jsonl" else _read_parquet)(file)
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise DatasetError(f"{file.name}: cannot be read: {error}") from error


def _open(file: DataFile) -> BinaryIO:
    """The file's bytes, unzipped."""
    zipped = file.name.lower().endswith(".gz")
    return unzipped(file.name, file.path) if zipped else file.path.open("rb", BUFFER_BYTES)


_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def _has_mark_of_utf_16(name: str, stream: BinaryIO) -> bool:
    """Whether the stream begins with it. Raises DatasetError for UTF-16 that does not."""
    assert isinstance(stream, io.BufferedReader)
    start = stream.peek(2)[:2]  # which are read again
    if start.count(0) == 1:
        raise DatasetError(f"{name}: is UTF-16 text without its mark; save it as UTF-8")
    return start in _UTF_16


# JSON Lines

_BOM = b"\xef\xbb\xbf"


def _read_jsonl(file: DataFile) -> Records:
    with _open(file) as stream:
        if _has_mark_of_utf_16(file.name, stream):
            raise DatasetError(f"{file.name}: is UTF-16 text; save it as UTF-8")
        first = True
        lines = BoundedLines(file.name, stream.readline)
        for number, raw in enumerate(lines, 1):
            lines.start_row(number + 1)
            line = raw.removeprefix(_BOM).strip()  # inside a file, too, where two were joined
            if not line:
                continue
            record = _json_record(number, line)
            if first and line.startswith(b"[") and _is_array_of_rows(record, line):
                raise DatasetError(
                    f"{file.name}: is one JSON array, not JSON Lines (one object a line); "
                    f"convert it with: jq -c '.[]' {file.name} > rows.jsonl"
                )
            first = False
            yield record


def _json_record(number: int, line: bytes) -> Record | BadRecord:  # noqa: PLR0911 each its reason
    try:
        value = decode(line)
    except UnicodeDecodeError as error:
        return BadRecord(number, "invalid UTF-8", f"byte {error.start + 1} of the line")
    except UnicodeEncodeError:
        return BadRecord(number, "invalid UTF-8", "an escape \\ud800-\\udfff without its pair")
    except json.JSONDecodeError as error:
        return BadRecord(number, "invalid JSON", f"{error.msg} at column {error.colno}")
    except (ValueError, RecursionError) as error:
        return BadRecord(number, "invalid JSON", str(error))
    if not isinstance(value, dict):
        return BadRecord(number, "not an object", f"it begins with {line.decode()[:30]}")
    repeated = repeated_key(line, value)
    if repeated is None:
        return Record(number, value, line)
    return BadRecord(number, "repeated key", f"{repeated!r} stands in it more than once")


def _is_array_of_rows(record: Record | BadRecord, line: bytes) -> bool:
    if isinstance(record, BadRecord) and record.reason == "not an object":
        return bool(re.match(rb"\[\s*\{", line))
    return isinstance(record, BadRecord) and record.reason == "invalid JSON"


# CSV (RFC 4180, with a header)


def _read_csv(file: DataFile, wanted: Collection[str]) -> Records:
    csv.field_size_limit(2**31 - 1)
    with _csv_text(file) as stream:
        dialect = find_dialect(file.name, stream.read(LOOKED_AT), wanted)
    with _csv_text(file) as stream:
        yield from _csv_records(file, stream, dialect)


def _csv_text(file: DataFile) -> io.TextIOWrapper:
    """UTF-8, or UTF-16 with its mark, as Excel's "Unicode text" has it.

    Bytes that are no UTF-8 come through as surrogates and are found when the row is encoded.
    """
    stream = _open(file)
    if _has_mark_of_utf_16(file.name, stream):
        return io.TextIOWrapper(stream, encoding="utf-16", newline="")
    return io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")


def _csv_records(file: DataFile, stream: io.TextIOWrapper, dialect: Dialect) -> Records:
    stream.read(dialect.skipped)
    before = 1 if dialect.skipped else 0
    lines = BoundedLines(file.name, stream.readline)
    reader = csv.reader(lines, delimiter=dialect.delimiter, strict=True)
    header: list[str] = []
    while True:
        line = reader.line_num + before + 1
        lines.start_row(line)
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield _bad_quoting(file, line, reader.line_num + before, header, error)
            continue
        if not any(field.strip() for field in fields) and len(fields) <= 1:
            continue
        if not header:
            header = _checked_header(file, line, fields)
        elif len(fields) == len(header):
            yield Record(line, dict(zip(header, fields, strict=True)))
        elif evened := _evened(fields, header):
            yield Record(line, dict(zip(header, evened, strict=True)))
        else:
            yield BadRecord(
                line,
                "wrong number of fields",
                f"{len(fields)} where the header has {len(header)}",
            )


def _evened(fields: list[str], header: list[str]) -> list[str]:
    """The fields without empty ones at the end, or with those that the header has no name for.

    Spreadsheets end rows with delimiters of their own; [] where anything could be lost.
    """
    if any(field.strip() for field in fields[len(header) :]):
        return []
    if any(name.strip() for name in header[len(fields) :]):
        return []
    return (fields + [""] * len(header))[: len(header)]


def _checked_header(file: DataFile, line: int, header: list[str]) -> list[str]:
    place = f"{file.name}:{line}: the header"
    try:
        "".join(header).encode()
    except UnicodeEncodeError as error:
        raise DatasetError(f"{place} is not UTF-8; save the file as UTF-8") from error
    require_distinct(place, header)
    return header


def _bad_quoting(
    file: DataFile, line: int, last: int, header: list[str], error: csv.Error
) -> BadRecord:
    """A bad row where it is certain that no other row was swallowed; otherwise a DatasetError."""
    if last > line or not header:
        raise DatasetError(
            f"{file.name}:{line}: a quoted field that starts in this row is not closed properly "
            f"(lines {line} to {last}: {error}), so that it is unclear where the next rows start; "
            'close it, and double the quotes inside it ("")'
        ) from error
    return BadRecord(line, "malformed CSV", str(error))


# Parquet


def _read_parquet(file: DataFile) -> Records:
    import pyarrow
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(file.path) as table:
            require_no_media_columns(file.name, table.schema_arrow)
            yield from number_records(
                record
                for batch in _short_cells(file.name, table.iter_batches(BATCH_ROWS))
                for record in arrow_records(file.name, batch)
            )
    except pyarrow.ArrowException as error:
        raise DatasetError(f"{file.name}: cannot be read as Parquet: {error}") from error


def _short_cells(name: str, batches: Iterable[Any]) -> Iterator[Any]:
    row = 1
    for batch in batches:
        require_short_cells(name, row, batch)
        row += batch.num_rows
        yield batch


def number_records(records: Iterable[dict[str, Any]]) -> Records:
    for number, columns in enumerate(records, 1):
        yield Record(number, columns)
