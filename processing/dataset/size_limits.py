"""How much of a file is taken into memory at once, so that no file can bring the job down.

A gzip file of a megabyte can hold a line of a gigabyte. A row that is longer than `LONGEST_ROW`
ends the reading: SageMaker's endpoints take no request of that size (25 MB), and how much more of
it is to come nobody knows.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from processing.base.errors import DatasetError

LONGEST_ROW = 32 * 2**20
"""Bytes of a line of JSON Lines, characters of a row of CSV, bytes of a cell of Parquet."""

UNPACKED_FREELY = 256 * 2**20
MOST_TIMES = 200
"""Text packs to a tenth, the same lines over and over to a hundredth; gzip can do a thousandth."""

BUFFER_BYTES = 1 << 20

Line = TypeVar("Line", bytes, str)


def row_error(name: str, line: int) -> DatasetError:
    return DatasetError(
        f"{name}:{line}: the row that starts here is longer than {_size(LONGEST_ROW)}, the most "
        "that is read of one row; no endpoint takes a request of that size. Shorten it, or take "
        "it out of the file (in CSV, a quote that is not closed makes one row of all that follows)"
    )


class BoundedLines(Iterator[Line]):
    """The lines that `readline(size)` gives, as far as the row that they belong to is not too long.

    A row begins where `start_row` was called. Raises DatasetError naming file and line.
    """

    def __init__(self, name: str, readline: Callable[[int], Line]) -> None:
        self._name = name
        self._readline: Callable[[int], Line] = readline
        self.start_row(1)

    def start_row(self, line: int) -> None:
        self._line, self._left = line, LONGEST_ROW

    def __next__(self) -> Line:
        line = self._readline(self._left + 1)
        if not line:
            raise StopIteration
        self._left -= len(line)
        if self._left < 0:
            raise row_error(self._name, self._line)
        return line


def unzipped(name: str, path: Path) -> BinaryIO:
    """The bytes of a gzip file. Reading on raises DatasetError where it unpacks without end."""
    most = max(UNPACKED_FREELY, MOST_TIMES * path.stat().st_size)
    return io.BufferedReader(_Unzipped(name, gzip.open(path), most), BUFFER_BYTES)


class _Unzipped(io.RawIOBase):
    def __init__(self, name: str, stream: gzip.GzipFile, most: int) -> None:
        self._name, self._stream, self._left = name, stream, most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = self._stream.readinto(buffer)
        self._left -= count
        if self._left < 0:
            raise DatasetError(
                f"{self._name}: unpacks to more than {MOST_TIMES} times its size, as no text "
                "does; unpack it and look at it before it is used"
            )
        return count

    def close(self) -> None:
        self._stream.close()
        super().close()


def require_short_cells(name: str, first_row: int, batch: Any) -> None:
    """Raises DatasetError naming the row of a pyarrow batch or table whose cell is too long."""
    if any(_longest(column) > LONGEST_ROW for column in batch.columns):
        rows = (batch.slice(i, 1).columns for i in range(batch.num_rows))
        longest = (max(map(_longest, columns)) for columns in rows)
        raise row_error(name, first_row + [size > LONGEST_ROW for size in longest].index(True))


def _longest(column: Any) -> int:
    """Bytes of the longest text in an Arrow array, at any depth; 0 if it holds no text."""
    from pyarrow import compute, types

    kind = column.type
    if (
        types.is_string(kind)
        or types.is_binary(kind)
        or types.is_large_string(kind)
        or types.is_large_binary(kind)
    ):
        return compute.max(compute.binary_length(column)).as_py() or 0
    if types.is_list(kind) or types.is_large_list(kind):
        return _longest(compute.list_flatten(column))
    if types.is_struct(kind):
        return max((_longest(compute.struct_field(column, i)) for i in range(kind.num_fields)),
                   default=0)  # fmt: skip
    return 0


def _size(count: int) -> str:
    return f"{count // 2**20} MiB" if count >= 2**20 else f"{count} bytes"
