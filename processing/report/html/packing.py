"""The rows inside the page: as much of each as fits, compressed, the worst rows first.

A thousand rows with a reason from each of 19 judges are 6 MB and more of text. The browser
unpacks gzip by itself (DecompressionStream: Chromium 80, Firefox 113, Safari 16.4).
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from processing.report.html.survey import Expectation, Survey, failures, read_at, slice_word

MOST_ROWS = 2_000
"""More than anybody reads, and what a browser still searches at every key."""

TEXT_LIMITS = (20_000, 4_000, 2_000, 1_000, 600, 400, 250, 150, 80, 40)
"""Characters of a reason; the first with which all rows fit is taken."""

GENEROUS = 4
"""Questions, answers and the reasons of failures may be so many times as long."""


@dataclass(frozen=True)
class PackedRows:
    """gzip in base64 of `{"scorers": [name], "rows": [row]}`, and what had to be left out."""

    text: str
    rows: int
    shortened: bool


def pack_rows(
    path: Path, survey: Survey, expected: Mapping[str, Expectation], size: int
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
    for limit in TEXT_LIMITS:
        # a tenth of the rows tells whether all of them are worth the time to compress
        if 10 * len(_packed(rows[::10], expected, limit).text) <= 1.3 * size:
            packed = _packed(rows, expected, limit)
            if len(packed.text) <= size:
                return packed
    while len((packed := _packed(rows, expected, TEXT_LIMITS[-1])).text) > size and rows:
        rows = rows[: len(rows) * 3 // 4]
    return packed


def _packed(
    rows: Sequence[Mapping[str, Any]], expected: Mapping[str, Expectation], limit: int
) -> PackedRows:
    shortener = _Shortener(limit)
    content = {"scorers": list(expected), "rows": [_row(row, shortener) for row in rows]}
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    # mtime: the same evaluation gives the same page
    compressed = gzip.compress(text.encode("utf-8"), compresslevel=6, mtime=0)
    return PackedRows(base64.b64encode(compressed).decode("ascii"), len(rows), shortener.used)


class _Shortener:
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


def _row(row: Mapping[str, Any], short: _Shortener) -> dict[str, Any]:
    failed = set(row["failed"])
    return {
        "position": row["position"],
        "id": row["row_id"],
        "question": short(row["question"], GENEROUS),
        "answer": short(row["answer"], GENEROUS),
        "expected": short(row["expected_response"], GENEROUS),
        "error": short(row["error"], GENEROUS),
        "reasoning": short(row.get("reasoning")),
        "cut": row.get("cut"),
        "latency": row["latency_ms"],
        "attempts": row["attempts"],
        "tokensIn": row["input_tokens"],
        "tokensOut": row["output_tokens"],
        "slices": {column: slice_word(value) for column, value in row["slices"].items()},
        "failed": row["failed"],
        "scores": {
            name: {
                "value": _short_number(score["value"]),
                "shown": _shown(score),
                "reason": short(score["rationale"], GENEROUS if name in failed else 1),
                "error": short(score["error"], GENEROUS),
            }
            for name, score in row["scores"].items()
        },
    }


def _short_number(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.6g}")


def _shown(score: Mapping[str, Any]) -> str:
    """The verdict's own word; a number to four places."""
    shown = str(score["shown"])
    try:
        return f"{float(shown):.4g}"
    except ValueError:
        return shown[:200]
