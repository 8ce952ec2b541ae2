"""Folders to S3 and back, as SageMaker Processing copies inputs and outputs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from botocore.exceptions import ClientError

from pipeline.local.jobs.container import JobFault
from processing.base.inside import OutsideError, below, inside

_READ_WHOLE_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class S3Location:
    bucket: str
    key: str

    @classmethod
    def parse(cls, uri: str) -> S3Location:
        """Raises JobFault for what is no s3:// URI."""
        parsed = urlparse(uri, allow_fragments=False)
        if parsed.scheme != "s3" or not parsed.netloc:
            raise JobFault(f"ClientError: {uri!r} is not an s3:// URI")
        return cls(parsed.netloc, parsed.path.lstrip("/"))


def list_keys(s3: Any, uri: str, region: str, role_arn: str) -> list[str]:
    """Sorted keys of the objects that an input of type S3Prefix names.

    Raises JobFault in SageMaker's words when there are none.
    """
    location, cause = S3Location.parse(uri), ""
    keys: list[str] = []
    try:
        pages = s3.get_paginator("list_objects_v2").paginate(
            Bucket=location.bucket, Prefix=location.key
        )
        keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
    except ClientError as error:
        cause = f" Error message from S3: {error.response['Error']['Message']}"
    files = sorted(key for key in keys if not key.endswith("/"))
    if not files:
        raise JobFault(
            f'ClientError: No S3 objects found under S3 URL "{uri}" given in input data source. '
            f"Please ensure that the bucket exists in the selected region ({region}), that objects "
            f'exist under that S3 prefix, and that the role "{role_arn}" has "s3:ListBucket" '
            f'permissions on bucket "{location.bucket}".{cause}'
        )
    return files


def download(s3: Any, uri: str, keys: list[str], folder: Path) -> None:
    """Copies objects into the folder, under their names relative to the URI."""
    location = S3Location.parse(uri)
    for key in keys:
        try:
            target = below(folder, _relative_name(location.key, key))
        except OutsideError as error:
            raise JobFault(
                f"ClientError: the key {key!r} leads out of the input's folder: {error}"
            ) from error
        target.parent.mkdir(parents=True, exist_ok=True)
        s3.download_file(location.bucket, key, str(target))


def _relative_name(prefix: str, key: str) -> str:
    """`data/` and `data` both strip up to the folder; a partial name strips up to its parent."""
    folder = f"{prefix.rstrip('/')}/"
    if key.startswith(folder):
        return key[len(folder) :]
    parent, slash, _ = prefix.rpartition("/")
    return key[len(parent) + len(slash) :]


@dataclass
class Upload:
    """Copies a folder of /opt/ml (`root`) to S3, and again what has changed (size or time).

    The job may be writing: a file is read whole before it is sent, so that what arrives is what was
    there at one moment, and one that vanishes (written aside, then renamed) is passed over. Links
    within /opt/ml are followed; one that leads out of it, to what is this machine's, is a JobFault.
    """

    root: Path
    folder: Path
    location: S3Location
    _sent: dict[Path, tuple[int, int]] = field(default_factory=dict)

    def send_changes(self, s3: Any) -> None:
        for path, real in self._files():
            with contextlib.suppress(FileNotFoundError):
                if real.is_file():
                    self._send(s3, path, real)

    def _files(self) -> Iterator[tuple[Path, Path]]:
        """Each with the place where it really is."""
        try:
            inside(self.root, self.folder)
            for path in sorted(self.folder.rglob("*")):
                yield path, inside(self.root, path)
        except OutsideError as error:
            raise JobFault(f"ClientError: an output is not uploaded: {error}") from error

    def _send(self, s3: Any, path: Path, real: Path) -> None:
        state = real.stat()
        stamp = (state.st_mtime_ns, state.st_size)
        if self._sent.get(path) == stamp:
            return
        name = path.relative_to(self.folder).as_posix()
        key = f"{self.location.key.rstrip('/')}/{name}".lstrip("/")
        if state.st_size <= _READ_WHOLE_BYTES:
            s3.put_object(Bucket=self.location.bucket, Key=key, Body=real.read_bytes())
        else:
            s3.upload_file(str(real), self.location.bucket, key)
        self._sent[path] = stamp
