"""Shows progress while a block runs: a line every few seconds, or a live bar on a terminal.

CloudWatch gets lines. A terminal is there if a container is started with `-t`, or a job by hand.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from processing.base.job_output import own_stream
from processing.calls.progress import Part, Progress
from processing.calls.progress_line import count_of, progress_line, rate_of, remarks

if TYPE_CHECKING:
    from rich.console import RenderableType

FIRST_SECONDS, SECONDS = 2.0, 5.0
REFRESHED_A_SECOND = 4.0


@contextmanager
def progress_shown(progress: Progress) -> Iterator[None]:
    """Tell it now and then while the block runs, and once at its end, however that comes."""
    # As it is now: while MLflow's evaluate runs, sys.stdout is somewhere else.
    stream = own_stream(sys.stdout)
    ended = "stopped after"
    try:
        with live_line(
            lambda: progress_line(progress), stream, FIRST_SECONDS, lambda: _bars(progress)
        ):
            yield
        ended = "took"
    finally:
        _tell(stream, progress_line(progress, ended))
        _tell(stream, progress.spend.line())


@contextmanager
def live_line(
    line: Callable[[], str],
    stream: TextIO,
    first_seconds: float,
    picture: Callable[[], RenderableType] | None = None,
) -> Iterator[None]:
    """`line` after `first_seconds` and then every SECONDS.

    On a terminal `picture` instead (by default the line), kept up to date.
    """
    if is_terminal(stream):
        with _live(picture or line, own_stream(stream)):
            yield
        return
    ended = threading.Event()

    def tell() -> None:
        pause = first_seconds
        while not ended.wait(pause):
            _tell(stream, line())
            pause = SECONDS

    thread = threading.Thread(target=tell, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def is_terminal(stream: TextIO) -> bool:
    """Whether what is written there can be written over."""
    return stream.isatty() and os.environ.get("TERM", "") not in ("", "dumb", "unknown")


@contextmanager
def _live(picture: Callable[[], RenderableType], stream: TextIO) -> Iterator[None]:
    from rich.console import Console
    from rich.live import Live

    with Live(
        get_renderable=picture,
        console=Console(file=stream),
        refresh_per_second=REFRESHED_A_SECOND,
        transient=True,  # the last line takes its place
    ):
        yield


def _bars(progress: Progress) -> RenderableType:
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table

    standing = progress.look()
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column()
    table.add_column(ratio=1, max_width=50)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)

    def add(name: str, part: Part) -> None:
        bar = ProgressBar(part.total or 1, part.done if part.total else 1)
        table.add_row(name, bar, count_of(part), rate_of(part))

    if standing.answers.total or not standing.verdicts.total:
        add("answers", standing.answers)
    if standing.verdicts.total or standing.verdicts.done:
        add("verdicts", standing.verdicts)
    return Group(table, ", ".join(remarks(standing)))


def _tell(stream: TextIO, line: str) -> None:
    print(line, file=own_stream(stream), flush=True)
