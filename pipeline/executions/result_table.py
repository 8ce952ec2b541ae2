"""The result tables: each metric, slice and comparison with its threshold and its verdict."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pipeline.executions.judge_lines import judge_lines
from processing.base.visible_text import visible_document
from processing.calls.progress_display import is_terminal
from processing.gate.drift import LEAST_RUNS

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

Document = Mapping[str, Any]
MOST_SLICES = 12
"""So many are shown; the missed ones first. evaluation.json has all."""


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
    for line in _lines(document):
        console.print(line, soft_wrap=not terminal)
    console.print(_gate(document["gate"], one_line=not terminal), soft_wrap=not terminal)


def _metrics(document: Document, width: int) -> Table:
    thresholds: dict[str, list[Document]] = {}
    for threshold in document["thresholds"].values():
        thresholds.setdefault(threshold["metric"], []).append(threshold)
    table = _table(f"Evaluation of {document['model']['model_name']}", "metric", width)
    for name, metric in document["metrics"].items():
        if "_tokens_p" in name and name not in thresholds:
            continue  # in evaluation.json and MLflow; the means say enough here
        table.add_row(name, *_cells(metric, thresholds.get(name, []), width))
    return table


def _slices(slices: list[Document], width: int) -> Table:

    shown = sorted(slices, key=lambda found: found["passed"])[:MOST_SLICES]
    left = len(slices) - len(shown)
    title = "Slices" + (f" ({left} more are in evaluation.json)" if left else "")
    table = _table(title, "slice", width)
    for found in shown:
        name = f"{found['column']}={found['slice']}: {found['metric']}"
        table.add_row(name, *_cells(found["measured"], [found], width))
    return table


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
    value, low, high = (_number(metric[key]) for key in ("value", "low", "high"))
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


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.4g}"


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
    words = [_word(bound) for bound in bounds]
    return Text("\n").join(Text(word, styles.get(word, "yellow")) for word in words)


def _word(bound: Document) -> str:
    """UNDECIDED: holds for what was asked, and not all was.

    UNSURE: the number holds, but rests on too few rows or on too many errors to count.
    """
    if bound["passed"]:
        return "holds"
    if bound.get("undecided"):  # not in reports of older code
        return "UNDECIDED" if bound["tier"] == "hard" else "undecided"
    compared, limit = bound["compared"], bound["bound"]
    holds = compared is not None and (
        compared >= limit if bound["rule"] == "min" else compared <= limit
    )
    word = "UNSURE" if holds else "MISSED"
    return word if bound["tier"] == "hard" else word.lower()


def _lines(document: Document) -> Iterator[str]:
    bounds = [*document["thresholds"].values(), *document["slices"]]
    yield from _stopped(document, bounds)
    if any(bound["on"] == "interval" for bound in bounds):
        yield "* held against the interval's pessimistic end"
    if any(bound["on"] == "calibrated" for bound in bounds):
        yield "** held against that end of the estimate that people's labels have corrected"
    for found in (document.get("labels") or {}).values():  # not in reports of older code
        yield f"people: {found['words']}{_unused(found)}"
    for metric in document["metrics"].values():
        if corrected := metric.get("calibrated"):
            yield f"corrected: {corrected['words']}"
    yield from _loads(document)
    if document["champion"]:
        yield from _champion(document["champion"])
    yield from _drift(document)
    if cut := document["counts"].get("cut_answers"):
        yield f"cut at the token limit: {cut} of {document['counts']['cut_answers_known']} answers"
    if clusters := document["counts"].get("clusters"):  # not in reports of older code
        rows = document["counts"]["rows"]
        yield f"intervals by clusters: {rows} rows in {clusters} (dataset.cluster)"
    yield from judge_lines(document)
    if any(_word(bound).upper() == "UNSURE" for bound in bounds):
        yield "UNSURE: holds, on too few rows or with too many failed verdicts to count"
    yield from _failures(document)
    for warning in document["gate"]["warnings"]:
        yield f"warning: {warning}"


def _loads(document: Document) -> Iterator[str]:
    loads = (found.get("load") for found in document["metrics"].values())
    for load in dict.fromkeys(filter(None, loads)):  # not in reports of older code
        yield f"times are measured under load: {load}"


def _drift(document: Document) -> Iterator[str]:
    """Of the metrics that have changed beyond their interval, or may not have."""
    found = document.get("drift")  # not in reports of older code
    if not found:
        return
    if found["failure"]:
        yield f"drift: {found['failure']}"
        return
    count = len(found["runs"])
    runs = f"{count} earlier {'run' if count == 1 else 'runs'}"
    if count < LEAST_RUNS:
        yield f"drift: {runs} to hold the metrics against, and a change shows from {LEAST_RUNS} on"
        return
    yield f"drift against {runs} (change, 95 % interval, n now and then):"
    for name, change in found["metrics"].items():
        if change["change"] is None:
            continue
        interval = (
            f"{change['low']:+.4g}..{change['high']:+.4g}"
            if change["low"] is not None
            else change["unknown"]
        )
        word = "WORSE" if change["worse"] else ""
        counts = f"n {change['n']}, {change['earlier_n']}"
        yield f"  {name}: {change['change']:+.4g}  {interval}  {counts}  {word}".rstrip()


def _stopped(document: Document, bounds: list[Document]) -> Iterator[str]:
    """Of a run that ended before all was asked."""
    stopped = document.get("stopped")  # not in reports of older code
    if not stopped:
        return
    yield f"{stopped['words']}: the numbers are those of what was asked"
    if any(_word(bound).upper() == "UNDECIDED" for bound in bounds):
        yield "UNDECIDED: holds for what was asked, and may not for the rest"
    calls = sum(each["calls"] for each in stopped["saved"])
    known = [each["cost"] for each in stopped["saved"] if each["cost"] is not None]
    if calls:
        yield f"saved: about {calls:,} calls" + (f", {sum(known):.4g}" if known else "")


def _unused(labels: Document) -> str:
    """Lines of the labels file that say nothing about this evaluation's answers."""
    counted = {
        "of another answer": labels["other_answers"],
        "of another row": labels["other_rows"],
        "of a question that stands twice": labels["ambiguous"],
        "not filled in": labels["blank"],
    }
    said = [f"{count} {what}" for what, count in counted.items() if count]
    split = labels["people_disagree"]
    people = f"; people disagree on {split} answers" if split else ""
    return (f"; not used: {', '.join(said)}" if said else "") + people


