"""The findings -> the page, in the style of report.html and made by the same means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from pipeline.comparison.differences import Difference
from pipeline.comparison.findings import METHOD, Findings
from pipeline.comparison.html.pairwise import (
    packed_preferences,
    pairwise_content,
    preferences,
)
from pipeline.comparison.row_changes import RowChange
from pipeline.comparison.run import ComparedRun
from processing.report.html.metrics import between, number
from processing.report.html.packing import (
    GENEROUS,
    MOST_ROWS,
    Shortener,
    fitted,
    packed_history,
    packed_score,
)
from processing.report.html.page import MOST_BYTES, link, rendered
from processing.report.html.pictures import interval
from processing.report.html.survey import slice_word

HERE = Path(__file__).parent
NONE = "–"  # noqa: RUF001 a dash, as in report.html
_SIGNS = {"better": ("ok", "▲ better"), "worse": ("fail", "▼ worse"),
          "not shown": ("", "not shown"), "not compared": ("warn", "not compared")}  # fmt: skip


@dataclass(frozen=True)
class Line:
    """One line of a table of differences."""

    found: Difference
    first: str
    other: str
    difference: str
    interval: str
    worst: str
    p: str
    style: str
    word: str
    picture: Markup | None


def page(findings: Findings) -> str:
    content = {
        "findings": findings,
        "method": METHOD,
        "lines": {run.label: [_line(d) for d in findings.of(run)] for run in findings.runs[1:]},
        "runs": [_run(run) for run in findings.runs],
        "compared": len(findings.runs[0].rows),
        **pairwise_content(findings, _SIGNS, _p),
    }
    # first without rows, to know how much room they have
    empty = rendered(HERE, "compare", content, packed=None)
    head = {
        "runs": [run.label for run in findings.runs],
        "scorers": list(
            dict.fromkeys(
                [
                    *(name for run in findings.runs for name in run.scorers),
                    *(found.scorer for found in findings.pairwise),
                ]
            )
        ),
    }
    rows = _rows(findings)
    room = MOST_BYTES - len(empty.encode("utf-8"))
    packed = fitted(head, rows[:MOST_ROWS], room, _packed_row)
    content["rows"] = len(rows)
    return rendered(HERE, "compare", content, packed=packed)


def _line(found: Difference) -> Line:
    style, word = _SIGNS[found.state]
    difference = NONE if found.difference is None else f"{found.difference:+.3g}"
    shown = _between(found.low, found.high)
    worst = ""
    if found.missing and found.pairs:
        ends = _between(found.worst_low, found.worst_high)
        rows = "1 row" if found.missing == 1 else f"{found.missing:,} rows"
        worst = f"with {rows} at the worst: {ends or 'no end is known'}"
    return Line(
        found,
        first=NONE if found.first is None else number(found.first),
        other=NONE if found.other is None else number(found.other),
        difference=difference,
        interval=shown,
        worst=worst,
        p=_p(found.p_holm),
        style=style,
        word=word,
        picture=_picture(found),
    )


def _between(low: float | None, high: float | None) -> str:
    """As in report.html, to as many digits as a difference is worth."""
    return between(*(None if end is None else float(f"{end:.3g}") for end in (low, high)))


def _p(value: float | None) -> str:
    if value is None:
        return NONE
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _picture(found: Difference) -> Markup | None:
    if found.difference is None:
        return None
    known = [abs(end) for end in (found.difference, found.low, found.high) if end is not None]
    reach = max(*known, 1e-9) * 1.15
    return interval(
        (found.low, found.high),
        found.difference,
        [],
        span=(-reach, reach),
        missed=found.state == "worse",
        zero=0.0,
        label=f"difference {number(found.difference)}, 95 % interval "
        f"{between(found.low, found.high) or 'none'}",
    )


def _run(run: ComparedRun) -> dict[str, Any]:
    document = run.document
    p95 = document["metrics"].get("latency_p95_ms", {}).get("value")
    return {
        "label": run.label,
        "name": run.name,
        "source": run.source,
        "model": document["model"]["model_name"],
        "endpoint": document["model"]["endpoint_name"],
        "passed": document["gate"]["passed"] == 1,
        "answered": document["counts"]["answered"],
        "rows": document["counts"]["rows"],
        "p95": NONE if p95 is None else f"{p95:,.0f} ms",
        "cost": NONE if run.cost is None else f"{run.cost:.4g}",
        "reused": run.reused,
        "varied": document.get("varied", {}),
        "url": link(document["mlflow"].get("url")),
    }


def _rows(findings: Findings) -> list[dict[str, Any]]:
    """The rows that the first run and another have, those that got worse most first."""
    changes: dict[str, list[RowChange]] = {}
    for change in findings.changes:
        changes.setdefault(change.row_id, []).append(change)
    said = preferences(findings)
    places = {row_id: i + 1 for i, row_id in enumerate(findings.runs[0].rows)}
    order = sorted(
        changes, key=lambda row_id: (-max(c.harm for c in changes[row_id]), places[row_id])
    )
    return [
        {
            "position": places[row_id],
            "row_id": row_id,
            "of": [run.rows.get(row_id) for run in findings.runs],
            "changes": changes[row_id],
            "pairwise": said.get(row_id, ()),
        }
        for row_id in order
    ]


def _packed_row(row: Mapping[str, Any], short: Shortener) -> dict[str, Any]:
    changes: Sequence[RowChange] = row["changes"]
    moved = {name for change in changes for name in (*change.worse, *change.better, *change.lost)}
    first = row["of"][0]
    return {
        "position": row["position"],
        "id": row["row_id"],
        "question": short(first["question"], GENEROUS),
        "history": packed_history(first, short),
        "expected": short(first["expected_response"], GENEROUS),
        "slices": {column: slice_word(value) for column, value in first["slices"].items()},
        "of": [_packed_answer(found, moved, short) for found in row["of"]],
        "pairwise": packed_preferences(row["pairwise"], short),
        "changes": {
            change.run: {
                "state": change.state,
                "worse": change.worse,
                "better": change.better,
                "lost": change.lost,
                "found": change.found,
                "other": change.answer_changed,
            }
            for change in changes
        },
    }


def _packed_answer(
    row: Mapping[str, Any] | None, moved: set[str], short: Shortener
) -> dict[str, Any] | None:
    if row is None:
        return None
    return {
        "answer": short(row["answer"], GENEROUS),
        "error": short(row["error"], GENEROUS),
        "latency": row["latency_ms"],
        "tokensIn": row["input_tokens"],
        "tokensOut": row["output_tokens"],
        "scores": {
            name: packed_score(score, short, GENEROUS if name in moved else 1)
            for name, score in row["scores"].items()
        },
    }
