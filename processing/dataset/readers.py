"""Records as they stand in the user's files, each with its place; nothing is judged yet.

Bad text does not stop a reader: it becomes a `BadRecord`. What makes the rest of a file doubtful
(an unclosed quote, UTF-16, a damaged archive, a row without end) is a DatasetError.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal, NamedTuple

from processing.base.errors import DatasetError
from processing.base.exact_json import decode
from processing.dataset.size_limits import (
    BUFFER_BYTES,
    BoundedLines,
    require_short_cells,
    unzipped,
)

Format = Literal["jsonl", "csv", "parquet"]

BATCH_ROWS = 4096


class Record(NamedTuple):
    """`line`: where it starts in a text file; the row number in Parquet and on the hub."""

    line: int
    columns: dict[str, Any]


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


def read_records(file: DataFile, file_format: Format) -> Records:
    """Stream a file's records. Raises DatasetError where the file as a whole cannot be read."""
    readers = {"jsonl": _read_jsonl, "csv": _read_csv, "parquet": _read_parquet}
    try:
        yield from readers[file_format](file)
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(f"{file.name}: cannot be read: {error}") from error


def _open(file: DataFile) -> BinaryIO:
    """The file's bytes, unzipped. Raises DatasetError for UTF-16, as some spreadsheets save it."""
    zipped = file.name.lower().endswith(".gz")
    with gzip.open(file.path) if zipped else file.path.open("rb") as stream:
        start = stream.read(2)
    if start in (b"\xff\xfe", b"\xfe\xff"):
        raise DatasetError(f"{file.name}: is UTF-16 text; save it as UTF-8")
    return unzipped(file.name, file.path) if zipped else file.path.open("rb", BUFFER_BYTES)


# JSON Lines

_BOM = b"\xef\xbb\xbf"


def _read_jsonl(file: DataFile) -> Records:
    with _open(file) as stream:
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


def _json_record(number: int, line: bytes) -> Record | BadRecord:
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
    return Record(number, value)


def _is_array_of_rows(record: Record | BadRecord, line: bytes) -> bool:
    if isinstance(record, BadRecord) and record.reason == "not an object":
        return bool(re.match(rb"\[\s*\{", line))
    return isinstance(record, BadRecord) and record.reason == "invalid JSON"


# CSV (RFC 4180, with a header)


def _read_csv(file: DataFile) -> Records:
    csv.field_size_limit(2**31 - 1)
    # Bytes that are not UTF-8 come through as surrogates and are found when the row is encoded.
    with io.TextIOWrapper(
        _open(file), encoding="utf-8-sig", errors="surrogateescape", newline=""
    ) as stream:
        lines = BoundedLines(file.name, stream.readline)
        reader = csv.reader(lines, strict=True)
        header: list[str] = []
        while True:
            line = reader.line_num + 1
            lines.start_row(line)
            try:
                fields = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield _bad_quoting(file, line, reader.line_num, header, error)
                continue
            if not any(field.strip() for field in fields) and len(fields) <= 1:
                continue
            if not header:
                header = _checked_header(file, line, fields)
            elif len(fields) != len(header):
                yield BadRecord(
                    line,
                    "wrong number of fields",
                    f"{len(fields)} where the header has {len(header)}",
                )
            else:
                yield Record(line, dict(zip(header, fields, strict=True)))


def _checked_header(file: DataFile, line: int, header: list[str]) -> list[str]:
    place = f"{file.name}:{line}: the header"
    try:
        "".join(header).encode()
    except UnicodeEncodeError as error:
        raise DatasetError(f"{place} is not UTF-8; save the file as UTF-8") from error
    for name in header:
        if name and header.count(name) > 1:
            raise DatasetError(f"{place} has the column {name!r} more than once; rename one")
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
            yield from number_records(
                record
                for batch in _short_cells(file.name, table.iter_batches(BATCH_ROWS))
                for record in arrow_records(batch)
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


def arrow_records(batch: Any) -> list[dict[str, Any]]:
    """A pyarrow RecordBatch or Table as Python values."""
    import pyarrow

    try:
        records: list[dict[str, Any]] = batch.to_pylist()
    except UnicodeDecodeError:
        # Arrow does not check its strings. Read them as bytes, so that only bad rows are lost.
        columns = {
            name: column.cast(pyarrow.binary()) if _is_text(column.type) else column
            for name, column in zip(batch.schema.names, batch.columns, strict=True)
        }
        records = pyarrow.table(columns).to_pylist()
    return records


def _is_text(arrow_type: Any) -> bool:
    import pyarrow

    return bool(pyarrow.types.is_string(arrow_type) or pyarrow.types.is_large_string(arrow_type))
