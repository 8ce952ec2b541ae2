"""The pictures, as SVG that takes its colours from the page: light, dark, and by style sheet.

matplotlib draws in stand-in colours that are replaced by CSS variables. Matplotlib, because MLflow
has brought it into the container already; it is imported when the first picture is drawn.
"""

from __future__ import annotations

import io
import re
import warnings
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from markupsafe import Markup

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LINE, SPAN, DATA, BOUND, FORBIDDEN, TEXT, MISSED = (f"#0000a{i}" for i in range(1, 8))
_VARIABLES = {
    LINE: "--line", SPAN: "--data-soft", DATA: "--data", BOUND: "--bound",
    FORBIDDEN: "--fail-soft", TEXT: "--muted", MISSED: "--fail",
}  # fmt: skip
_SVG = "http://www.w3.org/2000/svg"
_XLINK = "http://www.w3.org/1999/xlink"
BINS = 24


@dataclass(frozen=True)
class Mark:
    """A bound: `rule` says on which side of `at` numbers are well."""

    at: float
    rule: str


@contextmanager
def drawing() -> Iterator[None]:
    """Pictures are drawn within this block."""
    import matplotlib

    settings = matplotlib.rc_context(
        {
            "svg.fonttype": "none",  # text stays text
            "svg.hashsalt": "report",  # the same evaluation gives the same page
            "text.parse_math": False,  # a judge's word with a $ in it is no formula
            "font.size": 8,
        }
    )
    with settings, warnings.catch_warnings():
        # a word in a script that the measuring font lacks; the browser's font has it
        warnings.filterwarnings("ignore", message="Glyph", category=UserWarning)
        yield


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

    `worst` (diamond) is what is compared where it is not the value. An open end runs to the edge.
    """
    figure = _figure(2.0, 0.3)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    low, high = span
    room = (high - low) * 0.03
    axes.set_xlim(low - room, high + room)
    axes.set_ylim(-1, 1)
    for mark in marks:
        wrong = (low - room, mark.at) if mark.rule == "min" else (mark.at, high + room)
        axes.axvspan(*wrong, color=FORBIDDEN, lw=0)
    axes.plot([low, high], [0, 0], color=LINE, lw=1)
    if zero is not None:
        axes.plot([zero, zero], [-0.6, 0.6], color=TEXT, lw=1)
    if ends != (None, None):
        left = low if ends[0] is None else ends[0]
        right = high if ends[1] is None else ends[1]
        axes.plot([left, right], [0, 0], color=SPAN, lw=6, solid_capstyle="butt")
    colour = MISSED if missed else DATA
    if worst is not None:
        axes.plot([worst], [0], "D", ms=5, mfc="none", mec=colour, mew=1.3, clip_on=False)
    if value is not None:
        axes.plot([value], [0], "o", ms=5, color=colour, mew=0, clip_on=False)
    for mark in marks:
        axes.plot([mark.at, mark.at], [-1, 1], color=BOUND, lw=1.6, clip_on=False)
    return _svg(figure, label)


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
    figure = _bars(numbers, words, wrong) if words else _histogram(numbers, marks, unit)
    return _svg(figure, label)


def _bars(numbers: Sequence[float], words: Mapping[float, str], wrong: Collection[float]) -> Figure:
    counts = Counter(numbers)
    values = sorted(words, reverse=True)
    slots = max(len(values), 2)  # one bar is as thick as one of two
    figure = _figure(3.2, 0.25 * slots)
    axes = figure.add_axes((0.3, 0.02, 0.56, 0.96))
    axes.set_ylim(slots + 0.5, 0.5)
    axes.set_xlim(0, max(counts.values()))
    places = range(1, len(values) + 1)
    colours = [MISSED if value in wrong else DATA for value in values]
    axes.barh(places, [counts[value] for value in values], color=colours, height=0.66)
    for place, value in zip(places, values, strict=True):
        axes.annotate(
            f"{counts[value]:,}", (counts[value], place), (4, 0), textcoords="offset points",
            va="center", ha="left", color=TEXT, annotation_clip=False,
        )  # fmt: skip
    _plain(axes)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    axes.set_yticks(places, [_short(words[value]) for value in values])
    return figure


def _histogram(numbers: Sequence[float], marks: Sequence[Mark], unit: bool) -> Figure:
    figure = _figure(3.2, 1.35)
    axes = figure.add_axes((0.04, 0.2, 0.92, 0.74))
    least, most = min(numbers), max(numbers)
    bins: int | list[float] = BINS
    if all(value == int(value) for value in numbers) and most - least <= 2 * BINS:
        bins = [least - 0.5 + i for i in range(int(most - least) + 2)]
    span = (0.0, 1.0) if unit and least >= 0 and most <= 1 else None
    axes.hist(numbers, bins=bins, range=span, color=DATA, rwidth=0.9)
    low, high = axes.get_xlim()
    for mark in marks:
        if low <= mark.at <= high:
            side = (low, mark.at) if mark.rule == "min" else (mark.at, high)
            axes.axvspan(*side, color=FORBIDDEN, lw=0, zorder=0)
            axes.axvline(mark.at, color=BOUND, lw=1.4)
    axes.set_xlim(low, high)
    _plain(axes)
    axes.locator_params(axis="x", nbins=6)
    return figure


def _short(word: str) -> str:
    try:
        return f"{float(word):.3g}"
    except ValueError:
        word = " ".join(word.split())
        return word if len(word) <= 17 else word[:16] + "…"


def _plain(axes: Axes) -> None:
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(LINE)
    axes.set_yticks([])
    axes.tick_params(colors=TEXT, length=0)
    axes.patch.set_visible(False)


def _figure(width: float, height: float) -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height))


def _svg(figure: Figure, label: str) -> Markup:
    """The figure as an element of a page: no prologue, no sizes, no rule for the whole page."""
    text = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(text, format="svg", transparent=True, metadata=nothing)
    ElementTree.register_namespace("", _SVG)
    ElementTree.register_namespace("xlink", _XLINK)
    # what matplotlib has just written, not anybody's document
    root = ElementTree.fromstring(text.getvalue())
    _strip(root)
    for size in ("width", "height"):
        del root.attrib[size]
    root.attrib |= {"class": "picture", "role": "img", "aria-label": label}
    svg = ElementTree.tostring(root, encoding="unicode")
    svg = re.sub(r"#0000a[1-7]", lambda found: f"var({_VARIABLES[found[0]]})", svg)
    return Markup(svg.replace("\n", " "))  # texts in it: ElementTree has escaped them


def _strip(root: ElementTree.Element) -> None:
    """Leave out matplotlib's style sheet, and ids that nothing points at (pages repeat them)."""
    text = ElementTree.tostring(root, encoding="unicode")
    used = set(re.findall(r"#([\w-]+)", text))
    for parent in root.iter():
        for child in list(parent):
            if child.tag == f"{{{_SVG}}}style":
                parent.remove(child)
        if parent.get("id") not in used:
            parent.attrib.pop("id", None)
