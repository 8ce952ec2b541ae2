"""A look at the dataset, before it is uploaded and a job finds out what is wrong."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline.definition.bundle import Bundle
from processing.base.errors import DatasetError
from processing.base.exact_json import decode
from processing.config.dataset import Dataset
from processing.dataset.columns import map_record
from processing.dataset.media import REASONS
from processing.dataset.readers import BadRecord, Record
from processing.dataset.rows import Row, row_of
from processing.dataset.sources import open_source
from processing.dataset.validation import require_columns, require_named
from processing.mlflow_record.evaluation_datasets import open_rows

FIRST_ROWS = 1000


def check_dataset(bundle: Bundle, config_name: str) -> None:
    """Raises DatasetError for a file that cannot be read, or has not the columns that are mapped.

    Only the first rows are read. A column that JSON Lines first have further down is let pass: the
    job, which reads all of it, has the last word.
    """
    if bundle.dataset_upload is None:
        return
    dataset, whole, columns = bundle.config.dataset, True, dict[str, None]()
    with open_source(dataset, Path(os.devnull), bundle.folder) as source:
        for part in source.parts:
            first = list(itertools.islice(part.records, FIRST_ROWS))
            found = dict.fromkeys(
                name for record in first if isinstance(record, Record) for name in record.columns
            )
            columns |= found
            known = source.format != "jsonl" or len(first) < FIRST_ROWS
            whole &= known
            if found and known:
                require_columns(part.name, list(found), dataset.columns, config_name)
            _require_usable(part.name, first, dataset)
    if columns and whole:
        mapped = dataset.columns.names
        free = [name for name in columns if name not in mapped]
        grouping = bundle.config.grouping()
        require_named(dataset.source, free, dataset.columns, grouping, config_name)


def _require_usable(name: str, first: Sequence[Record | BadRecord], dataset: Dataset) -> None:
    """Raises DatasetError where so many rows are no texts, or conversations, that the job fails."""
    mapped = (map_record(r, dataset.columns, set()) for r in first if isinstance(r, Record))
    told = dataset.columns.messages is not None
    bad = [row for row in mapped if isinstance(row, BadRecord) and (told or row.reason in REASONS)]
    if len(bad) > dataset.max_unusable_share * len(first):
        row = bad[0]
        more = f"; {len(bad) - 1} more of the first {len(first)} rows" if len(bad) > 1 else ""
        raise DatasetError(f"{name}:{row.line}: {row.reason} ({row.detail}){more}")


def first_row(bundle: Bundle) -> Row:
    """The first row of the dataset that an evaluation could use. Raises DatasetError."""
    for row in usable_rows(bundle):
        return row
    raise DatasetError(f"{bundle.config.dataset.source}: holds no usable row")


def usable_rows(bundle: Bundle) -> Iterator[Row]:
    """The dataset's rows that an evaluation could use. Raises DatasetError."""
    dataset, endpoint = bundle.config.dataset, bundle.config.endpoint
    mlflow = bundle.config.mlflow.tracking_uri
    with (
        tempfile.TemporaryDirectory(prefix="check-online-") as nothing_mounted,
        open_rows(dataset, endpoint, Path(nothing_mounted), bundle.folder, mlflow) as source,
    ):
        for part in source.parts:
            for record in part.records:
                if isinstance(record, Record):
                    written = map_record(record, dataset.columns, set())
                    if not isinstance(written, BadRecord):
                        yield row_of(decode(written.line))
