"""Records of an MLflow evaluation dataset as rows: `mlflow://NAME`, or `mlflow://d-...` by its id.

A record's inputs and expectations become columns by their keys; `dataset.columns` may also name
dotted paths, as `inputs.user.query`. Source: mlflow.genai.datasets, MLflow 3.4 and newer.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from processing.base.errors import DatasetError
from processing.config.dataset import Columns, Dataset
from processing.config.endpoint import Endpoint
from processing.config.mlflow_datasets import OPTIONAL, OWN_TAGS, SCHEME, named_dataset
from processing.dataset.readers import Record, Records
from processing.dataset.sources import OpenSource, Part
from processing.endpoint import captured
from processing.mlflow_record.errors import tracking_line
from processing.mlflow_record.signing import asking

_PARTS = ("inputs", "outputs", "expectations", "tags")
_TOO_OLD = ("error code 404", "NOT_IMPLEMENTED", "error code 405", "error code 501")
_NO_SLICES = ("mlflow.", OWN_TAGS)
_SESSION_KEYS = {"goal", "persona"}


@contextmanager
def open_rows(
    dataset: Dataset, endpoint: Endpoint | None, inputs: Path, beside: Path, tracking_uri: str
) -> Iterator[OpenSource]:
    """As `captured.open_rows`; the records of the MLflow at `tracking_uri`, too."""
    if dataset.from_mlflow:
        yield open_dataset(dataset, tracking_uri)
        return
    with captured.open_rows(dataset, endpoint, inputs, beside) as source:
        yield source


def open_dataset(dataset: Dataset, tracking_uri: str) -> OpenSource:
    """All records of the dataset that `dataset.source` names.

    Raises DatasetError where there is no such dataset, or more than one, it holds no records, or
    the server knows no datasets or cannot be asked.
    """
    from mlflow.exceptions import MlflowException
    from requests import RequestException

    source = dataset.source
    try:
        name, is_id = named_dataset(source)
    except ValueError as error:
        raise DatasetError(str(error)) from error
    try:
        with asking(tracking_uri):
            found = dataset_by_id(name) if is_id else dataset_by_name(name)
            records = [] if found is None else found.records
    except (MlflowException, RequestException) as error:
        raise DatasetError(f"{source}: {cannot_be_asked(tracking_uri, str(error))}") from error
    if found is None:
        raise DatasetError(
            f"{source}: MLflow at {tracking_uri} has no evaluation dataset of that "
            f"{'id' if is_id else 'name'}; mlflow.genai.datasets.search_datasets() lists them"
        )
    if not records:
        raise DatasetError(f"{source}: the dataset ({found.dataset_id}) has no records")
    _require_questions(source, records, dataset.columns)
    return OpenSource(
        format="mlflow",
        parts=[Part(source, _records(records, dataset.columns))],
        files=[],
        notes=[
            f"{len(records)} records of MLflow's evaluation dataset {found.name} "
            f"({found.dataset_id}, digest {found.digest})"
        ],
        version=_version(records),
    )


def dataset_by_name(name: str) -> Any | None:
    """mlflow.entities.EvaluationDataset; None where there is none.

    Raises DatasetError for two of one name, which MLflow allows; MlflowException as its client.
    """
    from mlflow import MlflowClient

    quote = "'" if '"' in name else '"'
    text = name.replace("'", "''") if quote == "'" else name
    asked = MlflowClient().search_datasets(
        filter_string=f"name = {quote}{text}{quote}", max_results=10
    )
    found = [dataset for dataset in asked if dataset.name == name]
    if len(found) > 1:
        ids = ", ".join(f"{SCHEME}{dataset.dataset_id}" for dataset in found)
        raise DatasetError(
            f"{SCHEME}{name}: {len(found)} evaluation datasets are called so; name one by its id: "
            f"{ids}"
        )
    return found[0] if found else None


def dataset_by_id(dataset_id: str) -> Any | None:
    """As `dataset_by_name`."""
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    try:
        return MlflowClient().get_dataset(dataset_id)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise


def cannot_be_asked(tracking_uri: str, said: str) -> str:
    """`said` is MLflow's own message."""
    if any(sign in said for sign in _TOO_OLD):
        return (
            f"MLflow at {tracking_uri} has no evaluation datasets: they need MLflow 3.4 or newer "
            "on a database (not a file store): upgrade the server, or take the rows from a file"
        )
    return tracking_line(tracking_uri, said)


def _require_questions(source: str, records: list[Any], columns: Columns) -> None:
    """Of the first record, by whose keys a reader can tell what to write."""
    keys = set(records[0].inputs)
    if columns.messages is None and columns.question not in keys and "messages" in keys:
        raise DatasetError(
            f"{source}: the inputs hold messages: write dataset.columns.messages: messages"
        )
    if columns.question not in keys and keys & _SESSION_KEYS:
        raise DatasetError(
            f"{source}: the inputs ({', '.join(sorted(keys))}) are for conversations with a "
            "simulated user, which are not run here: take a dataset of questions or messages"
        )


def _records(records: list[Any], columns: Columns) -> Records:
    for number, record in enumerate(records, 1):
        yield Record(number, _columns(record, columns))


def _columns(record: Any, columns: Columns) -> dict[str, Any]:
    """Inputs, expectations and tags by their keys, and what `columns` names by its path."""
    parts: dict[str, dict[str, Any]] = {
        name: value if isinstance(value, dict) else {}
        for name in _PARTS
        for value in [getattr(record, name)]
    }
    parts["tags"] = {k: v for k, v in parts["tags"].items() if not k.startswith(_NO_SLICES)}
    found: dict[str, Any] = {}
    used: set[str] = set()
    for column in [*columns.names, *columns.labels.values()]:
        if column == "outputs":
            found[column] = record.outputs
            continue
        place = _place(column, parts)
        if place is not None:
            part, *path = place
            found[column] = _at(parts[part], path)
            used.add(f"{part}.{path[0]}")
    if columns.messages is None and columns.question not in found and len(parts["inputs"]) == 1:
        [(key, value)] = parts["inputs"].items()  # what else could the question be
        found[columns.question] = value
        used.add(f"inputs.{key}")
    for part in ("inputs", "expectations", "tags"):
        for key, value in parts[part].items():
            if f"{part}.{key}" not in used:
                found.setdefault(key, value)
    unsaid = [name for name in OPTIONAL if name in columns.names]
    return {**dict.fromkeys(unsaid), **found}


def _place(column: str, parts: Mapping[str, dict[str, Any]]) -> list[str] | None:
    """Part, key and further keys of a column; None where the record has it not.

    A key that is the whole name wins over a path.
    """
    for part in ("inputs", "expectations", "tags"):
        if column in parts[part]:
            return [part, column]
    head, *rest = column.split(".")
    if head in _PARTS and rest:
        whole = column.removeprefix(f"{head}.")
        path = [head, whole] if whole in parts[head] else [head, *rest]
        return path if path[1] in parts[head] else None
    for part in ("inputs", "expectations"):
        if rest and head in parts[part]:
            return [part, head, *rest]
    return None


def _at(value: Any, path: list[str]) -> Any:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _version(records: list[Any]) -> str:
    """Of what the records hold. MLflow's own digest goes by the time of the last write, and stays
    as it was when a record is deleted (3.17)."""
    held = [[record.dataset_record_id, *(getattr(record, part) for part in _PARTS)]
            for record in records]  # fmt: skip
    text = json.dumps(sorted(held, key=lambda one: one[0]), sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()
