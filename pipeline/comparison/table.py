"""The comparison in the terminal: first what may not be compared, then metric by metric."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipeline.comparison.differences import Difference
from pipeline.comparison.findings import METHOD, Findings
from pipeline.comparison.pairwise.table import methods, pairwise_table, remarks, strength_lines
from pipeline.comparison.ranking import MOST_PAIRS, Ranking
from pipeline.comparison.run import ComparedRun
from processing.base.visible_text import visible
from processing.calls.progress_display import is_terminal
from processing.config.variation import VARIANT

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

WIDE = 106
"""Columns of text that the whole table takes."""

_STYLES = {"better": "bold green", "worse": "bold red", "not compared": "yellow"}


def print_comparison(findings: Findings) -> None:
    """Print it to standard output."""
    from rich.console import Console
    from rich.text import Text

    terminal = is_terminal(sys.stdout)
    # a terminal's width is unknown to a log file, which must not fold the table's lines
    console = Console(width=None if terminal else 120, highlight=False, markup=False)
    for found in findings.mismatches:
        of = f" ({found.run})" if len(findings.runs) > 2 else ""
        line = Text.assemble((found.kind.upper() + of, "bold red"), f": {found.text}")
        console.print(line, soft_wrap=not terminal)
    for absent in findings.absent:
        line = Text.assemble(
            ("NO VERDICT", "bold red"), f": {visible(absent.name)}: {visible(absent.why)}"
        )
        console.print(line, soft_wrap=not terminal)
    for run in findings.runs:
        console.print(_run_line(run), soft_wrap=not terminal)
    for run in findings.runs[1:]:
        console.print(_table(findings, run, console.width))
        console.print(_rows_line(findings, run), soft_wrap=not terminal)
        for difference in findings.of(run):
            if difference.reason and difference.pairs:
                said = f"{difference.metric}: {difference.reason}"
                console.print(Text(said, "yellow"), soft_wrap=not terminal)
    if findings.pairwise:
        _print_pairwise(findings, console, soft_wrap=not terminal)
    console.print(f"better, worse: real after Holm's correction over {findings.tests} tests; "
                  "not shown: the rows do not tell them apart", soft_wrap=not terminal)  # fmt: skip
    if console.width < WIDE:
        console.print("narrow: some columns are left out here; COLUMNS=120 shows them")
    console.print(Text(METHOD, "dim"), soft_wrap=not terminal)
    if findings.pairwise:
        console.print(Text(methods(findings.strengths), "dim"), soft_wrap=not terminal)
    for text in ranking_lines(findings.ranking):
        console.print(text, soft_wrap=not terminal)


def _print_pairwise(findings: Findings, console: Console, *, soft_wrap: bool) -> None:
    from rich.text import Text

    console.print(pairwise_table(findings.pairwise, narrow=console.width < WIDE))
    for outcome in findings.pairwise:
        for remark in remarks(outcome):
            console.print(Text(remark, "yellow"), soft_wrap=soft_wrap)
    for ranking in findings.strengths:
        for line in strength_lines(ranking):
            console.print(line, soft_wrap=soft_wrap)


def ranking_lines(ranking: Ranking) -> Iterator[str]:
    """Each evaluation's place, and what was found of each pair of them."""
    yield f"\nranking {ranking.rule}"
    width = max(len(name) for name in ranking.names.values())
    for place in ranking.places:
        number = f"{place.rank}{'=' if ranking.shared(place) else ' '}"
        gate = "passed" if place.passed else "not passed"
        lost = f", {place.missing} without a number" if place.missing else ""
        name = ranking.names[place.run]
        yield (
            f"{number:>4} {name:<{width}}  {gate:<10}  {_number(place.value):>7}  "
            f"{place.n} rows{lost}"
        )
    for pair in ranking.pairs[:MOST_PAIRS]:
        yield f"  {pair.sentence(ranking.names)}"
    if more := len(ranking.pairs[MOST_PAIRS:]):
        yield f"  and {more} more pairs: the page and --json have them all"


def _run_line(run: ComparedRun) -> str:
    document = run.document
    counts, metrics = document["counts"], document["metrics"]
    verdict = "passed" if document["gate"]["passed"] == 1 else "not passed"
    parts = [
        f"{run.label}: {run.name}",
        visible(str(document["model"]["model_name"])),
        f"{counts['answered']} of {counts['rows']} rows answered",
        f"gate {verdict}",
    ]
    if stopped := counts.get("not_asked"):
        parts.insert(3, f"{stopped} not asked")
    if value := metrics.get("latency_p95_ms", {}).get("value"):
        parts.append(f"p95 {value:.0f} ms")
    if run.cost is not None:
        reused = f" ({run.reused} answers and verdicts reused)" if run.reused else ""
        parts.append(f"cost {run.cost:.4g}{reused}")
    varied = document.get("varied", {})
    parts += [
        f"{key}={visible(' '.join(str(value).split()))[:60]}"
        for key, value in varied.items()
        if (key, value) != (VARIANT, run.name)
    ]
    return ", ".join(parts)


def _table(findings: Findings, run: ComparedRun, width: int) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    first = findings.runs[0]
    title = f"{run.label} ({run.name}) minus {first.label} ({first.name})"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("metric", overflow="fold", min_width=18, max_width=30)
    headings = [first.label, run.label, "difference", "95 % interval", "pairs", "missing",
                "worse/better", "p"]  # fmt: skip
    if width < WIDE:
        headings = ["difference", "95 % interval", "pairs"]
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for difference in findings.of(run):
        cells = _cells(difference, first.label, run.label)
        table.add_row(difference.metric, *(cells[name] for name in headings), _word(difference))
    return table


def _cells(found: Difference, first: str, other: str) -> dict[str, str]:
    interval = "-"
    if found.low is not None and found.high is not None:
        interval = f"{found.low:+.3g}..{found.high:+.3g}"
    return {
        first: _number(found.first),
        other: _number(found.other),
        "difference": "-" if found.difference is None else f"{found.difference:+.3g}",
        "95 % interval": interval,
        "pairs": str(found.pairs),
        "missing": str(found.missing),
        "worse/better": f"{found.worse}/{found.better}" if found.pairs else "-",
        "p": "-" if found.p_holm is None else _p(found.p_holm),
    }


def _p(value: float) -> str:
    return "<.001" if value < 0.001 else f"{value:.3f}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _word(found: Difference) -> Text:
    from rich.text import Text

    return Text(found.state, _STYLES.get(found.state, ""))


def _rows_line(findings: Findings, run: ComparedRun) -> str:
    counts = findings.changed(run)
    said = ", ".join(f"{n} {state}" for state, n in counts.items())
    unpaired = [d.unpaired for d in findings.of(run)]
    only = f"; {max(unpaired)} rows are in one data set only" if any(unpaired) else ""
    return f"rows of {run.label}: {said or 'none in common'}{only}"
