"""The result table: each metric with its threshold, its verdict, and the rows that it rests on."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any


def print_evaluation(document: Mapping[str, Any]) -> None:
    """Print an evaluation.json as a table to standard output."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    thresholds: dict[str, list[Mapping[str, Any]]] = {}
    for threshold in document["thresholds"].values():
        thresholds.setdefault(threshold["metric"], []).append(threshold)
    table = Table(
        title=f"Evaluation of {document['model']['model_name']}",
        title_justify="left",
        box=SIMPLE_HEAD,
    )
    table.add_column("metric")
    for heading in ("value", "threshold", "n", "errors"):
        table.add_column(heading, justify="right")
    table.add_column("verdict")
    for name, metric in document["metrics"].items():
        bounds = thresholds.get(name, [])
        table.add_row(
            name,
            "none" if metric["value"] is None else f"{metric['value']:.4g}",
            ", ".join(f"{b['rule']} {b['bound']:g}" for b in bounds) or "-",
            str(metric["n"]),
            str(metric["errors"]),
            _verdict(bounds),
        )
    # A terminal's width is unknown to a log file, which must not fold the table's lines.
    console = Console(width=None if sys.stdout.isatty() else 100, highlight=False)
    console.print(table)
    word = "PASSED" if document["gate"]["passed"] else "NOT PASSED"
    console.print(f"quality gate: {word}: {document['gate']['summary']}", soft_wrap=True)


def _verdict(bounds: list[Mapping[str, Any]]) -> str:
    if not bounds:
        return "shown only"
    return "holds" if all(bound["passed"] for bound in bounds) else "MISSED"
