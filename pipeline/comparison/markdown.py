"""The comparison in Markdown, for a comment on a pull request: the terminal's tables as text."""

from __future__ import annotations

import contextlib
import io
import re

from pipeline.comparison.findings import Findings
from pipeline.comparison.table import print_comparison

LONGEST = 60_000
"""Characters. GitHub takes a comment of 65,536."""


def markdown(findings: Findings) -> str:
    """In a fence that is longer than any in what models have written, so that all of it is text."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        print_comparison(findings)
    text = printed.getvalue().strip("\n")
    if len(text) > LONGEST:
        text = f"{text[:LONGEST]}\n[... {len(text) - LONGEST:,} more characters]"
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}\n"
