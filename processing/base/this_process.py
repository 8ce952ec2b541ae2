"""A process named so that another one, on the same machine, can tell whether it still runs."""

from __future__ import annotations

import hashlib
import os
import platform
import uuid


def this_process() -> str:
    """`MACHINE:PID`; the machine as a digest, since the name goes into records that others read."""
    return f"{_machine()}:{os.getpid()}"


def has_ended(process: str) -> bool:
    """Whether `process` is known to run no longer: never so of another machine's."""
    machine, _, number = process.partition(":")
    if machine != _machine() or not number.isascii() or not number.isdigit():
        return False
    try:
        os.kill(int(number), 0)
    except (ProcessLookupError, OverflowError):
        return True
    except OSError:  # it runs, as another user
        return False
    return False


def _machine() -> str:
    # containers of one image, and machines that are called localhost, differ in their address
    named = f"{platform.node()} {uuid.getnode()}"
    return hashlib.sha256(named.encode()).hexdigest()[:16]
