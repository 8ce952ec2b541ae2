"""The lines of the table that holds scorers against people's labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from processing.report.html.metrics import between, number

Document = Mapping[str, Any]


@dataclass(frozen=True)
class PeopleLine:
    """One scorer. `confusion`: a class of people's labels, and its counts by the scorer's."""

    name: str
    judge: str
    n: int
    agreement: str
    kappa: str
    sensitivity: str
    specificity: str
    corrected: str
    differ: int
    classes: Sequence[str]
    confusion: Sequence[tuple[str, Sequence[int]]]


def people_lines(document: Document) -> list[PeopleLine]:
    """Those with the most differing rows first; [] without labels, and in older documents."""
    labels = document.get("labels") or {}
    lines = [
        _line(name, found, document["metrics"].get(name, {}).get("calibrated"))
        for name, found in labels.items()
    ]
    return sorted(lines, key=lambda line: -line.differ)


def _line(name: str, found: Document, corrected: Document | None) -> PeopleLine:
    kappa = found["no_kappa"] and f"none: {found['no_kappa']}"
    return PeopleLine(
        name=name,
        judge=found["judge"],
        n=found["n"],
        agreement=_share(found["agreement"]),
        kappa=kappa or _with_interval(found["kappa"], found["kappa_low"], found["kappa_high"]),
        sensitivity=_rate(found["sensitivity"]),
        specificity=_rate(found["specificity"]),
        corrected=_corrected(corrected) if corrected else "",
        differ=found["differ"],
        classes=found["classes"],
        confusion=list(zip(found["classes"], found["confusion"], strict=True)),
    )


def _corrected(found: Document) -> str:
    if found["value"] is None:
        return "no estimate"
    value = _with_interval(found["value"], found["low"], found["high"])
    return f"{value}, moved by {found['moved']:+.3g} by {found['labels']} labels"


def _rate(found: Document) -> str:
    return f"{_share(found['value'])} of {found['n']}" if found["n"] else "none"


def _share(value: float | None) -> str:
    return "none" if value is None else f"{value:.0%}"


def _with_interval(value: float, low: float | None, high: float | None) -> str:
    return f"{number(value)} ({between(low, high)})"
