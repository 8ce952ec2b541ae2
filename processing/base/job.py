"""How each job of the pipeline runs: its code checked, its end as an exit code and one line."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from processing.base import container, sigterm
from processing.base.aws_errors import explain
from processing.base.code_digest import require_asked_code
from processing.base.disk import FULL, disk_line
from processing.base.errors import DEBUG, ReportedError


def run_job(main: Callable[[], None], message_file: Path) -> int:
    """Run a processing job's main function and return the container's exit code.

    0, 1 for an error, 143 for a job that was stopped. The reason goes to standard error and to
    `message_file` (`/opt/ml/output/message`): SageMaker shows the first kilobyte of that file as
    the job's ExitMessage.
    """

    def tell_stopped() -> None:
        _tell(sigterm.REASON, message_file)

    try:
        with sigterm.stopping_on_sigterm(at_the_latest=tell_stopped):
            require_asked_code()
            main()
    except sigterm.Stopped:
        tell_stopped()
        return sigterm.EXIT_CODE
    except Exception as error:  # noqa: BLE001 (the outermost door)
        reason = _reason(error)
    else:
        return 0
    _tell(reason, message_file)
    return 1


def _reason(error: Exception) -> str:
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
    print(f"error: {reason}", file=sys.stderr, flush=True)
    # SageMaker counts bytes, and would cut a character in two, which fails the job otherwise
    kept = reason.encode()[:1024].decode("utf-8", "ignore")
    with contextlib.suppress(OSError):  # a full disk, which may be the very reason
        message_file.parent.mkdir(parents=True, exist_ok=True)
        message_file.write_text(kept, encoding="utf-8")
