"""The rows inside the page: as much of each as fits, compressed, the worst rows first.

A thousand rows with a reason from each of 19 judges are 6 MB and more of text. The browser
unpacks gzip by itself (DecompressionStream: Chromium 80, Firefox 113, Safari 16.4).
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from processing.dataset.turns import history_of
from processing.report.html.metrics import bound_text, way_words
from processing.report.html.survey import (
    YES_NO,
    Expectation,
    Row,
    Survey,
    failures,
    read_at,
    says_yes_or_no,
    slice_word,
)

MOST_SLICE_BOUNDS = 500

MOST_ROWS = 2_000
"""More than anybody reads, and what a browser still searches at every key."""

TEXT_LIMITS = (20_000, 4_000, 2_000, 1_000, 600, 400, 250, 150, 80, 40)
"""Characters of a reason; the first with which all rows fit is taken."""

GENEROUS = 4
"""Questions, answers and the reasons of failures may be so many times as long."""


@dataclass(frozen=True)
class PackedRows:
    """gzip in base64 of what `row_head` gives and `"rows": [row]`, and what had to be left out."""

    text: str
    rows: int
    shortened: bool


def row_head(document: Mapping[str, Any], expected: Mapping[str, Expectation]) -> dict[str, Any]:
    """What an opened row is shown with, besides its own: thresholds, the better way, its trace.

    `traces` is the address of a trace in MLflow, with {} for its id; empty without an address.
    """
    of_slices = document["slices"][:MOST_SLICE_BOUNDS]
    bounds: dict[str, list[dict[str, str]]] = {}
    for bound in [*document["thresholds"].values(), *of_slices]:
        where = {"column": bound["column"], "slice": slice_word(bound["slice"])} if (
            "column" in bound) else {}  # fmt: skip
        tier = "" if bound["tier"] == "hard" else f" ({bound['tier']})"
        text = f"{bound_text(bound)}{tier}"
        bounds.setdefault(bound["metric"], []).append({"text": text, **where})
    latency = [
        f"{name} {bound['text']}"
        for name, of in bounds.items()
        if name.startswith("latency_")
        for bound in of
    ]
    ways = {
        name: document["metrics"].get(name, {}).get("higher_is_better", True) for name in expected
    }
    page = (document["mlflow"]["url"] or "").partition("/runs/")[0]
    is_page = page.startswith(("http://", "https://"))
    return {
        "scorers": list(expected),
        "bounds": {name: of for name, of in bounds.items() if name in expected},
        "latencyBounds": latency,
        "ways": {name: way_words(higher_is_better=higher) for name, higher in ways.items()},
        "traces": f"{page}/traces?selectedEvaluationId={{}}&traceId={{}}" if is_page else "",
    }


def pack_rows(
    path: Path,
    survey: Survey,
    expected: Mapping[str, Expectation],
    size: int,
    *,
    head: Mapping[str, Any],
) -> PackedRows:
    """At most `size` characters: texts are shortened first, then the better rows left out."""
    offsets = survey.worst(MOST_ROWS)
    position = {
        offset: i + 1 for i, offset in enumerate(sorted(int(b[-1]) for b in survey.badness))
    }
    rows = [
        {**row, "position": position[offset], "failed": failures(row, expected)}
        for offset, row in zip(offsets, read_at(path, offsets), strict=True)
    ]
    return fitted(head, rows, size, _row)


def fitted(
    head: Mapping[str, Any],
    rows: Sequence[Row],
    size: int,
    written: Callable[[Row, Shortener], dict[str, Any]],
) -> PackedRows:
    """`head` and the rows, each as `written` gives it, in at most `size` characters.

    `rows` come with the most important first: those at the end are the first to be left out.
    """
    for limit in TEXT_LIMITS:
        # a tenth of the rows tells whether all of them are worth the time to compress
        if 10 * len(_packed(head, rows[::10], limit, written).text) <= 1.3 * size:
            packed = _packed(head, rows, limit, written)
            if len(packed.text) <= size:
                return packed
    while len((packed := _packed(head, rows, TEXT_LIMITS[-1], written)).text) > size and rows:
        rows = rows[: len(rows) * 3 // 4]
    return packed


def _packed(
    head: Mapping[str, Any],
    rows: Sequence[Row],
    limit: int,
    written: Callable[[Row, Shortener], dict[str, Any]],
) -> PackedRows:
    shortener = Shortener(limit)
    content = {**head, "rows": [written(row, shortener) for row in rows]}
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    # mtime: the same evaluation gives the same page
    compressed = gzip.compress(text.encode("utf-8"), compresslevel=6, mtime=0)
    return PackedRows(base64.b64encode(compressed).decode("ascii"), len(rows), shortener.used)


class Shortener:
    """Cuts texts and remembers whether it had to."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = False

    def __call__(self, text: str | None, times: int = 1) -> str | None:
        most = self.limit * times
        if text is None or len(text) <= most:
            return text
        self.used = True
        return f"{text[:most]} […{len(text) - most:,} more characters in rows.jsonl]"


