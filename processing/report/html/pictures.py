"""The pictures, as SVG that takes its colours from the page's style sheet: light and dark.

leather's scales and shapes draw them: pure Python, 30 kB, MIT, nothing else needed. matplotlib
would add 45 MB to the image and 1.5 s to an evaluation; pygal's licence is not on our list.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from markupsafe import Markup

BINS = 24
NAMED_BARS = 8
"""So many whole numbers are each written below their bar."""

WIDTH = 200
FARTHEST = 1e15
"""Numbers beyond it are told and not drawn: leather's scales count in 28 decimal digits."""


@dataclass(frozen=True)
class Mark:
    """A bound: `rule` says on which side of `at` numbers are well."""

    at: float
    rule: str

    def wrong_side(self, low: float, high: float) -> tuple[float, float]:
        """The part of `low` to `high` that the bound forbids."""
        return (low, self.at) if self.rule == "min" else (self.at, high)


class _Picture:
    """Shapes on one pair of scales, each with what it stands for as its class."""

    def __init__(self, x: Any, y: Any, height: float) -> None:
        self.x, self.y, self.height = x, y, height
        self.root = ElementTree.Element("svg")

    def add(self, role: str, shape: Any, points: Sequence[tuple[Any, Any]]) -> None:
        from leather import Series

        group = shape.to_svg(WIDTH, self.height, self.x, self.y, Series(points), None)
        group.set("class", role)
        for element in group.iter():
            for name in ("fill", "stroke", "stroke-width"):  # the style sheet's business
                element.attrib.pop(name, None)
        self.root.append(group)

    def line(self, role: str, *points: tuple[float, float]) -> None:
        from leather import Line

        self.add(role, Line("black"), points)

    def dot(self, role: str, at: float) -> None:
        from leather import Dots

        self.add(role, Dots("black", radius=4), [(at, 0)])

    def text(self, role: str, x: Any, y: Any, said: str) -> None:
        element = ElementTree.SubElement(self.root, "text", {"class": role})
        element.attrib |= {"x": str(x), "y": str(y)}
        element.text = said

    def markup(self, label: str, *, left: float, right: float, below: float = 0) -> Markup:
        """The picture as an element of the page, with so much room around its scales."""
        box = f"{-left:g} 0 {WIDTH + left + right:g} {self.height + below:g}"
        self.root.attrib |= {
            "xmlns": "http://www.w3.org/2000/svg", "viewBox": box,
            "class": "picture", "role": "img", "aria-label": label,
        }  # fmt: skip
        for element in self.root.iter():
            for name in set(element.attrib) & {"x", "y", "cx", "cy", "width", "height", "d"}:
                element.set(name, re.sub(r"-?\d[\d.E+-]*", _rounded, element.attrib[name]))
        # ElementTree escapes whatever a judge's word may hold
        return Markup(ElementTree.tostring(self.root, encoding="unicode"))


def _rounded(found: re.Match[str]) -> str:
    return f"{float(found[0]):.5g}"


def interval(
    ends: tuple[float | None, float | None],
    value: float | None,
    marks: Sequence[Mark],
    *,
    span: tuple[float, float],
    worst: float | None = None,
    missed: bool = False,
    zero: float | None = None,
    label: str,
) -> Markup:
    """A value (dot) with its interval (bar), its bounds (lines; the wrong side shaded).

    `worst` (ring) is what is compared where it is not the value. The bar is dashed to an end that
    is not known.
    """
    from leather import Linear

    if not _drawable(*span):
        return Markup("")
    x = Linear(*span)
    low, high = float(x.ticks()[0]), float(x.ticks()[-1])
    picture = _Picture(x, Linear(-1, 1), 28)
    for mark in marks:
        left, right = mark.wrong_side(low, high)
        picture.line("forbidden", (left, 0), (right, 0))
    picture.line("track", (low, 0), (high, 0))
    if zero is not None:
        picture.line("zero", (zero, -0.6), (zero, 0.6))
    if value is not None and ends != (None, None):
        for end, edge in zip(ends, (low, high), strict=True):
            if end is None:
                picture.line("open", (value, 0), (edge, 0))
            else:
                picture.line("interval", (value, 0), (end, 0))
    for mark in marks:
        picture.line("bound", (mark.at, -1), (mark.at, 1))
    failed = " missed" if missed else ""
    if worst is not None:
        picture.dot("worst" + failed, worst)
    if value is not None:
        picture.dot("value" + failed, value)
    return picture.markup(label, left=5, right=5)


def distribution(
    numbers: Sequence[float],
    words: Mapping[float, str],
    marks: Sequence[Mark],
    *,
    wrong: Collection[float] = (),
    unit: bool,
    label: str,
) -> Markup:
    """How often which number: a bar for each word of `words`, or without these a histogram.

    `wrong`: the numbers that count as failed. `unit`: from 0 to 1 if all numbers lie there.
    """
    if words:
        return _bars(numbers, words, wrong, label)
    if not _drawable(*numbers):
        return Markup("")
    return _histogram(numbers, marks, unit, label)


