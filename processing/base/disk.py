"""A disk that takes no more: what could not be written, which disk that is, how to go on."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from processing.base import container
from processing.base.errors import DiskError

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""What a larger volume is the answer to; a disk that fails (EIO) or refuses (EACCES) is not."""

PREPARE, EVALUATE = "infrastructure.prepare.volume_gb", "infrastructure.evaluate.volume_gb"
"""Which setting makes a job's volume larger."""

_KEPT = "what was kept until then is readable and is not paid for again"


@contextmanager
def written_to(path: Path) -> Iterator[None]:
    """An OSError within the block, which writes `path`, becomes a DiskError."""
    try:
        yield
    except OSError as error:
        raise DiskError(disk_line(error, path)) from error


@contextmanager
def room_in(folder: Path, volume: str) -> Iterator[None]:
    """A full disk within the block, which writes into `folder`, becomes a DiskError.

    `volume`: PREPARE or EVALUATE. Any other OSError may be of something that is read, and stays.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise DiskError(disk_line(error, Path(error.filename or folder), volume)) from error


def disk_line(error: OSError, path: Path, volume: str = EVALUATE) -> str:
    """What the operating system said, the disk that holds `path` with its free bytes, the fix."""
    reason = error.strerror or str(error)
    line = f"{path} cannot be written: {reason}; {_disk_of(path)}; {_fix(error, volume)}"
    return f"{line}; {_KEPT}" if volume == EVALUATE else line


def _fix(error: OSError, volume: str) -> str:
    if error.errno not in FULL:
        return "see that the job may write there and that the disk is sound, and start again"
    larger = f"give the job a larger volume ({volume})"
    # `try` and whoever runs a job by hand have a disk of their own
    return f"{larger if container.job_arn() else f'make room there, or {larger},'} and start again"


def _disk_of(path: Path) -> str:
    path = path.absolute()
    folder = next(each for each in (path, *path.parents) if each.is_dir())
    mount = next(each for each in (folder, *folder.parents) if each.is_mount())
    try:
        usage = shutil.disk_usage(folder)
    except OSError as error:
        return f"its disk, mounted at {mount}, does not answer ({error.strerror})"
    return f"its disk, mounted at {mount}, has {usage.free:,} bytes free of {usage.total:,}"
