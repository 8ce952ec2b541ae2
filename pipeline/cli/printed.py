"""Lines for people: broken between words in a terminal, and as they are in a log."""

from __future__ import annotations

import re
import shutil
import sys
import textwrap

from processing.calls.progress_display import is_terminal

_LABEL = re.compile(r"\w+:? +")


def say(text: str, *, flush: bool = False) -> None:
    """Print the lines of `text`; what follows a label (`what:       `) stays beside it.

    A word that is longer than the terminal is wide, such as an address, is not broken.
    """
    if is_terminal(sys.stdout):
        columns = shutil.get_terminal_size().columns
        text = "\n".join(_wrapped(line, columns) for line in text.split("\n"))
    print(text, flush=flush)


def _wrapped(line: str, columns: int) -> str:
    if len(line) <= columns:
        return line
    label = _LABEL.match(line)
    indent = label.end() if label and "  " in label[0] else 2
    return textwrap.fill(
        line,
        columns,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
        drop_whitespace=True,
        replace_whitespace=False,
    )
