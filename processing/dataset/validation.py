"""The two passes over the rows: what each of them reads, counts and hands on."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import IO

from processing.base.errors import DatasetError
from processing.base.exact_json import decode, encode
from processing.config.dataset import Columns
from processing.config.model import CLUSTER_KEY, Grouping
from processing.dataset.columns import map_record
from processing.dataset.manifest import UnusableRow
from processing.dataset.readers import BadRecord
from processing.dataset.sampling import RowIndex, Selection
from processing.dataset.sources import OpenSource, Part

LISTED = 100
"""So many unusable rows, and so many duplicates, are listed in the manifest."""

MANY_VALUES = 10_000
"""Distinct values of a slice column are counted up to here; a column with more is no slice."""


_NO_CONTEXT, _SLICES = b',"context":null', b',"slices":{'


@dataclass
class Tally:
    """What the first pass has seen."""

    read: int = 0
    index: RowIndex = field(default_factory=RowIndex)
    reasons: Counter[str] = field(default_factory=Counter)
    unusable: list[UnusableRow] = field(default_factory=list)
    dropped: set[str] = field(default_factory=set)

    def add_unusable(self, file: str, bad: BadRecord) -> None:
        self.reasons[bad.reason] += 1
        if len(self.unusable) < LISTED:
            self.unusable.append(
                UnusableRow(file=file, line=bad.line, reason=bad.reason, detail=bad.detail)
            )


@dataclass
class Contents:
    """What the second pass has seen in the rows it wrote."""

    written: int = 0
    has_context: bool = False
    values: dict[str, set[str | bytes]] = field(default_factory=dict)


def read_parts(
    parts: Iterable[Part], columns: Columns, spool: IO[bytes], config_name: str, tally: Tally
) -> None:
    """The first pass: usable rows go to the spool and the tally's index, the others are counted.

    Raises DatasetError for a mapped column that no row of a file has.
    """
    for number, part in enumerate(parts):
        seen: dict[str, None] = {}
        last: tuple[str, ...] = ()
        for record in part.records:
            tally.read += 1
            if isinstance(record, BadRecord):
                tally.add_unusable(part.name, record)
                continue
            if (names := tuple(record.columns)) != last:
                seen.update(dict.fromkeys(names))
                last = names
            mapped = map_record(record, columns, tally.dropped)
            if isinstance(mapped, BadRecord):
                tally.add_unusable(part.name, mapped)
            else:
                tally.index.add(mapped, number, record.line)
                spool.write(mapped.line)
        if seen:
            require_columns(part.name, list(seen), columns, config_name)


def require_columns(file: str, found: list[str], columns: Columns, config_name: str) -> None:
    for key, column in columns.mapped.items():
        if key == "expected_response" and columns.expected_facts:
            continue  # the facts take its place
        if column not in found:
            raise DatasetError(
                f"{file}: there is no column {column!r}; {_instead(column, found)} "
                f"Change dataset.columns.{key} in {config_name}."
            )


def require_named(
    file: str, found: Iterable[str], columns: Columns, named: Grouping, config_name: str
) -> None:
    """Raises DatasetError for a column that slices, cluster or labels name and nobody has.

    `found`: the columns that `dataset.columns` does not map; only a cluster may be one of these.
    """
    names = list(found)
    mapped = list(columns.names)
    for key, column in named.items():
        there = [*names, *mapped] if key == CLUSTER_KEY else names
        if column not in there:
            raise DatasetError(
                f"{file}: there is no column {column!r}, which {key} names; "
                f"{_instead(column, there)} Change {key} in {config_name}."
            )


def _instead(column: str, found: list[str]) -> str:
    if not found:
        return "there is none but those that dataset.columns maps."
    alike = [name for name in found if _plainly(name) == _plainly(column)]
    close = alike or difflib.get_close_matches(column, found, n=1, cutoff=0.5)
    guess = f" Did you mean {' or '.join(map(repr, close))}?" if close else ""
    more = f" and {len(found) - 20} more" if len(found) > 20 else ""
    names = ", ".join(repr(name) for name in found[:20]) + more
    return f"its columns are {names}.{guess}"


def _plainly(name: str) -> str:
    return "".join(name.split()).casefold()


def watched(lines: Iterable[bytes], contents: Contents) -> Iterator[bytes]:
    """The same lines; what is in them is noted in `contents`."""
    for line in lines:
        # Inside a text the quotes would be escaped: this is where the slices begin.
        end = line.index(_SLICES)
        contents.written += 1
        contents.has_context |= not line.startswith(_NO_CONTEXT, end - len(_NO_CONTEXT))
        for name, value in decode(line[end + len(_SLICES) - 1 : -2]).items():
            values = contents.values.setdefault(name, set())
            if value is not None and len(values) < MANY_VALUES:
                # Numbers as JSON text, since 1, 1.0 and true are one and the same to a set.
                values.add(value if value.__class__ is str else encode(value))
        yield line


def place_of(row: UnusableRow) -> str:
    return f"{row.file}:{row.line}: {row.reason}" + (f" ({row.detail})" if row.detail else "")


def tell_read(source: OpenSource, tally: Tally, selection: Selection) -> None:
    """Print what the first pass has seen."""
    where = source.parts[0].name if len(source.parts) == 1 else f"{len(source.parts)} files"
    unusable = f"{tally.reasons.total()} unusable"
    if tally.reasons:
        reasons = (f"{count} {reason}" for reason, count in tally.reasons.most_common())
        unusable += f" ({', '.join(reasons)})"
    print(
        f"read {tally.read} rows from {where} ({source.format}): {selection.usable} usable, "
        f"{selection.duplicates} duplicates, {unusable}"
    )
    for row in tally.unusable[:10]:
        print(f"  left out {place_of(row)}")
    if selection.conflicting_questions:
        print(f"  {selection.conflicting_questions} questions have more than one expected response")
