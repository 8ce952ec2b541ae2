"""One evaluation that is compared: its evaluation.json and its rows.jsonl, as it left them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from pipeline.comparison.shape import checked_document, checked_rows
from processing.base.errors import ReportedError
from processing.base.exact_json import decode
from processing.gate.worst_case import TIMES_AND_COUNTS, Scale

LABELS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
MEASUREMENTS = {
    "latency_mean_ms": "latency_ms",
    "input_tokens_mean": "input_tokens",
    "output_tokens_mean": "output_tokens",
}
"""Metric -> the key of a row that it is the mean of; less is better."""

_ANYWHERE = Scale(-math.inf, math.inf, assumed=True)

MOST_LOST = 100_000
"""So many rows at most may be in evaluation.json's count and not in rows.jsonl."""

Row = Mapping[str, Any]
Content = TypeVar("Content")


class ComparisonError(ReportedError):
    """There is nothing to compare: a run is not there, or is not what an evaluation leaves."""


@dataclass(frozen=True)
class ComparedRun:
    """`label` is A, B, ...; `name` what the user called it; `source` where it was read from.

    `rows` by row id, in the order of the file.
    """

    label: str
    name: str
    source: str
    document: Mapping[str, Any]
    rows: Mapping[str, Row]

    @property
    def scorers(self) -> list[str]:
        return list(self.document["number_rules"])

    @property
    def records_definitions(self) -> bool:
        """Whether it says which judges, scorer definitions and code made its verdicts."""
        return bool(self.document.get("code_sha256"))

    @property
    def cost(self) -> float | None:
        """What this run paid, in the prices' currency; None without prices."""
        known = [entry["cost"] for entry in self.document["spend"] if entry["cost"] is not None]
        return math.fsum(known) if known else None

    @property
    def reused(self) -> int:
        """Answers and verdicts that had been paid for before."""
        return sum(entry["reused"] for entry in self.document["spend"])

    def definition(self, scorer: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.document.get("scorers", {}).get(scorer, {})
        return found

    def scale(self, metric: str) -> Scale:
        """Endless where nobody has said where the numbers lie."""
        if metric in MEASUREMENTS:
            return TIMES_AND_COUNTS
        higher = self.document["metrics"].get(metric, {}).get("higher_is_better", True)
        low, high = (self.definition(metric).get(end) for end in ("low", "high"))
        if low is None or high is None:
            return Scale(_ANYWHERE.low, _ANYWHERE.high, higher, assumed=True)
        return Scale(low, high, higher)

    def number(self, metric: str, row_id: str) -> float | None:
        """A metric's number on a row; None where there is no such row, answer or verdict."""
        row = self.rows.get(row_id)
        if row is None or row["error"]:
            return None
        key = MEASUREMENTS.get(metric)
        value = row[key] if key else row["scores"].get(metric, {}).get("value")
        if isinstance(value, int | float) and math.isfinite(value):
            return float(value)
        return None

    def cluster(self, row_id: str) -> str | None:
        """What the row belongs to, where the file of the evaluation said it (dataset.cluster)."""
        found: str | None = self.rows.get(row_id, {}).get("cluster")
        return found

    def does_not_apply(self, metric: str, row_id: str) -> bool:
        """Whether the scorer has nothing to look for in this row."""
        score = self.rows.get(row_id, {}).get("scores", {}).get(metric)
        return score is not None and score["value"] is None and score["error"] is None


def keyed_alike(runs: Sequence[ComparedRun]) -> list[ComparedRun]:
    """The runs, rows of given answers by what was asked: two systems that answered the same.

    As they were where a run has several answers to one question.
    """
    keyed = [
        {str(row.get("asked_id") or row_id): row for row_id, row in run.rows.items()}
        for run in runs
    ]
    if any(len(rows) < len(run.rows) for rows, run in zip(keyed, runs, strict=True)):
        return list(runs)
    return [replace(run, rows=rows) for run, rows in zip(runs, keyed, strict=True)]


def read_run(label: str, name: str, source: str, document: str, rows: str) -> ComparedRun:
    """From the texts of the two files, which others may have written.

    Raises ComparisonError where they are not what an evaluation leaves.
    """
    read = _read(f"{source}: evaluation.json", lambda: checked_document(_decoded(document)))
    # not splitlines: an answer may hold other line separators
    lines = [line for line in rows.split("\n") if line.strip()]
    found = _read(
        f"{source}: rows.jsonl",
        lambda: checked_rows([_row(number, line) for number, line in enumerate(lines, 1)]),
    )
    by_id = {row["row_id"]: row for row in found}
    if len(by_id) < len(found):
        twice = Counter(row["row_id"] for row in found).most_common(1)[0][0]
        raise ComparisonError(f"{source}: rows.jsonl has row {twice} more than once")
    lost = read["counts"]["rows"] - len(by_id)
    if not 0 <= lost <= MOST_LOST:
        raise ComparisonError(
            f"{source}: evaluation.json says counts.rows {read['counts']['rows']:,}, and "
            f"rows.jsonl has {len(by_id):,}: they do not belong together"
        )
    return ComparedRun(label, name, source, read, by_id)


def _decoded(text: str) -> Any:
    return decode(text.encode())


def _row(number: int, line: str) -> Any:
    try:
        return _decoded(line)
    except ValueError as error:
        raise ValueError(f"line {number}: {error}") from error


def _read(what: str, read: Callable[[], Content]) -> Content:
    try:
        return read()
    except (ValueError, RecursionError) as error:
        raise ComparisonError(
            f"{what} is not what this version of the pipeline writes: {str(error)[:300]}"
        ) from error
