"""How each job of the pipeline runs: its code checked, its end as an exit code and one line."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from processing.base import container, sigterm
from processing.base.aws_errors import explain
from processing.base.code_digest import require_asked_code
from processing.base.disk import FULL, disk_line
from processing.base.errors import DEBUG, ReportedError
from processing.base.job_output import job_output
from processing.base.secrets import masked
from processing.base.visible_text import visible, visible_lines

INTERRUPTED = 130  # as a shell has it for Ctrl-C
LINGERING_SECONDS = 30.0
"""So long a process that has done its work waits for threads that are none of ours."""

_exit_at_once = os._exit  # a scorer file finds another one there (base.foreign_code)


def run_job(main: Callable[[], Sequence[Path]], message_file: Path) -> int:
    """Run a processing job's main function and return the container's exit code.

    `main` returns the files that it promises: without each of them the job has failed. 0, 1 for an
    error, 143 for a job that was stopped. The reason goes to standard error and to `message_file`
    (`/opt/ml/output/message`): SageMaker shows the first kilobyte of that file as the job's
    ExitMessage.
    """

    with job_output():
        return _run(main, message_file)


def end_process(code: int) -> NoReturn:
    """Exit, whatever threads a user's file has started: Python would wait for them without end."""

    def leave() -> None:
        time.sleep(LINGERING_SECONDS)
        alive = [t.name for t in threading.enumerate() if t.is_alive() and not t.daemon]
        named = ", ".join(sorted(set(alive) - {threading.main_thread().name}))
        print(f"threads left running at the end: {visible(named)}", file=sys.stderr, flush=True)
        _exit_at_once(code)

    threading.Thread(target=leave, name="end of process", daemon=True).start()
    sys.exit(code)


def _run(main: Callable[[], Sequence[Path]], message_file: Path) -> int:
    def tell_stopped() -> None:
        _tell(sigterm.REASON, message_file)

    try:
        with sigterm.stopping_on_sigterm(at_the_latest=tell_stopped):
            require_asked_code()
            _require(main())
    except sigterm.Stopped:
        tell_stopped()
        return sigterm.EXIT_CODE
    except KeyboardInterrupt:
        _tell("interrupted", message_file)
        return INTERRUPTED
    except SystemExit as left:
        return _code_of(left, message_file)
    except BaseException as error:  # noqa: BLE001 (the outermost door)
        _tell(_reason(error), message_file)
        return 1
    return 0


def _require(promised: Sequence[Path]) -> None:
    missing = [str(path) for path in promised if not path.is_file()]
    if missing:
        raise ReportedError(
            f"{', '.join(missing)} is missing at the end of the job, so it has failed: "
            "see its log for what removed it (a scorer file, for one)"
        )


def _code_of(left: SystemExit, message_file: Path) -> int:
    """Of argparse, which has said what is wrong, or of a part that has; 0 only for --help."""
    if isinstance(left.code, int) and left.code != 0:
        return left.code
    if {"-h", "--help"} & set(sys.argv):
        return 0
    said = f": {left.code}" if left.code else ""
    _tell(f"something left the job before its end (SystemExit{said})", message_file)
    return 1


def _reason(error: BaseException) -> str:
    """The line for an error; what nobody has foreseen shows in the log where it comes from."""
    if isinstance(error, ReportedError):
        line = str(error)
    elif isinstance(error, OSError) and error.errno in FULL:
        line = disk_line(error, Path(error.filename or container.PROCESSING))
    else:
        line = explain(error, "job")
    if not line or os.environ.get(DEBUG):
        traceback.print_exception(error)
    return line or f"{type(error).__name__}: {error}"


def _tell(reason: str, message_file: Path) -> None:
    # what looks like a line of its own in foreign text is seen to be none: ours are not indented
    reason = masked(visible_lines(reason, indent="  "))
    print(f"error: {reason}", file=sys.stderr, flush=True)
    # SageMaker counts bytes, and would cut a character in two, which fails the job otherwise
    kept = reason.encode()[:1024].decode("utf-8", "ignore")
    with contextlib.suppress(OSError):  # a full disk, which may be the very reason
        message_file.parent.mkdir(parents=True, exist_ok=True)
        message_file.write_text(kept, encoding="utf-8")
