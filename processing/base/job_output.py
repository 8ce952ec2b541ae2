"""What a job writes to its log: each line visible, without secrets, and never taken for progress.

Libraries and users' scorer files print, too. `status` and `start --wait` read lines of progress
back from the log, so only `own_stream` may write one.
"""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from processing.base.secrets import masked
from processing.base.visible_text import visible

PROGRESS = "progress"
"""The word that a line of progress begins with."""

LONGEST_PART = 100_000
"""Characters without a line end that are held back before they are written all the same."""


class JobOutput(io.TextIOBase):
    """Standard output or error, line by line. `own` is the stream behind it. For any thread."""

    def __init__(self, own: TextIO) -> None:
        self.own = own
        self._part = ""
        self._lock = threading.RLock()

    def write(self, text: str) -> int:
        with self._lock:
            *lines, self._part = f"{self._part}{text}".split("\n")
            self.own.writelines(f"{log_line(line)}\n" for line in lines)
            if len(self._part) > LONGEST_PART:
                self.finish()
        return len(text)

    def finish(self) -> None:
        """Write what has no line end yet."""
        with self._lock:
            if self._part:
                self.own.write(f"{log_line(self._part)}\n")
            self._part = ""
            self.flush()

    def flush(self) -> None:
        self.own.flush()

    def isatty(self) -> bool:
        return self.own.isatty()

    def fileno(self) -> int:
        return self.own.fileno()

    def writable(self) -> bool:
        return True

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self.own.encoding


def log_line(line: str) -> str:
    """A line as others' lines are written."""
    shown = masked(visible(line))
    return f"| {shown}" if shown.lstrip().startswith(PROGRESS) else shown


def own_stream(stream: TextIO) -> TextIO:
    """Where progress is written: the stream behind a JobOutput, else the stream itself."""
    return stream.own if isinstance(stream, JobOutput) else stream


@contextmanager
def job_output() -> Iterator[None]:
    """Within the block standard output and error are JobOutputs."""
    before = sys.stdout, sys.stderr
    ours = JobOutput(before[0]), JobOutput(before[1])
    sys.stdout, sys.stderr = ours
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
        for stream in ours:
            stream.finish()
