"""Where the rows come from: files on disk, a SageMaker processing input, S3, or the hub."""

from __future__ import annotations

import difflib
import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from processing.base.errors import DatasetError
from processing.base.inside import OutsideError, inside
from processing.config.dataset import Dataset, Hub
from processing.dataset import huggingface
from processing.dataset.manifest import SourceFile
from processing.dataset.readers import DataFile, Format, Records, read_records

SUFFIXES: dict[str, Format] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
}


@dataclass(frozen=True)
class Part:
    """One file, or one split on the hub."""

    name: str
    records: Records


@dataclass(frozen=True)
class OpenSource:
    """`parts` are read once, in order. `files` is empty where the hub or MLflow holds them.

    `version` is a digest of what is there, where reading it has told.
    """

    format: Literal["jsonl", "csv", "parquet", "hub", "capture", "mlflow"]
    parts: list[Part]
    files: list[SourceFile]
    notes: list[str]
    version: str | None = None


@contextmanager
def open_source(dataset: Dataset, inputs: Path, beside: Path) -> Iterator[OpenSource]:
    """Find the files of `dataset.source`, and read them as long as the context lasts.

    The hub comes first (`hf://`); then `inputs`, if it holds any file: there SageMaker has put what
    the source names; then an `s3://` URI; then a path relative to the folder `beside`.
    Raises DatasetError where there is nothing to read or the files are of different formats.
    """
    source = dataset.source
    if dataset.from_hub:
        yield _open_hub(source, dataset.hub or Hub())
    elif inputs.is_dir() and any(path.is_file() for path in inputs.rglob("*")):
        yield _open_files(dataset, inputs)
    elif source.startswith("s3://"):
        from processing.base.s3 import download

        with tempfile.TemporaryDirectory(prefix="prepare-dataset-") as folder:
            download(source, Path(folder))
            yield _open_files(dataset, Path(folder))
    elif "://" in source:
        scheme = source.partition("://")[0]
        raise DatasetError(
            f"dataset.source {source!r}: {scheme}:// is not known; give a path, s3://, hf://, "
            "mlflow:// or capture://"
        )
    else:
        yield _open_files(dataset, _existing(beside / source, source))


def _open_hub(source: str, location: Hub) -> OpenSource:
    folder, notes = huggingface.local_folder(source), []
    if folder is not None:
        split = folder / location.split
        files, _ = _data_files(split if split.is_dir() else folder)
    else:
        files = []
        if location.revision is None:
            notes.append("dataset.hub.revision is not set: the rows change when the hub's do")
    return OpenSource(
        format="hub",
        parts=[Part(f"{source} (split {location.split})", huggingface.read_hub(source, location))],
        files=[_describe(file) for file in files],
        notes=notes,
    )


def _open_files(dataset: Dataset, path: Path) -> OpenSource:
    source, columns = dataset.source, dataset.columns.names
    ignored: list[str] = []
    files = [DataFile(path.name, path)]
    if path.is_dir():
        files, ignored = _data_files(path)
        _require_below(source, path, files)
    elif path.stat().st_size == 0:
        raise DatasetError(f"{source}: the file is empty")
    if not files:
        found = f"; ignored: {', '.join(ignored[:5])}" if ignored else ""
        raise DatasetError(f"{source}: holds no data files{found}")
    file_format = _common_format(source, files) if dataset.format == "auto" else dataset.format
    return OpenSource(
        format=file_format,
        parts=[Part(file.name, read_records(file, file_format, columns)) for file in files],
        files=[_describe(file) for file in files],
        notes=[f"ignored {name}: hidden or empty" for name in ignored],
    )


def _data_files(folder: Path) -> tuple[list[DataFile], list[str]]:
    """Files below `folder` in the order of their names, and the names of those ignored.

    As Hadoop and Spark have it, names with a leading "." or "_" are not data (`_SUCCESS`).
    """
    files, ignored = [], []
    for path in folder.rglob("*"):
        if path.is_file():
            name = path.relative_to(folder).as_posix()
            hidden = any(part.startswith((".", "_")) for part in PurePosixPath(name).parts)
            if hidden or path.stat().st_size == 0:
                ignored.append(name)
            else:
                files.append(DataFile(name, path))
    return sorted(files, key=lambda file: file.name), sorted(ignored)


def _require_below(source: str, folder: Path, files: list[DataFile]) -> None:
    try:
        for file in files:
            inside(folder, file.path)
    except OutsideError as error:
        raise DatasetError(
            f"{source}: {error}; put a copy in the place of the link, or name the file itself"
        ) from error


def _common_format(source: str, files: list[DataFile]) -> Format:
    formats: dict[Format, str] = {}
    for file in files:
        suffix = PurePosixPath(file.name.lower().removesuffix(".gz")).suffix
        if suffix not in SUFFIXES or (suffix == ".parquet" and file.name.lower().endswith(".gz")):
            raise DatasetError(
                f"{file.name}: cannot tell its format from its name; the suffixes are "
                f"{', '.join(SUFFIXES)} (text also with .gz), or set dataset.format"
            )
        formats.setdefault(SUFFIXES[suffix], file.name)
    if len(formats) > 1:
        examples = ", ".join(f"{name} ({kind})" for kind, name in formats.items())
        raise DatasetError(
            f"{source}: holds files of different formats: {examples}; keep one format in one place"
        )
    return next(iter(formats))


def _existing(path: Path, source: str) -> Path:
    if path.exists():
        return path
    around = [other.name for other in path.parent.iterdir()] if path.parent.is_dir() else []
    close = difflib.get_close_matches(path.name, around, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    raise DatasetError(
        f"dataset.source {source!r}: there is no {path}{hint} (a relative path starts at the "
        "folder of the configuration file)"
    )


def _describe(file: DataFile) -> SourceFile:
    try:
        with file.path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise DatasetError(f"{file.path}: cannot be read: {error.strerror}") from error
    return SourceFile(name=file.name, bytes=file.path.stat().st_size, sha256=digest)
