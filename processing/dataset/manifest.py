"""What PrepareDataset writes beside the rows: where they come from, and what became of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from processing.base.errors import DatasetError

MANIFEST_FILE = "manifest.json"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SourceFile(_Part):
    name: str
    bytes: int
    sha256: str


class Counts(_Part):
    """Rows. read = unusable + duplicates + usable; written is what the sample left of usable.

    `conflicting_questions` are questions that have more than one expected response.
    """

    read: int
    unusable: int
    duplicates: int
    conflicting_questions: int
    usable: int
    written: int


class UnusableRow(_Part):
    """`line` is the line in a text file, the row number in Parquet and on the hub; both from 1."""

    file: str
    line: int
    reason: str
    detail: str


class DuplicateRow(_Part):
    row_id: str
    file: str
    line: int
    first_file: str
    first_line: int


class ShardFile(_Part):
    name: str
    rows: int
    sha256: str


class Manifest(_Part):
    """`manifest.json`. `sha256` is empty where no rows were written; `notes` then say why.

    It is that of all rows, as they follow one another in `shards`. `source_version` is that of
    `processing.dataset.source_version`, where a cached manifest has to be held against it, and of
    MLflow's records in any case.
    """

    # "schema" itself is taken: BaseModel has a method of that name.
    schema_version: Literal[1] = Field(default=1, alias="schema")
    source: str
    source_version: str | None = None
    format: Literal["jsonl", "csv", "parquet", "hub", "capture", "mlflow"]
    files: list[SourceFile]
    seed: int
    sample_size: int
    counts: Counts
    unusable_by_reason: dict[str, int]
    unusable: list[UnusableRow]
    duplicates: list[DuplicateRow]
    dropped_columns: list[str]
    slices: dict[str, int]
    has_context: bool
    sha256: str
    shards: list[ShardFile]
    notes: list[str]

    @property
    def title(self) -> str:
        """The source's name without its folders: `questions.jsonl`, `owner/name` of the hub."""
        if self.source.startswith("hf://"):
            return self.source.removeprefix("hf://")
        if self.source.startswith("capture://"):
            return f"traffic of {self.source.removeprefix('capture://').partition('?')[0]}"
        if self.source.startswith("mlflow://"):
            return self.source.removeprefix("mlflow://")
        return self.source.rstrip("/").rpartition("/")[2]


def write_manifest(manifest: Manifest, directory: Path) -> None:
    part = directory / f".{MANIFEST_FILE}.part"
    document = manifest.model_dump(mode="json", by_alias=True)
    part.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(directory / MANIFEST_FILE)


def read_manifest(directory: Path) -> Manifest:
    return read_manifest_file(directory / MANIFEST_FILE)


def read_manifest_file(path: Path) -> Manifest:
    """Raises DatasetError where the manifest is missing or is not one."""
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DatasetError(
            f"{path} cannot be read ({error.strerror}): run processing.prepare_dataset first"
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "(top level)"
        raise DatasetError(
            f"{path}: is not a manifest: {where}: {first['msg']}; prepare the dataset again"
        ) from error
