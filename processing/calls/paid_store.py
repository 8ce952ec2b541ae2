"""What has been paid for is kept: answers and verdicts, on disk before the next is waited for.

A store is a folder of JSON Lines files that are only ever appended to, each line a record under a
key. A job writes files of its own name, which SageMaker uploads while it runs, and reads those that
earlier jobs left in S3: a job that was killed goes on where it stopped.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from boto3 import Session

Record = dict[str, Any]


def key_of(*parts: Any) -> str:
    """SHA-256, in hexadecimal, of the parts as canonical JSON."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass
class Shelf:
    """One file being written, with everything that earlier files hold. Safe between threads."""

    file: Path
    kept: dict[str, str] = field(default_factory=dict)
    """Records as the lines that they are kept in, a third of what they take as objects."""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stream: IO[str] | None = None

    def get(self, key: str) -> Record | None:
        line = self.kept.get(key)
        return None if line is None else _record(line)[1]

    def put(self, key: str, record: Record) -> None:
        """Keep a record; it is with the operating system when this returns."""
        line = json.dumps({"key": key, **record}, ensure_ascii=False)
        with self._lock:
            if self._stream is None:
                self.file.parent.mkdir(parents=True, exist_ok=True)
                self._stream = self.file.open("a", encoding="utf-8")
            self._stream.write(line + "\n")
            self._stream.flush()
            self.kept[key] = line


@dataclass(frozen=True)
class Store:
    """Where shelves are: `folder` is this job's output, `uri` what all jobs' outputs come to.

    `reuse` false writes as ever but reads nothing.
    """

    folder: Path
    job: str
    uri: str | None
    reuse: bool = True

    def shelf(self, session: Session, *parts: str) -> Shelf:
        """The shelf of that name, e.g. ("answers", digest of the model).

        Raises botocore's ClientError if S3 refuses to be read.
        """
        shelf = Shelf(self.folder.joinpath(*parts, f"{self.job}.jsonl"))
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
        bucket, _, prefix = self.uri.removeprefix("s3://").partition("/")
        s3 = session.client("s3")
        pages = s3.get_paginator("list_objects_v2").paginate(
            Bucket=bucket, Prefix="/".join([prefix.rstrip("/"), *parts, ""])
        )
        for page in pages:
            for entry in page.get("Contents", []):
                body = s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"]
                yield body.read().decode("utf-8", errors="replace")


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
