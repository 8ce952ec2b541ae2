"""The result tables: each metric, slice and comparison with its threshold and its verdict."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

Document = Mapping[str, Any]
MOST_SLICES = 12
"""So many are shown; the missed ones first. evaluation.json has all."""


def print_evaluation(document: Document) -> None:
    """Print an evaluation.json as tables to standard output."""
    from rich.console import Console

    # A terminal's width is unknown to a log file, which must not fold the table's lines.
    console = Console(width=None if sys.stdout.isatty() else 100, highlight=False)
    if not document["evaluated_here"]:
        console.print(document["gate"]["summary"], soft_wrap=True, markup=False)
        return
    console.print(_metrics(document))
    if document["slices"]:
        console.print(_slices(document["slices"]))
    for line in _lines(document):
        console.print(line, soft_wrap=True, markup=False)


def _metrics(document: Document) -> Table:
    thresholds: dict[str, list[Document]] = {}
    for threshold in document["thresholds"].values():
        thresholds.setdefault(threshold["metric"], []).append(threshold)
    table = _table(f"Evaluation of {document['model']['model_name']}", "metric")
    for name, metric in document["metrics"].items():
        if "_tokens_p" in name and name not in thresholds:
            continue  # in evaluation.json and MLflow; the means say enough here
        table.add_row(name, *_measured(metric), *_judged(thresholds.get(name, [])))
    return table


def _slices(slices: list[Document]) -> Table:
    from rich.markup import escape

    shown = sorted(slices, key=lambda found: found["passed"])[:MOST_SLICES]
    left = len(slices) - len(shown)
    title = "Slices" + (f" ({left} more are in evaluation.json)" if left else "")
    table = _table(title, "slice")
    for found in shown:
        name = f"{found['column']}={found['slice']}: {found['metric']}"
        table.add_row(escape(name), *_measured(found["measured"]), *_judged([found]))
    return table


def _table(title: str, first: str) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=escape(title), title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column(first, overflow="fold", max_width=32)
    widths = {"value": 6, "95 % interval": 14, "n": 4, "errors": 6, "threshold": 9}
    for heading, width in widths.items():
        table.add_column(heading, justify="right", no_wrap=True, min_width=width)
    table.add_column("tier", no_wrap=True, min_width=7)
    table.add_column("verdict", no_wrap=True, min_width=7)
    return table


def _measured(metric: Document) -> tuple[str, str, str, str]:
    """value, interval, n, errors"""
    value, low, high = (_number(metric[key]) for key in ("value", "low", "high"))
    interval = "-" if metric["low"] is None and metric["high"] is None else f"{low}..{high}"
    return value, interval, str(metric["n"]), str(metric["errors"])


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.4g}"


def _judged(bounds: list[Document]) -> tuple[str, str, str]:
    """threshold, tier, verdict: a line for each bound"""
    if not bounds:
        return "-", "-", "shown"
    return (
        "\n".join(f"{b['rule']} {b['bound']:g}{_STAR[b['on']]}" for b in bounds),
        "\n".join(b["tier"] for b in bounds),
        "\n".join(_word(b) for b in bounds),
    )


_STAR = {"mean": "", "interval": "*"}


def _word(bound: Document) -> str:
    if bound["passed"]:
        return "holds"
    return "MISSED" if bound["tier"] == "hard" else "missed"


def _lines(document: Document) -> Iterator[str]:
    bounds = [*document["thresholds"].values(), *document["slices"]]
    if any(bound["on"] == "interval" for bound in bounds):
        yield "* held against the interval's pessimistic end"
    if document["champion"]:
        yield from _champion(document["champion"])
    for warning in document["gate"]["warnings"]:
        yield f"warning: {warning}"
    word = "PASSED" if document["gate"]["passed"] else "NOT PASSED"
    yield f"quality gate: {word}: {document['gate']['summary']}"


def _champion(champion: Document) -> Iterator[str]:
    if champion["state"] == "unreadable":
        yield f"champion: {champion['error']}"
    for name, metric in champion["metrics"].items():
        difference = metric["difference"]
        found = "no difference" if difference is None else f"{difference:+.4g}"
        interval = f"{_number(metric['low'])} .. {_number(metric['high'])}"
        word = "holds" if metric["passed"] else "MISSED"
        yield (
            f"champion: {name} {found} ({interval}, {metric['pairs']} pairs), "
            f"margin {metric['margin']:g}: {word}"
        )
