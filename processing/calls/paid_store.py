"""What has been paid for is kept: answers and verdicts, on disk before the next is waited for.

A store is a folder of JSON Lines files that are only ever appended to, each line a record under a
key. A job writes files of its own name, which SageMaker uploads while it runs, and reads those that
earlier jobs left in S3: a job that was killed goes on where it stopped.

The first record that cannot be kept closes the store: nothing is put in or looked up any more, and
since every caller of a service looks here first, nothing more is asked.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from processing.base.disk import written_to
from processing.base.errors import DiskError
from processing.base.s3 import bucket_and_key

if TYPE_CHECKING:
    from boto3 import Session

Record = dict[str, Any]

SHELVES = ("answers", "verdicts", "judge-replies")
"""Each a folder of the store. What else lies there (`evaluations`) was not paid for."""


def key_of(*parts: Any) -> str:
    """SHA-256, in hexadecimal, of the parts as canonical JSON."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass
class StoreHealth:
    """Whether the store's disk has refused a record. Shared by all shelves."""

    reason: str = ""

    def require(self) -> None:
        """Raise DiskError if a record could not be kept."""
        if self.reason:
            raise DiskError(self.reason)


@dataclass
class Shelf:
    """One file being written, with everything that earlier files hold. Safe between threads."""

    file: Path
    kept: dict[str, str] = field(default_factory=dict)
    """Records as the lines that they are kept in, a third of what they take as objects."""
    health: StoreHealth = field(default_factory=StoreHealth)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _descriptor: int | None = None

    def get(self, key: str) -> Record | None:
        """Raises DiskError once a record could not be kept: its caller must not ask for more."""
        self.health.require()
        line = self.kept.get(key)
        return None if line is None else _record(line)[1]

    def put(self, key: str, record: Record) -> None:
        """Keep a record; it is with the operating system when this returns. Raises DiskError."""
        line, data = _line({"key": key, **record})
        with self._lock:
            self.health.require()
            try:
                with written_to(self.file):
                    self._append(data)
            except DiskError as error:
                self.health.reason = str(error)
                raise
            self.kept[key] = line

    def _append(self, data: bytes) -> None:
        if self._descriptor is None:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
            self._descriptor = os.open(self.file, flags, 0o644)
        before, left = os.fstat(self._descriptor).st_size, data
        try:
            while left:
                left = left[os.write(self._descriptor, left) :]
        except OSError:
            with contextlib.suppress(OSError):  # else the line stays cut short, and is not read
                os.ftruncate(self._descriptor, before)
            raise


@dataclass(frozen=True)
class Store:
    """Where shelves are: `folder` is this job's output, `uri` what all jobs' outputs come to.

    `reuse` false writes as ever but reads nothing.
    """

    folder: Path
    job: str
    uri: str | None
    reuse: bool = True
    health: StoreHealth = field(default_factory=StoreHealth)

    def shelf(self, session: Session, *parts: str) -> Shelf:
        """The shelf of that name, e.g. ("answers", digest of the model); the first is of SHELVES.

        Raises botocore's ClientError if S3 refuses to be read.
        """
        shelf = Shelf(self.folder.joinpath(*parts, f"{self.job}.jsonl"), health=self.health)
        if self.reuse:
            for text in [*self._on_disk(parts), *self._in_s3(session, parts)]:
                shelf.kept |= dict(_lines(text))
        return shelf

    def _on_disk(self, parts: tuple[str, ...]) -> list[str]:
        files = sorted(self.folder.joinpath(*parts).glob("*.jsonl"))
        return [file.read_text(encoding="utf-8") for file in files]

    def _in_s3(self, session: Session, parts: tuple[str, ...]) -> Iterator[str]:
        if self.uri is None:
            return
        bucket, prefix = bucket_and_key(self.uri)
        s3 = session.client("s3")
        pages = s3.get_paginator("list_objects_v2").paginate(
            Bucket=bucket, Prefix="/".join([prefix.rstrip("/"), *parts, ""])
        )
        for page in pages:
            for entry in page.get("Contents", []):
                body = s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"]
                yield body.read().decode("utf-8", errors="replace")


def _line(record: Record) -> tuple[str, bytes]:
    """The record as a line, and as what is written; a lone surrogate is escaped, as JSON allows."""
    line = json.dumps(record, ensure_ascii=False)
    try:
        return line, f"{line}\n".encode()
    except UnicodeEncodeError:
        line = json.dumps(record)
        return line, f"{line}\n".encode()


def _lines(text: str) -> Iterator[tuple[str, str]]:
    """Each whole line's key and the line. One that a kill cut short was not kept."""
    for line in text.split("\n"):  # an answer may hold what splitlines takes for a line's end
        try:
            yield _record(line)[0], line
        except (ValueError, KeyError, AttributeError):
            continue


def _record(line: str) -> tuple[str, Record]:
    record = json.loads(line)
    return record.pop("key"), record