def packed_history(row: Mapping[str, Any], short: Shortener) -> list[dict[str, Any]]:
    """What was said before the row's question: a role and a text each."""
    return [
        {"role": turn.role, "text": short("\n".join(filter(None, said)), GENEROUS)}
        for turn in history_of(row.get("history", ()))
        for said in [
            (turn.content, *(f"{call.name}({call.arguments})" for call in turn.tool_calls))
        ]
    ]


def _row(row: Mapping[str, Any], short: Shortener) -> dict[str, Any]:
    failed = set(row["failed"])
    return {
        "position": row["position"],
        "id": row["row_id"],
        "trace": row.get("trace_id"),
        "question": short(row["question"], GENEROUS),
        "history": packed_history(row, short),
        "answer": short(row["answer"], GENEROUS),
        **_packed_passages(row, short),
        **_packed_calls(row, short),
        "expected": short(row["expected_response"], GENEROUS),
        "error": short(row["error"], GENEROUS),
        "asked": row.get("asked", True),
        "reasoning": short(row.get("reasoning")),
        "cut": row.get("cut"),
        "latency": row["latency_ms"],
        "attempts": row["attempts"],
        "tokensIn": row["input_tokens"],
        "tokensOut": row["output_tokens"],
        "slices": {column: slice_word(value) for column, value in row["slices"].items()},
        "failed": row["failed"],
        "people": {
            name: {"value": _short_number(label["value"]), "differs": label["differs"]}
            for name, label in row.get("labels", {}).items()
        },
        "scores": {
            name: packed_score(score, short, GENEROUS if name in failed else 1)
            for name, score in row["scores"].items()
        },
    }


def _packed_passages(row: Mapping[str, Any], short: Shortener) -> dict[str, Any]:
    """What was retrieved for the answer; nothing where nobody says that anything was."""
    if (retrieved := row.get("retrieved")) is None:
        return {}
    passages = [short(passage["text"]) for passage in retrieved["passages"]]
    return {"passages": passages, "noPassages": short(retrieved.get("problem"))}


def _packed_calls(row: Mapping[str, Any], short: Shortener) -> dict[str, Any]:
    """The tools that the answer wants called, a line each; nothing where it wants none."""
    calls = [f"{call['name']}({call['arguments']})" for call in row.get("tool_calls", ())]
    return {"calls": short("\n".join(calls), GENEROUS)} if calls else {}


def packed_score(score: Mapping[str, Any], short: Shortener, times: int) -> dict[str, Any]:
    """A verdict; its reason may be so many times as long as others."""
    return {
        "value": _short_number(score["value"]),
        "shown": _shown(score),
        "reason": short(score["rationale"], times),
        "error": short(score["error"], GENEROUS),
        **({"said": _said(score["verdicts"])} if score.get("contradicted") else {}),
        **({"said": _said_by_each(score["panel"])} if _is_split(score.get("panel", ())) else {}),
    }


def _is_split(panel: Sequence[Mapping[str, Any]]) -> bool:
    return len({each["value"] for each in panel}) > 1


def _said_by_each(panel: Sequence[Mapping[str, Any]]) -> str:
    """What the judges of a panel said that do not agree, in the order of the file."""
    return _said([None if each["value"] is None else each["shown"] for each in panel])


def _said(verdicts: Sequence[str | float | None]) -> str:
    """What a judge said that contradicts itself, such as `yes / no / yes`."""
    words = (_short_number(each) if isinstance(each, float) else each for each in verdicts)
    return " / ".join("error" if word is None else str(word) for word in words)


def _short_number(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.6g}")


def _shown(score: Mapping[str, Any]) -> str:
    """The verdict's own word, true and false as yes and no; a number to four places."""
    shown = str(score["shown"])
    if says_yes_or_no(score):
        return YES_NO[shown.lower()]
    try:
        return f"{float(shown):.4g}"
    except ValueError:
        return shown[:200]