def trend(points: Sequence[tuple[int, float]], marks: Sequence[Mark], *, label: str) -> Markup:
    """Values (dots) by version, joined in their order, with their bounds."""
    from leather import Dots, Linear

    numbers = [*(value for _, value in points), *(mark.at for mark in marks)]
    if not points or not _drawable(*numbers):
        return Markup("")
    first, last = points[0][0], points[-1][0]
    least, most = min(numbers), max(numbers)
    x = Linear(first, last if last > first else first + 1)
    y = Linear(least, most if most > least else least + 1)
    low, high = float(y.ticks()[0]), float(y.ticks()[-1])
    left, right = float(x.ticks()[0]), float(x.ticks()[-1])
    picture = _Picture(x, y, 80)
    for mark in marks:
        bottom, top = mark.wrong_side(low, high)
        picture.line("area", (left, bottom), (left, top), (right, top), (right, bottom))
        picture.line("bound", (left, mark.at), (right, mark.at))
    picture.line("way", *points)
    picture.add("value", Dots("black", radius=4), points)
    for tick in (low, high):
        picture.text("side", -6, max(float(y.project(tick, 80, 0)) + 4, 9), f"{tick:g}")
    return picture.markup(label, left=40, right=8, below=6)


def _bars(
    numbers: Sequence[float], words: Mapping[float, str], wrong: Collection[float], label: str
) -> Markup:
    from leather import Bars, Linear, Ordinal

    counts = Counter(numbers)
    values = sorted(words, reverse=True)
    places = [str(i) for i in range(max(len(values), 2))]  # one bar is as thick as one of two
    y = Ordinal(places[::-1])  # leather counts from the bottom
    picture = _Picture(Linear(0, len(numbers)), y, 22 * len(places))
    for place, value in zip(places, values, strict=False):
        role = "bars missed" if value in wrong else "bars"
        picture.add(role, Bars("black"), [(counts[value], place)])
        middle = y.project(place, picture.height, 0)
        picture.text("side", -6, middle + 4, f"{_short(words[value])} {counts[value]:,}")
    longest = max(len(_short(word)) for word in words.values())
    return picture.markup(label, left=max(65, 6 * longest + 35), right=0)


def _histogram(numbers: Sequence[float], marks: Sequence[Mark], unit: bool, label: str) -> Markup:
    import numpy as np
    from leather import Columns, Linear, Ordinal

    least, most = min(numbers), max(numbers)
    if unit and least >= 0 and most <= 1:
        least, most = 0, 1
    x: Any
    if all(value == int(value) for value in numbers):
        x, bins = _whole_numbers(int(least), int(most))
    else:
        x, bins = Linear(least, most), BINS
    low, high = x.reach if isinstance(x, _WholeNumbers) else (x.ticks()[0], x.ticks()[-1])
    low, high = float(low), float(high)
    counts, _ = np.histogram(np.asarray(numbers, dtype=float), bins=bins, range=(low, high))
    y = Linear(0, int(counts.max()))
    top = float(y.ticks()[-1])
    picture = _Picture(x, y, 80)
    shown = [mark for mark in marks if low <= mark.at <= high]
    for mark in shown:
        left, right = mark.wrong_side(low, high)
        picture.line("area", (left, 0), (left, top), (right, top), (right, 0))
    columns = _Picture(Ordinal(range(bins)), y, 80)
    columns.add("bars", Columns("black"), list(enumerate(counts.tolist())))
    picture.root.extend(columns.root)
    for mark in shown:
        picture.line("bound", (mark.at, 0), (mark.at, top))
    picture.line("track", (low, 0), (high, 0))
    for tick in x.ticks():
        picture.text("below", x.project(tick, 0, WIDTH), 94, f"{float(tick):g}")
    return picture.markup(label, left=12, right=14, below=18)


@dataclass(frozen=True)
class _WholeNumbers:
    """A scale on which no two whole numbers share a place; `reach` is half a number further."""

    reach: tuple[float, float]
    named: Sequence[float]

    def project(self, value: float, start: float, end: float) -> float:
        low, high = self.reach
        return start + (end - start) * (float(value) - low) / (high - low)

    def ticks(self) -> Sequence[float]:
        return self.named


def _whole_numbers(least: int, most: int) -> tuple[_WholeNumbers, int]:
    """The scale, and its number of bars: one for each number, or for as many each if they are many.

    A bar that was not as wide as a whole number would hold two numbers here and one there.
    """
    from leather import Linear

    count = most - least + 1
    wide = 1 if count <= 2 * BINS else -(-count // BINS)
    bins = -(-count // wide)
    low = least - 0.5
    ticks = [float(tick) for tick in Linear(least, most if most > least else least + 1).ticks()]
    named = (
        range(least, most + 1)
        if count <= NAMED_BARS
        else [tick for tick in ticks if tick == int(tick) and least <= tick <= most]
    )
    return _WholeNumbers((low, low + bins * wide), named), bins


def _drawable(*numbers: float) -> bool:
    return all(abs(number) <= FARTHEST for number in numbers)


def _short(word: str) -> str:
    word = " ".join(word.split())
    return word if len(word) <= 14 else word[:13] + "…"
