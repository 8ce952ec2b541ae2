"""Rows of a Hugging Face dataset: `hf://owner/name`, or `hf:///absolute/path` for a local one.

A local path may be what `Dataset.save_to_disk` or `DatasetDict.save_to_disk` wrote (opened with
`datasets.load_from_disk`), or a folder of data files as on the hub (`datasets.load_dataset`).
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from processing.base.errors import DatasetError
from processing.config.dataset import Hub
from processing.dataset.arrow_records import arrow_records
from processing.dataset.media import require_no_media_columns
from processing.dataset.readers import (
    BATCH_ROWS,
    DataFile,
    Records,
    number_records,
    read_records,
)

SCHEME = "hf://"


def local_folder(source: str) -> Path | None:
    """The folder of `hf:///absolute/path`; None where the dataset is on the hub."""
    location = source.removeprefix(SCHEME)
    return Path(location) if location.startswith("/") else None


def read_hub(source: str, hub: Hub) -> Records:
    """Stream a split's rows, class labels as their names.

    Raises DatasetError where the dataset, its config or split cannot be opened or read.
    """
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
    import pyarrow
    from datasets.exceptions import DatasetsError

    try:
        yield from number_records(_rows(source, _load(source, hub)))
    # RuntimeError: huggingface_hub without a network, "the client has been closed".
    except (OSError, ValueError, RuntimeError, DatasetsError, pyarrow.ArrowException) as error:
        raise DatasetError(
            f"{source} cannot be read: {error}\nAsked for: config {hub.config or '(default)'}, "
            f"split {hub.split}, revision {hub.revision or '(latest)'} (dataset.hub). A split is a "
            "name; for fewer rows use dataset.sample_size. A gated dataset needs HF_TOKEN."
        ) from error


def _load(source: str, hub: Hub) -> Any:
    import datasets

    folder = local_folder(source)
    if folder is not None and (folder / "dataset_dict.json").is_file():
        splits = datasets.load_from_disk(str(folder))
        if hub.split not in splits:
            raise ValueError(f"no split {hub.split!r}; its splits are {', '.join(splits)}")
        return splits[hub.split]
    if folder is not None and (folder / "state.json").is_file():
        return datasets.load_from_disk(str(folder))
    if folder is not None:
        _require_distinct_headers(folder)
    path = str(folder) if folder else source.removeprefix(SCHEME)
    return datasets.load_dataset(
        path, hub.config, split=hub.split, revision=hub.revision, streaming=True
    )


def _require_distinct_headers(folder: Path) -> None:
    """Pandas would call the second `answer` of a CSV `answer.1` without a word."""
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in (".csv", ".tsv") and path.is_file():
            name = path.relative_to(folder).as_posix()
            next(read_records(DataFile(name, path), "csv"), None)


def _rows(source: str, dataset: Any) -> Iterable[dict[str, Any]]:
    import datasets

    labels = {
        name: feature.names
        for name, feature in (dataset.features or {}).items()
        if isinstance(feature, datasets.ClassLabel)
    }
    if dataset.features:
        require_no_media_columns(source, dataset.features.arrow_schema)
    # Arrow, so that a class label comes as its number, and nothing is decoded.
    for table in dataset.with_format("arrow").iter(batch_size=BATCH_ROWS):
        for record in arrow_records(source, table):
            for name, names in labels.items():
                number = record[name]
                # The hub's convention for a row without a label is -1.
                record[name] = names[number] if number is not None and number >= 0 else None
            yield record
