"""What PrepareDataset writes and the evaluation reads: rows, and the manifest beside them."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from processing.errors import DatasetError
from processing.exact_json import encode

ROWS_FILE = "dataset.jsonl"
MANIFEST_FILE = "manifest.json"

Scalar = str | int | float | bool | None



@dataclass(frozen=True, slots=True)
class Row:
    """One prepared row. Its texts are NFC and stripped, so that equal content has equal bytes."""

    row_id: str
    question: str
    expected_response: str
    context: tuple[str, ...] | None = None
    slices: dict[str, Scalar] = field(default_factory=dict)

    def line(self) -> bytes:
        """The row's line of `dataset.jsonl`.

        Raises UnicodeEncodeError where a text holds what UTF-8 cannot (a lone surrogate).
        """
        record = {
            "row_id": self.row_id,
            "inputs": {"question": self.question},
            "expectations": {"expected_response": self.expected_response},
            "context": self.context,
            "slices": self.slices,
        }
        return encode(record) + b"\n"


def make_row(
    question: str,
    expected_response: str,
    context: Iterable[str] | None = None,
    slices: dict[str, Scalar] | None = None,
) -> Row:
    """A row with its texts brought to normal form and its id made from them.

    `row_id`: the first 16 hexadecimal characters of SHA-256 over the canonical JSON (keys sorted,
    no spaces, UTF-8) of question, expected_response and context. Slices do not enter, so that a
    relabelled row keeps its answers.
    """
    question, expected_response = normal(question), normal(expected_response)
    passages = tuple(filter(None, map(normal, context))) or None if context else None
    canonical = encode(
        {"context": passages, "expected_response": expected_response, "question": question}
    )
    row_id = hashlib.sha256(canonical).hexdigest()[:16]
    return Row(row_id, question, expected_response, passages, slices or {})


def normal(text: str) -> str:
    return text.strip() if text.isascii() else unicodedata.normalize("NFC", text).strip()


def write_lines(lines: Iterable[bytes], directory: Path) -> str:
    """Write `dataset.jsonl` from `Row.line()`s in one step; returns the file's SHA-256."""
    part = directory / f".{ROWS_FILE}.part"
    digest = hashlib.sha256()
    try:
        with part.open("wb") as file:
            for line in lines:
                file.write(line)
                digest.update(line)
        part.replace(directory / ROWS_FILE)
    finally:
        part.unlink(missing_ok=True)
    return digest.hexdigest()


def read_rows(directory: Path) -> list[Row]:
    """The rows that PrepareDataset wrote to `directory`, in their order.

    Raises DatasetError where they are missing, malformed or not the ones in the manifest.
    """
    path = directory / ROWS_FILE
    if not path.is_file():
        raise DatasetError(f"{path} does not exist: run processing.prepare_dataset first")
    digest, rows = hashlib.sha256(), []
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            digest.update(line)
            rows.append(_read_line(path, number, line))
    if (directory / MANIFEST_FILE).is_file():
        expected = read_manifest(directory).sha256
        if digest.hexdigest() != expected:
            raise DatasetError(
                f"{path} is not the file that {MANIFEST_FILE} describes (SHA-256 "
                f"{digest.hexdigest()[:12]}, not {expected[:12] or 'none'}): it was changed "
                "or cut off; prepare the dataset again"
            )
    return rows


def _read_line(path: Path, number: int, line: bytes) -> Row:
    try:
        record = json.loads(line)
        return Row(
            row_id=record["row_id"],
            question=record["inputs"]["question"],
            expected_response=record["expectations"]["expected_response"],
            context=None if record["context"] is None else tuple(record["context"]),
            slices=record["slices"],
        )
    except (ValueError, KeyError, TypeError) as error:
        raise DatasetError(
            f"{path}:{number}: is not a prepared row ({type(error).__name__}: {error}); "
            "prepare the dataset again"
        ) from error


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


class Manifest(_Part):
    """`manifest.json`. `sha256` is empty where no rows were written; `notes` then say why."""

    # "schema" itself is taken: BaseModel has a method of that name.
    schema_version: Literal[1] = Field(default=1, alias="schema")
    source: str
    format: Literal["jsonl", "csv", "parquet", "hub"]
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
    notes: list[str]


def write_manifest(manifest: Manifest, directory: Path) -> None:
    part = directory / f".{MANIFEST_FILE}.part"
    document = manifest.model_dump(mode="json", by_alias=True)
    part.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(directory / MANIFEST_FILE)


def read_manifest(directory: Path) -> Manifest:
    """Raises DatasetError where the manifest is missing or is not one."""
    path = directory / MANIFEST_FILE
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
