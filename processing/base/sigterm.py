"""SageMaker stops a job with SIGTERM, and kills it with SIGKILL 120 seconds later.

Answers and verdicts are on disk as they come, and are uploaded while the job runs. What is left to
do is to let calls that are under way, and paid for, come home, to close the MLflow run, and to be
gone early enough for the last upload. As process 1 of a container, Python would not even hear of
a SIGTERM for which it has no handler.
Source: developer guide, StopProcessingJob.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_exit_at_once = os._exit  # a scorer file finds another one there (base.foreign_code)

HOMECOMING_SECONDS = 60.0
EXIT_CODE = 128 + signal.SIGTERM
REASON = "stopped by SIGTERM; what was paid for until then is kept: start again to go on from there"


class Stopped(BaseException):
    """Raised in the main thread by SIGTERM; not an Exception, so that no library swallows it."""


@contextmanager
def stopping_on_sigterm(at_the_latest: Callable[[], None]) -> Iterator[None]:
    """The first SIGTERM raises Stopped here, and ends the process after HOMECOMING_SECONDS.

    Then `at_the_latest` is called, in another thread, just before the process is gone. Later
    SIGTERMs change nothing.
    """
    told = threading.Event()

    def end() -> None:
        try:
            at_the_latest()
        finally:
            _exit_at_once(EXIT_CODE)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        if told.is_set():
            return
        told.set()
        watchdog = threading.Timer(HOMECOMING_SECONDS, end)
        watchdog.daemon = True
        watchdog.start()
        raise Stopped

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        if not told.is_set():
            signal.signal(signal.SIGTERM, before)
