"""Which of the usable rows are written: each content once, and of these a sample.

Of every row 32 bytes are kept, whatever its length, so that millions of rows fit.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from processing.dataset.rows import Written

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_LINE_BITS = 40


@dataclass
class RowIndex:
    """What is remembered of each usable row, in source order: four arrays of equal length.

    `row_ids` are 8 bytes each; `place` is the number of the file << 40 | the line in it.
    """

    row_ids: bytearray = field(default_factory=bytearray)
    question: array[int] = field(default_factory=lambda: array("q"))
    response: array[int] = field(default_factory=lambda: array("q"))
    place: array[int] = field(default_factory=lambda: array("Q"))

    def add(self, row: Written, file: int, line: int) -> None:
        self.row_ids += row.row_id
        # Only told apart from one another, and only in this process.
        self.question.append(hash(row.question))
        self.response.append(hash(row.expected_response))
        self.place.append(file << _LINE_BITS | line)

    def __len__(self) -> int:
        return len(self.place)


@dataclass(frozen=True)
class Place:
    file: int
    line: int


@dataclass(frozen=True)
class Duplicate:
    row_id: str
    place: Place
    first: Place


@dataclass(frozen=True)
class Selection:
    """`written`: a byte for each row of the index, 1 where it is written."""

    written: bytes
    usable: int
    duplicates: int
    conflicting_questions: int
    first_duplicates: list[Duplicate]


def select(index: RowIndex, *, sample_size: int, seed: int, listed: int) -> Selection:
    """Keep the first of equal rows, then draw `sample_size` of them (0: all).

    The sample is the rows with the smallest SHA-256 of "seed:row_id". It depends on the set of rows
    only, not on their order, and a larger sample contains the smaller one.
    """
    import numpy as np

    row_ids = np.frombuffer(index.row_ids, dtype=">u8").astype(np.uint64)
    places = np.asarray(index.place)
    distinct, firsts = np.unique(row_ids, return_index=True)
    is_first = np.zeros(len(index), dtype=bool)
    is_first[firsts] = True
    again = np.flatnonzero(~is_first)
    questions, responses = np.asarray(index.question)[firsts], np.asarray(index.response)[firsts]
    drawn = firsts
    if 0 < sample_size < len(firsts):
        lots = np.frombuffer(_lots(distinct.data, seed), dtype=">u8")
        drawn = firsts[np.lexsort((distinct, lots))[:sample_size]]
    written = np.zeros(len(index), dtype=np.uint8)
    written[drawn] = 1
    originals = firsts[np.searchsorted(distinct, row_ids[again[:listed]])]
    return Selection(
        written=written.tobytes(),
        usable=len(firsts),
        duplicates=len(again),
        conflicting_questions=_with_several(questions, responses),
        first_duplicates=[
            Duplicate(f"{row_ids[row]:016x}", _place(int(places[row])), _place(int(places[first])))
            for row, first in zip(again[:listed], originals, strict=True)
        ],
    )


def _with_several(questions: NDArray[np.int64], responses: NDArray[np.int64]) -> int:
    """How many of the questions have more than one response; both by row."""
    import numpy as np

    order = np.lexsort((responses, questions))
    questions, responses = questions[order], responses[order]
    differs = (questions[1:] == questions[:-1]) & (responses[1:] != responses[:-1])
    return len(np.unique(questions[1:][differs]))


def _lots(row_ids: Iterable[int], seed: int) -> bytearray:
    """The first 64 bits of each row's lot, one after the other."""
    form, lots = f"{seed}:%016x".encode(), bytearray()
    for row_id in row_ids:
        lots += hashlib.sha256(form % row_id).digest()[:8]
    return lots


def _place(packed: int) -> Place:
    return Place(file=packed >> _LINE_BITS, line=packed & ((1 << _LINE_BITS) - 1))
