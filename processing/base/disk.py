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

_LARGER = "a larger volume (infrastructure.evaluate.volume_gb)"
_KEPT = "what was kept until then is readable and is not paid for again"


@contextmanager
def written_to(path: Path) -> Iterator[None]:
    """An OSError within the block, which writes `path`, becomes a DiskError."""
    try:
        yield
    except OSError as error:
        raise DiskError(disk_line(error, path)) from error


def disk_line(error: OSError, path: Path) -> str:
    """What the operating system said, the disk that holds `path` with its free bytes, the fix."""
    reason = error.strerror or str(error)
    return f"{path} cannot be written: {reason}; {_disk_of(path)}; {_fix(error)}; {_KEPT}"


def _fix(error: OSError) -> str:
    if error.errno in FULL and not container.job_arn():  # of `try`, on the user's own machine
        return f"make room there, or for a job {_LARGER}, and start again"
    if error.errno in FULL:
        return f"give the job {_LARGER} and start again"
    return "see that the job may write there and that the disk is sound, and start again"


def _disk_of(path: Path) -> str:
    folder = next(each for each in (path, *path.absolute().parents) if each.is_dir())
    mount = next(each for each in (folder, *folder.parents) if each.is_mount())
    try:
        usage = shutil.disk_usage(folder)
    except OSError as error:
        return f"its disk, mounted at {mount}, does not answer ({error.strerror})"
    return f"its disk, mounted at {mount}, has {usage.free:,} bytes free of {usage.total:,}"
