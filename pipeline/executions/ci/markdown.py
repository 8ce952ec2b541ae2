"""A verdict in GitHub's Markdown: for a job's summary, or a comment on a pull request.

Names, reasons and reports may hold what a model has written: nothing in them is a link, a mention
or markup.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.executions.ci.outcome import Outcome, cases_of
from processing.base.visible_text import visible, visible_document

SUMMARY_FILE = "GITHUB_STEP_SUMMARY"
LONGEST_TEXT = 1_000
"""Characters of one reason. A step's whole summary may have a megabyte."""
MOST_CASES = 200


def add_to_step_summary(outcomes: Sequence[Outcome]) -> None:
    """Append to the summary of the step of GitHub Actions that this runs in, if it does.

    Source: "Workflow commands for GitHub Actions", adding a job summary. Raises OSError.
    """
    if path := os.environ.get(SUMMARY_FILE):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(markdown([each for each in outcomes if each.document or each.broke]))


def markdown(outcomes: Sequence[Outcome]) -> str:
    """The verdict, each metric with its bound, the reasons, and where to look further."""
    return "".join(f"{line}\n" for outcome in outcomes for line in _lines(outcome))


def _lines(outcome: Outcome) -> Iterator[str]:
    sign = {"passed": "✅", "not passed": "❌"}.get(outcome.verdict, "⚠️")
    yield f"## {sign} {_text(outcome.name)}: {outcome.verdict}"
    yield ""
    if outcome.document is None or outcome.verdict == "no verdict":
        yield _text(outcome.broke or "there is no verdict")
    else:
        yield from _told(outcome, visible_document(dict(outcome.document)))
    for link in outcome.links:
        yield f"- {_text(link)}"
    yield ""


def _told(outcome: Outcome, document: Mapping[str, Any]) -> Iterator[str]:
    counts, model = document["counts"], document["model"]["model_name"]
    yield f"{_text(str(model))}, {counts['answered']} of {counts['rows']} rows answered"
    yield ""
    if stopped := document.get("stopped"):  # not in reports of older code
        yield f"{_text(stopped['words'])}: the numbers are those of what was asked"
        yield ""
    yield "| metric | value | 95 % interval | n | errors |"
    yield "|---|--:|--:|--:|--:|"
    held = {bound["metric"] for bound in document["thresholds"].values()}
    for name, metric in document["metrics"].items():
        if name in held or "_tokens_" not in name:
            value, low, high = (_number(metric[key]) for key in ("value", "low", "high"))
            interval = f"{low} .. {high}" if metric["low"] is not None else "-"
            yield f"| {_text(name)} | {value} | {interval} | {metric['n']} | {metric['errors']} |"
    yield ""
    yield "| bound | | why |"
    yield "|---|---|---|"
    cases = sorted(cases_of(outcome), key=lambda case: (not case.blocks, not case.reason))
    for case in cases[:MOST_CASES]:
        word = f"**{case.word}**" if case.blocks else case.word
        yield f"| {_text(case.name)} | {word} | {_text(case.reason)} |"
    if more := cases[MOST_CASES:]:
        yield f"| {len(more)} more | | |"
    yield ""
    for warning in document["gate"]["warnings"]:
        yield f"- warning: {_text(warning)}"


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.4g}"


_SIGNS = re.compile(r"([\\`*_\[\]<>|~&!#])")


def _text(text: str) -> str:
    """On one line and without markup. The comment behind @ keeps anybody from being called."""
    shown = visible(text)
    if len(shown) > LONGEST_TEXT:
        shown = f"{shown[:LONGEST_TEXT]} [...]"
    return _SIGNS.sub(r"\\\1", shown).replace("@", "@<!-- -->")
