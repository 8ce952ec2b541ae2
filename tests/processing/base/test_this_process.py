"""A process of this machine is told apart from one that has ended, and never another machine's."""

from __future__ import annotations

import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from processing.base import this_process


def test_a_process_has_ended_once_it_is_gone() -> None:
    assert not this_process.has_ended(this_process.this_process())
    machine = this_process.this_process().partition(":")[0]
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert not this_process.has_ended(f"{machine}:{child.pid}")
    child.communicate(b"\n")
    assert this_process.has_ended(f"{machine}:{child.pid}")


@given(st.text() | st.integers().map("other:{}".format))
def test_nothing_else_is_known_to_have_ended(process: str) -> None:
    assert not this_process.has_ended(process)
