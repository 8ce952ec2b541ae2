"""The result tables: each metric, slice and comparison with its threshold and its verdict."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pipeline.executions.result_lines import bound_word, result_lines, short_number
from processing.base.visible_text import visible_document
from processing.calls.progress_display import is_terminal

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

Document = Mapping[str, Any]
MOST_SLICES = 12
"""So many are shown; the missed ones first. evaluation.json has all."""


LEAST_NAME = 18
"""Columns of text that a metric's name keeps, whatever the numbers beside it need."""

LONGEST_INTERVAL = 16

WIDE, MEDIUM = 92, 72
"""Columns of text that the whole table takes, and the one without a column for tiers."""


def print_evaluation(document: Document) -> None:
    """Print an evaluation.json as tables to standard output, foreign texts on one line each."""
    from rich.console import Console

    document = visible_document(document)

    # A terminal's width is unknown to a log file, which must not fold the table's lines.
    terminal = is_terminal(sys.stdout)
    console = Console(width=None if terminal else 100, highlight=False, markup=False)
    if not document["evaluated_here"]:
        console.print(document["gate"]["summary"], soft_wrap=True)
        return
    width = console.width
    if terminal:
        console.print()
    console.print(_metrics(document, width))
    if document["slices"]:
        console.print(_slices(document["slices"], width))
    if width < MEDIUM:
        console.print("narrow: intervals, n and errors are left out here; COLUMNS=100 shows them")
    for line in result_lines(document):
        console.print(line, soft_wrap=not terminal)
    console.print(_gate(document["gate"], one_line=not terminal), soft_wrap=not terminal)


def _metrics(document: Document, width: int) -> Table:
    thresholds: dict[str, list[Document]] = {}
    for threshold in document["thresholds"].values():
        thresholds.setdefault(threshold["metric"], []).append(threshold)
    table = _table(f"Evaluation of {document['model']['model_name']}", "metric", width)
    rows = [
        (_with_way(name, metric), metric, thresholds.get(name, []))
        for name, metric in document["metrics"].items()
        # the others are in evaluation.json and MLflow; the means say enough here
        if "_tokens_p" not in name or name in thresholds
    ]
    return _filled(table, sorted(rows, key=lambda row: _urgency(row[2])), width)


def _with_way(name: str, metric: Document) -> str:
    return name if metric.get("higher_is_better", True) else f"{name} (low)"


def _urgency(bounds: list[Document]) -> int:
    """What keeps the gate shut comes first, then what is undecided, what warns, and what holds."""
    words = [bound_word(bound) for bound in bounds]
    order = ("MISSED", "UNSURE", "UNDECIDED", "missed", "unsure", "undecided", "holds")
    return min((order.index(word) for word in words), default=len(order))


def _filled(table: Table, rows: list[tuple[str, Document, list[Document]]], width: int) -> Table:
    """A row for each. Where numbers leave no room for names, they go onto a second line."""
    cells = [_cells(metric, bounds, width) for _, metric, bounds in rows]
    lines = [[max(map(len, str(cell).split("\n"))) for cell in row] for row in cells]
    numbers = sum(max(column) + 2 for column in zip(*lines, strict=True))
    tight = numbers + LEAST_NAME > width
    for (name, *_), row in zip(rows, cells, strict=True):
        table.add_row(name, *(_folded(cell) if tight else cell for cell in row))
    return table


def _folded(cell: RenderableType) -> RenderableType:
    """On two lines: a count from its errors, and a long interval's ends from each other."""
    if not isinstance(cell, str):
        return cell
    cell = cell.replace(", ", "\n")
    return cell.replace("..", "..\n") if len(cell) > LONGEST_INTERVAL else cell


def _slices(slices: list[Document], width: int) -> Table:

    shown = sorted(slices, key=lambda found: _urgency([found]))[:MOST_SLICES]
    left = len(slices) - len(shown)
    title = "Slices" + (f" ({left} more are in evaluation.json)" if left else "")
    table = _table(title, "slice", width)
    rows = [
        (
            _with_way(f"{found['column']}={found['slice']}: {found['metric']}", found["measured"]),
            found["measured"],
            [found],
        )
        for found in shown
    ]
    return _filled(table, rows, width)


def _table(title: str, first: str, width: int) -> Table:
    """All columns, or in so much less width those that say what the others would explain."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column(first, overflow="fold", max_width=32)
    if width >= WIDE:
        widths = {"value": 6, "95 % interval": 14, "n": 4, "errors": 6, "threshold": 9}
    elif width >= MEDIUM:
        widths = {"value": 6, "95 % interval": 0, "n": 0, "threshold": 0}
    else:
        widths = {"value": 0, "threshold": 0}
    for heading, least in widths.items():
        table.add_column(heading, justify="right", no_wrap=True, min_width=least)
    if width >= WIDE:
        table.add_column("tier", no_wrap=True, min_width=7)
    table.add_column("verdict", no_wrap=True, min_width=7)
    return table


def _cells(metric: Document, bounds: list[Document], width: int) -> list[RenderableType]:
    value, low, high = (short_number(metric[key]) for key in ("value", "low", "high"))
    interval = "-" if metric["low"] is None and metric["high"] is None else f"{low}..{high}"
    n, errors = str(metric["n"]), str(metric["errors"])
    tier = "\n".join(b["tier"] for b in bounds) or "-"
    verdict = _verdict(bounds)
    if width >= WIDE:
        return [value, interval, n, errors, _thresholds(bounds), tier, verdict]
    threshold = _thresholds(bounds, with_tier=True)
    if width >= MEDIUM:
        return [
            value,
            interval,
            f"{n}, {errors} err" if metric["errors"] else n,
            threshold,
            verdict,
        ]
    return [value, threshold, verdict]


_STAR = {"mean": "", "interval": "*", "calibrated": "**"}


def _thresholds(bounds: list[Document], *, with_tier: bool = False) -> str:
    """A line for each bound; hard is what a bound is unless it says otherwise."""
    return "\n".join(
        f"{b['rule']} {b['bound']:g}{_STAR[b['on']]}"
        + (f" {b['tier']}" if with_tier and b["tier"] != "hard" else "")
        for b in bounds
    ) or "-"  # fmt: skip


def _verdict(bounds: list[Document]) -> Text:
    """A line for each bound."""
    from rich.text import Text

    if not bounds:
        return Text("-", "dim")  # the threshold column says that there is none
    styles = {"holds": "green", "MISSED": "bold red", "UNSURE": "bold red"}
    words = [bound_word(bound) for bound in bounds]
    return Text("\n").join(Text(word, styles.get(word, "yellow")) for word in words)


def _gate(gate: Document, *, one_line: bool) -> Text:
    """The verdict; its reasons on the same line for grep, or one below the other for people."""
    from rich.text import Text

    word = Text("PASSED", "bold green") if gate["passed"] else Text("NOT PASSED", "bold red")
    reasons = gate["reasons"]
    if one_line or len(reasons) < 2:
        return Text.assemble("quality gate: ", word, f": {gate['summary']}")
    listed = "".join(f"\n  {reason}" for reason in reasons)
    return Text.assemble("quality gate: ", word, f": {len(reasons)} reasons", listed)
