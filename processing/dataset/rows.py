"""What PrepareDataset writes and the evaluation reads: rows, and the manifest beside them."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from processing.base.errors import DatasetError
from processing.base.exact_json import decode, encode
from processing.dataset.expectations import NONE, FurtherExpectations, further_of

ROWS_FILE = "dataset.jsonl"
MANIFEST_FILE = "manifest.json"

Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Row:
    """One prepared row. Its texts are as they came, stripped; its id is that of their NFC."""

    row_id: str
    question: str
    expected_response: str
    context: tuple[str, ...] | None = None
    slices: dict[str, Scalar] = field(default_factory=dict)
    further: FurtherExpectations = NONE

    def line(self) -> bytes:
        """The row's line of `dataset.jsonl`.

        Raises UnicodeEncodeError where a text holds what UTF-8 cannot (a lone surrogate).
        """
        return _line(
            self.row_id.encode(),
            encode(self.question),
            encode(self.expected_response),
            encode(self.context),
            encode(self.slices),
            further=_further(self.further),
        )


def _line(
    row_id: bytes,
    question: bytes,
    response: bytes,
    context: bytes,
    slices: bytes,
    *,
    further: bytes = b"",
) -> bytes:
    return b"".join(
        (
            *(b'{"row_id":"', row_id, b'","inputs":{"question":', question),
            *(b'},"expectations":{"expected_response":', response, further),
            *(b'},"context":', context, b',"slices":', slices, b"}\n"),
        )
    )


def _further(expectations: FurtherExpectations) -> bytes:
    """`,"references":[...]` and the like; empty where there are none."""
    given = expectations.given()
    return b"," + encode(given)[1:-1] if given else b""


class Written(NamedTuple):
    """A row's line of `dataset.jsonl`, and what is compared of it: the texts' NFC.

    `row_id` is 8 bytes here.
    """

    line: bytes
    row_id: bytes
    question: str
    expected_response: str


def make_row(
    question: str,
    expected_response: str,
    context: Iterable[str] | None = None,
    slices: dict[str, Scalar] | None = None,
    further: FurtherExpectations = NONE,
) -> Row:
    """The row that `write_row` writes. Raises UnicodeEncodeError as it does."""
    return row_of(decode(write_row(question, expected_response, context, slices, further).line))


def write_row(
    question: str,
    expected_response: str,
    context: Iterable[str] | None = None,
    slices: dict[str, Scalar] | None = None,
    further: FurtherExpectations = NONE,
) -> Written:
    """A row's line, and its id.

    `row_id`: the first 16 hexadecimal characters of SHA-256 over the canonical JSON (keys sorted,
    no spaces, UTF-8) of question, expected_response and context in NFC, and of the further
    expectations, if any, so that texts that look the same are the same row. Slices do not enter, so
    that a relabelled row keeps its answers.

    Raises UnicodeEncodeError where a text holds what UTF-8 cannot (a lone surrogate).
    """
    # Put together from encoded texts, since this is done a million times.
    question, asked, compared_question = _encoded(question.strip())
    response, expected, compared_response = _encoded(expected_response.strip())
    passages = list(filter(None, map(str.strip, context))) if context else []
    given = compared_context = encode(passages) if passages else b"null"
    if passages and not given.isascii():
        compared_context = encode(list(map(_nfc, passages)))
    canonical = b"".join(
        (
            *(b'{"context":', compared_context, b',"expected_response":', compared_response),
            *(b',"question":', compared_question, b"}"),
        )
    )
    more = b""
    if further is not NONE:
        further = further.mapped(str.strip)
        more = _further(further)
        canonical += _further(further.mapped(_nfc))
    row_id = hashlib.sha256(canonical).digest()[:8]
    line = _line(row_id.hex().encode(), asked, expected, given, encode(slices or {}), further=more)
    return Written(line, row_id, question, response)


def _encoded(text: str) -> tuple[str, bytes, bytes]:
    """The text in NFC; its JSON as it came, and in NFC."""
    encoded = encode(text)
    if text.isascii():
        return text, encoded, encoded
    normal = _nfc(text)
    return normal, encoded, encode(normal)


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def read_lines(path: Path, sha256: str) -> list[Row]:
    """The rows of one file.

    Raises DatasetError where they are malformed, or not the ones in the manifest.
    """
    digest, rows = hashlib.sha256(), []
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            digest.update(line)
            rows.append(_read_line(path, number, line))
    if digest.hexdigest() != sha256:
        raise DatasetError(
            f"{path} is not the file that {MANIFEST_FILE} describes (SHA-256 "
            f"{digest.hexdigest()[:12]}, not {sha256[:12] or 'none'}): it was changed "
            "or cut off; prepare the dataset again"
        )
    return rows


def _read_line(path: Path, number: int, line: bytes) -> Row:
    try:
        return row_of(decode(line))
    except (ValueError, KeyError, TypeError) as error:
        raise DatasetError(
            f"{path}:{number}: is not a prepared row ({type(error).__name__}: {error}); "
            "prepare the dataset again"
        ) from error


def row_of(record: dict[str, Any]) -> Row:
    """The row that a line of `dataset.jsonl` holds. Raises KeyError or TypeError if it is none."""
    return Row(
        row_id=record["row_id"],
        question=record["inputs"]["question"],
        expected_response=record["expectations"]["expected_response"],
        context=None if record["context"] is None else tuple(record["context"]),
        slices=record["slices"],
        further=further_of(record["expectations"]),
    )


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
    `processing.dataset.source_version`, where a cached manifest has to be held against it.
    """

    # "schema" itself is taken: BaseModel has a method of that name.
    schema_version: Literal[1] = Field(default=1, alias="schema")
    source: str
    source_version: str | None = None
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
    shards: list[ShardFile]
    notes: list[str]

    @property
    def title(self) -> str:
        """The source's name without its folders: `questions.jsonl`, `owner/name` of the hub."""
        if self.source.startswith("hf://"):
            return self.source.removeprefix("hf://")
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
