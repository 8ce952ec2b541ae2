"""The lines of the page's tables: numbers as text, verdicts as words, intervals as pictures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from processing.gate.check import WORST
from processing.report.html.pictures import Mark, interval

Document = Mapping[str, Any]
_SIGN = {"min": "≥", "max": "≤"}


@dataclass(frozen=True)
class BoundLine:
    """One bound as it is shown; `held` says what was compared where that is not the value."""

    text: str
    tier: str
    word: str
    passed: bool
    held: str


@dataclass(frozen=True)
class MetricLine:
    """One line of a table. `failed_rows` is None where rows have no verdict of their own.

    `is_scored`: by a scorer; what is not is measured.
    """

    name: str
    value: str
    interval: str
    method: str
    n: int
    errors: int
    bounds: Sequence[BoundLine]
    picture: Markup | None
    failed_rows: int | None = None
    column: str = ""
    slice: str = ""
    rows: int = 0
    not_asked: int = 0
    load: str = ""
    higher_is_better: bool = True
    is_scored: bool = False

    @property
    def way(self) -> str:
        return way_words(higher_is_better=self.higher_is_better)

    @property
    def state(self) -> str:
        """missed (keeps the gate shut), warned, undecided, held, or unjudged (no threshold)."""
        missed = {bound.tier for bound in self.bounds if bound.word == "missed"}
        if "hard" in missed:
            return "missed"
        if missed:
            return "warned"
        if any(bound.word == "undecided" for bound in self.bounds):
            return "undecided"
        return "held" if self.bounds else "unjudged"


@dataclass(frozen=True)
class ChampionLine:
    """One metric against the champion's: candidate minus champion, better upwards."""

    metric: str
    difference: str
    interval: str
    pairs: int
    missing: int
    margin: str
    passed: bool
    picture: Markup


def number(value: float | None) -> str:
    """Four digits that matter, thousands apart; `none` where there is no number."""
    if value is None:
        return "none"
    return f"{value:,.0f}" if 10_000 <= abs(value) < 1e9 else f"{value:.4g}"


def between(low: float | None, high: float | None) -> str:
    """An interval, open where an end is not known."""
    if low is None and high is None:
        return ""
    return f"{'…' if low is None else number(low)} to {'…' if high is None else number(high)}"


def metric_line(
    name: str, metric: Document, bounds: Sequence[Document], *, failed_rows: int | None = None,
    is_scored: bool = True, column: str = "", slice_value: str = "", rows: int = 0,
) -> MetricLine:  # fmt: skip
    """A metric of evaluation.json, or a slice's, with the thresholds that it is held against."""
    return MetricLine(
        name=name,
        value=number(metric["value"]),
        interval=between(metric["low"], metric["high"]),
        method=metric["method"],
        n=metric["n"],
        errors=metric["errors"],
        bounds=[_bound_line(bound, metric) for bound in bounds],
        picture=_picture(metric, bounds),
        failed_rows=failed_rows,
        column=column,
        slice=slice_value,
        rows=rows,
        not_asked=metric.get("not_asked", 0),
        load=metric.get("load", ""),
        higher_is_better=metric.get("higher_is_better", True),
        is_scored=is_scored,
    )


def bound_text(bound: Document) -> str:
    """`≥ 0.8`."""
    return f"{_SIGN[bound['rule']]} {bound['bound']:g}"


def way_words(*, higher_is_better: bool) -> str:
    return "↑ higher is better" if higher_is_better else "↓ lower is better"


def marks(bounds: Iterable[Document]) -> list[Mark]:
    return [Mark(bound["bound"], bound["rule"]) for bound in bounds]


def champion_line(name: str, metric: Document) -> ChampionLine:
    margin = metric["margin"]
    known = [metric[key] for key in ("difference", "low", "high", "compared")]
    reach = max([abs(value) for value in known if value is not None] + [margin, 1e-9]) * 1.1
    compared = metric["compared"]
    difference = metric["difference"]
    return ChampionLine(
        metric=name,
        difference="none" if difference is None else f"{difference:+.4g}",
        interval=between(metric["low"], metric["high"]),
        pairs=metric["pairs"],
        missing=metric["missing"],
        margin=f"{-margin:g}",
        passed=bool(metric["passed"]),
        picture=interval(
            (metric["low"], metric["high"]),
            difference,
            [Mark(-margin, "min")],
            span=(-reach, reach),
            worst=compared if metric["missing"] else None,
            missed=not metric["passed"],
            zero=0.0,
            label=f"difference {number(difference)}, margin {-margin:g}",
        ),
    )


def _bound_line(bound: Document, metric: Document) -> BoundLine:
    compared, value = bound["compared"], metric["value"]
    if bound.get("undecided"):
        held = bound["undecided"]
    elif compared is None or abs(compared) == WORST:
        held = bound["reason"] or "no number to compare"
    elif compared == value:
        held = ""
    elif bound["on"] == "calibrated":
        end = "lower" if bound["rule"] == "min" else "upper"
        held = f"corrected by labels, {end} end: {number(compared)}"
    elif bound["on"] == "interval":
        held = f"{'lower' if bound['rule'] == 'min' else 'upper'} end: {number(compared)}"
    else:
        held = f"worst case: {number(compared)}"
    word = "holds" if bound["passed"] else "undecided" if bound.get("undecided") else "missed"
    return BoundLine(bound_text(bound), bound["tier"], word, bool(bound["passed"]), held)


def _picture(metric: Document, bounds: Sequence[Document]) -> Markup | None:
    if metric["value"] is None:
        return None
    compared = [
        bound["compared"]
        for bound in bounds
        if bound["compared"] is not None
        and abs(bound["compared"]) != WORST
        and bound["compared"] not in (metric["value"], metric["low"], metric["high"])
    ]
    known = [metric["value"], metric["low"], metric["high"], *compared]
    points = [point for point in known if point is not None]
    points += [bound["bound"] for bound in bounds]
    unit = min(points) >= 0 and max(points) <= 1
    said = " and ".join(f"{bound['rule']} {bound['bound']:g}" for bound in bounds)
    return interval(
        (metric["low"], metric["high"]),
        metric["value"],
        marks(bounds),
        span=(0, 1) if unit else (min(0.0, *points), max(points) * 1.05 if max(points) > 0 else 0),
        worst=compared[0] if compared else None,
        missed=any(not bound["passed"] and not bound.get("undecided") for bound in bounds),
        label=f"{number(metric['value'])}"
        + (f", 95 % interval {between(metric['low'], metric['high'])}" if points else "")
        + (f", threshold {said}" if said else ""),
    )
