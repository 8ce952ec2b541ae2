"""The group's versions in the terminal: a table, and each metric's way as a line of signs."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from pipeline.executions.registered.packages import RegisteredPackage
from processing.calls.progress_display import is_terminal

Bounds = Mapping[str, str]

STEPS = "▁▂▃▄▅▆▇█"
MOST_SIGNS = 40
"""Versions in a line of signs, the newest."""


def print_history(group: str, packages: Sequence[RegisteredPackage], bounds: Bounds) -> None:
    """`packages`: the newest first. `bounds`: what today's file asks of each metric, as text."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    width = None if is_terminal(sys.stdout) else 100
    console = Console(width=width, highlight=False, markup=False)
    table = Table(title=group, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("version", "registered", "approval", "verdict"):
        table.add_column(heading, no_wrap=True)
    table.add_column("why", overflow="fold")
    for each in packages:
        name = f"{each.version} champion" if each.champion else str(each.version)
        when = f"{each.created:%Y-%m-%d %H:%M}"
        verdict = each.verdict or "not evaluated here"
        table.add_row(name, when, each.approval, verdict, each.said or "-")
    console.print(table)
    for name in metric_names(packages):
        for line in _way(name, packages, bounds.get(name, "")):
            console.print(line, soft_wrap=True)


def metric_names(packages: Sequence[RegisteredPackage]) -> list[str]:
    """In the order of the newest version; those that only older ones have behind them."""
    return list(dict.fromkeys(name for each in packages for name in each.metrics))


def _way(name: str, packages: Sequence[RegisteredPackage], bound: str) -> list[str]:
    found = [each.metrics.get(name) for each in reversed(packages)][-MOST_SIGNS:]
    values = [each.value if each else None for each in found]
    known = [value for value in values if value is not None]
    if not known:
        return [f"{name}: no version has a number"]
    newest = found[-1]
    rests = f", n={newest.n}" if newest else ""
    last = "none" if values[-1] is None else f"{values[-1]:.4g}"
    told = f"{known[0]:.4g} first, {last} now{rests}" if len(values) > 1 else f"{last}{rests}"
    return [f"{name:<28} {signs(values)}  {told}{f', {bound}' if bound else ''}"]


def signs(values: Sequence[float | None]) -> str:
    """A sign for each value between the least and the greatest; a space where there is none."""
    known = [value for value in values if value is not None]
    least, most = min(known), max(known)
    span = most - least

    def sign(value: float | None) -> str:
        if value is None:
            return " "
        share = (value - least) / span if span > 0 else 0.5
        return STEPS[min(int(share * len(STEPS)), len(STEPS) - 1)]

    return "".join(map(sign, values))
