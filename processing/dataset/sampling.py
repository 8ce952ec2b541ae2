"""Which of the usable rows are written: each content once, and of these a sample.

Of every row 32 bytes are kept, whatever its length, so that millions of rows fit.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field

from processing.dataset.rows import Written

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
    import polars as pl

    rows = pl.DataFrame(
        {
            "row_id": np.frombuffer(index.row_ids, dtype=">u8").astype(np.uint64),
            "question": np.asarray(index.question),
            "response": np.asarray(index.response),
            "place": np.asarray(index.place),
        }
    ).with_row_index()
    is_first = rows["row_id"].is_first_distinct()
    kept = rows.filter(is_first)
    responses = kept.group_by("question").agg(pl.col("response").n_unique())
    drawn = kept["index"]
    if 0 < sample_size < kept.height:
        lots = np.frombuffer(_lots(kept["row_id"], seed), dtype=">u8").astype(np.uint64)
        ranked = kept.select("index", "row_id", pl.Series("lot", lots))
        drawn = ranked.sort("lot", "row_id").head(sample_size)["index"]
    written = np.zeros(len(index), dtype=np.uint8)
    written[drawn.to_numpy()] = 1
    again = rows.filter(~is_first)
    pairs = again.head(listed).join(
        kept.select("row_id", first="place"), on="row_id", maintain_order="left"
    )
    return Selection(
        written=written.tobytes(),
        usable=kept.height,
        duplicates=again.height,
        conflicting_questions=responses.filter(pl.col("response") > 1).height,
        first_duplicates=[
            Duplicate(f"{row_id:016x}", _place(place), _place(first))
            for row_id, place, first in pairs.select("row_id", "place", "first").iter_rows()
        ],
    )


def _lots(row_ids: Iterable[int], seed: int) -> bytearray:
    """The first 64 bits of each row's lot, one after the other."""
    form, lots = f"{seed}:%016x".encode(), bytearray()
    for row_id in row_ids:
        lots += hashlib.sha256(form % row_id).digest()[:8]
    return lots


def _place(packed: int) -> Place:
    return Place(file=packed >> _LINE_BITS, line=packed & ((1 << _LINE_BITS) - 1))
