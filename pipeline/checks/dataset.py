"""A look at a dataset on this machine, before it is uploaded and a job finds out what is wrong."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

from pipeline.definition.bundle import Bundle
from processing.dataset.readers import Record
from processing.dataset.sources import open_source
from processing.dataset.validation import require_columns

FIRST_ROWS = 1000


def check_dataset(bundle: Bundle, config_name: str) -> None:
    """Raises DatasetError for a file that cannot be read, or has not the columns that are mapped.

    Only the first rows are read. A column that JSON Lines first have further down is let pass: the
    job, which reads all of it, has the last word.
    """
    if bundle.dataset_upload is None:
        return
    dataset = bundle.config.dataset
    with open_source(dataset, Path(os.devnull), bundle.folder) as source:
        for part in source.parts:
            first = list(itertools.islice(part.records, FIRST_ROWS))
            found = dict.fromkeys(
                name for record in first if isinstance(record, Record) for name in record.columns
            )
            whole = source.format != "jsonl" or len(first) < FIRST_ROWS
            if found and whole:
                require_columns(part.name, list(found), dataset.columns, config_name)
