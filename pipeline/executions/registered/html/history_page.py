"""The group's versions -> the page, in the style of report.html and made by the same means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from pipeline.executions.registered.history_table import metric_names
from pipeline.executions.registered.packages import RegisteredPackage
from processing.config.thresholds import ThresholdParameter
from processing.report.html.page import rendered
from processing.report.html.pictures import Mark, trend

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Chart:
    """A metric's way. `values`: by version, the oldest first."""

    name: str
    picture: Markup
    values: list[tuple[int, float | None, int]]


def history_page(
    group: str, packages: Sequence[RegisteredPackage], thresholds: Sequence[ThresholdParameter]
) -> str:
    """`packages`: the newest first; `thresholds`: today's, drawn as lines."""
    charts = [_chart(name, packages, thresholds) for name in metric_names(packages)]
    content = {"group": group, "packages": packages, "charts": charts}
    return rendered(HERE, "history", content, packed=None)


def _chart(
    name: str, packages: Sequence[RegisteredPackage], thresholds: Sequence[ThresholdParameter]
) -> Chart:
    values = [
        (each.version, each.metrics[name].value, each.metrics[name].n)
        for each in reversed(packages)
        if name in each.metrics
    ]
    marks = [Mark(found.bound, found.rule) for found in thresholds if found.metric == name]
    points = [(version, value) for version, value, _ in values if value is not None]
    label = f"{name} of versions {values[0][0]} to {values[-1][0]}"
    return Chart(name, trend(points, marks, label=label), values)
