"""Code that is not ours, such as a user's scorer file, never ends our process.

Whatever it raises becomes a ForeignCodeError that names file, line and function: SystemExit,
KeyboardInterrupt and GeneratorExit too, which `except Exception` lets through, so that a job would
end without a word, with exit code 0 after `sys.exit(0)`. A signal that really came goes through.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn, TypeVar

from processing.base.sigterm import Stopped

Returned = TypeVar("Returned")
LONGEST_MESSAGE = 2_000
"""Characters of what an exception says: it may quote a whole answer, or more."""

_exit_at_once = os._exit


class ForeignCodeError(Exception):
    """`str()` is one clause: the exception, and where in the foreign file it was raised."""


class _Interrupted(BaseException):
    """A real Ctrl-C, as opposed to a KeyboardInterrupt that the foreign code raises itself."""


def call_foreign(function: Callable[[], Returned], file: Path) -> Returned:
    """What `function` returns. Raises ForeignCodeError for anything that it raises.

    `file` holds the foreign code. For any thread; in the main thread a real Ctrl-C, and a SIGTERM
    that `stopping_on_sigterm` has turned into Stopped, are raised as they are.
    """
    _refuse_to_exit()
    try:
        with _ctrl_c_told_apart():
            return function()
    except Stopped:
        raise
    except _Interrupted:
        raise KeyboardInterrupt from None
    except BaseException as error:
        raise ForeignCodeError(_described(error, file)) from error


@contextmanager
def surroundings_kept() -> Iterator[None]:
    """Standard streams, working directory and signal handlers are afterwards what they were.

    For the main thread: importing a file must not send our lines elsewhere, or make us deaf.
    """
    streams, folder = (sys.stdout, sys.stderr), Path.cwd()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        sys.stdout, sys.stderr = streams
        os.chdir(folder)
        if threading.current_thread() is threading.main_thread():
            for number, handler in handlers.items():
                signal.signal(number, handler)


def _described(error: BaseException, file: Path) -> str:
    try:
        said = f": {str(error)[:LONGEST_MESSAGE]}" if str(error) else ""
    except BaseException:  # noqa: BLE001 its own __str__ is foreign code, too
        said = ""
    frames = traceback.extract_tb(error.__traceback__)
    inside = [frame for frame in frames if Path(frame.filename) == file]
    where = f" ({file.name}:{inside[-1].lineno} in {inside[-1].name})" if inside else ""
    return f"{type(error).__name__}{said}{where}"


@contextmanager
def _ctrl_c_told_apart() -> Iterator[None]:
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    ):
        yield
        return

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise _Interrupted

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _refuse_to_exit() -> None:
    """From now on `os._exit` and `os.exec...` raise SystemExit in this process.

    No `except` could catch them, and the second would let another program's exit code be ours.
    """
    if os._exit is not _exit_at_once:
        return
    process = os.getpid()

    def exit_refused(status: int) -> NoReturn:
        if os.getpid() != process:  # a child, such as one of multiprocessing's
            _exit_at_once(status)
        raise SystemExit(f"os._exit({status})")

    def audit(event: str, _arguments: tuple[Any, ...]) -> None:
        if event == "os.exec" and os.getpid() == process:
            raise SystemExit("os.exec")

    os._exit = exit_refused
    sys.addaudithook(audit)
