"""A terminal: runs a command on a pty of some size, and shows what a person would see there."""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_TOKEN = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|[\s\S]")


@dataclass
class Screen:
    """Lines as they stand there at the end, those included that have scrolled out of sight."""

    columns: int
    rows: int
    _cells: list[list[tuple[str, str]]] = field(default_factory=lambda: [[]])
    _row: int = 0
    _column: int = 0
    _style: str = ""

    @property
    def lines(self) -> list[str]:
        return ["".join(char for char, _ in line).rstrip() for line in self._cells]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def ansi(self) -> str:
        """The same with its colours, and no other control sequences."""
        return "\n".join(
            "".join(f"\x1b[0m{style}{char}" for char, style in line) + "\x1b[0m"
            for line in self._cells
        )

    def feed(self, text: str) -> None:
        for token in _TOKEN.finditer(text):
            numbers, command = token[1], token[2]
            if command:
                self._control(numbers, command)
            elif not token[0].startswith("\x1b"):
                self._put(token[0])

    def _control(self, numbers: str, command: str) -> None:
        number = int(numbers or 1) if numbers.isdigit() or not numbers else 0
        if command == "m":
            self._style = "" if numbers in ("", "0") else f"{self._style}\x1b[{numbers}m"
        elif command == "A":
            self._row = max(self._row - number, len(self._cells) - self.rows, 0)
        elif command == "B":
            self._row = min(self._row + number, len(self._cells) - 1)
        elif command == "K":
            self._cells[self._row] = [] if numbers == "2" else self._line()[: self._column]
        elif command not in "hl":  # the cursor is hidden and shown
            raise AssertionError(f"a control sequence that this terminal does not know: {command}")

    def _put(self, char: str) -> None:
        if char == "\r":
            self._column = 0
        elif char == "\n":
            self._down()
        elif char >= " ":
            if self._column >= self.columns:
                self._column = 0
                self._down()
            line = self._line()
            line += [(" ", "")] * (self._column + 1 - len(line))
            line[self._column] = (char, self._style)
            self._column += 1

    def _line(self) -> list[tuple[str, str]]:
        return self._cells[self._row]

    def _down(self) -> None:
        self._row += 1
        if self._row == len(self._cells):
            self._cells.append([])


@dataclass(frozen=True)
class Finished:
    """`exit_code`: negative for a signal. `screens`: what was seen at each moment, text only."""

    exit_code: int
    screen: Screen
    raw: str
    screens: list[str]


def on_terminal(
    command: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    *,
    columns: int = 100,
    rows: int = 40,
    interrupt_when: Callable[[str], bool] | None = None,
    timeout: float = 120,
) -> Finished:
    """Run it to its end. Ctrl-C once, as soon as `interrupt_when(screen's text)`.

    Only the terminal says how wide it is.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    process = subprocess.Popen(
        command,
        env={"TERM": "xterm-256color", **environment} | {"COLUMNS": "", "LINES": ""},
        cwd=folder,
        stdin=theirs, stdout=theirs, stderr=theirs,
        start_new_session=True, close_fds=True,
    )  # fmt: skip
    os.close(theirs)
    screen, raw, seen, typed = Screen(columns, rows), "", [""], False
    decoder, deadline = codecs.getincrementaldecoder("utf-8")("replace"), time.monotonic() + timeout
    try:
        while True:
            if time.monotonic() > deadline:
                raise AssertionError(f"not ended after {timeout} s:\n{screen.text}")
            if not select.select([ours], [], [], 0.2)[0]:
                continue
            try:
                chunk = os.read(ours, 65536)
            except OSError:  # Linux: the other side is closed
                chunk = b""
            if not chunk:
                break
            text = decoder.decode(chunk)
            raw += text
            screen.feed(text)
            if screen.text != seen[-1]:
                seen.append(screen.text)
            if interrupt_when and not typed and interrupt_when(screen.text):
                typed = True
                os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        return Finished(process.wait(30), screen, raw, seen)
    finally:
        os.close(ours)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