def _failures(document: Document) -> Iterator[str]:
    """Why the endpoint and each scorer failed, where they did: the most frequent reason."""
    counted = [("endpoint", document["counts"], document["counts"]["endpoint_errors"])]
    counted += [(name, m, m["errors"]) for name, m in document["metrics"].items()]
    for name, found, errors in counted:
        if reason := found.get("frequent_error"):  # not in reports of older code
            yield f"{name} failed on {errors} rows, {reason['count']} times: {reason['text']}"


def _gate(gate: Document, *, one_line: bool) -> Text:
    """The verdict; its reasons on the same line for grep, or one below the other for people."""
    from rich.text import Text

    word = Text("PASSED", "bold green") if gate["passed"] else Text("NOT PASSED", "bold red")
    reasons = gate["reasons"]
    if one_line or len(reasons) < 2:
        return Text.assemble("quality gate: ", word, f": {gate['summary']}")
    listed = "".join(f"\n  {reason}" for reason in reasons)
    return Text.assemble("quality gate: ", word, f": {len(reasons)} reasons", listed)


def _champion(champion: Document) -> Iterator[str]:
    if champion["state"] == "unreadable":
        yield f"champion: {champion['error']}"
    for refusal in champion.get("refusals", ()):  # not in reports of older code
        yield f"champion: {refusal}"
    if rejudged := champion.get("rejudged"):
        yield f"champion: {rejudged}"
    for name, metric in champion["metrics"].items():
        difference = metric["difference"]
        found = "no difference" if difference is None else f"{difference:+.4g}"
        interval = f"{_number(metric['low'])} .. {_number(metric['high'])}"
        word = "holds" if metric["passed"] else "MISSED"
        yield (
            f"champion: {name} {found} ({interval}, {metric['pairs']} pairs), "
            f"margin {metric['margin']:g}: {word}"
        )
