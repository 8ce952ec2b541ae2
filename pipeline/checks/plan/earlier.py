"""What an earlier run measured, on which a plan rests where it can."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from processing.config.judge import judge_name

Row = Mapping[str, Any]


@dataclass(frozen=True)
class EarlierRun:
    """`document` is its evaluation.json, `rows` are those of its rows.jsonl."""

    name: str
    document: Mapping[str, Any]
    rows: tuple[Row, ...]

    def scores(self, scorer: str) -> list[float]:
        """The numbers that the scorer gave."""
        return _finite(row["scores"].get(scorer, {}).get("value") for row in self._answered)

    def applies(self, scorer: str) -> float | None:
        """To which share of the answered rows the scorer applied; None where it was not asked."""
        told = [row["scores"][scorer] for row in self._answered if scorer in row["scores"]]
        if not told:
            return None
        nothing = sum(s.get("value") is None and s.get("error") is None for s in told)
        return 1 - nothing / len(told)

    def measured(self, key: str) -> list[float]:
        """`latency_ms`, `output_tokens` and the like of the answered rows; [] of an older run."""
        return _finite(row.get(key) for row in self._answered)

    @property
    def _answered(self) -> list[Row]:
        return [row for row in self.rows if not row["error"]]

    def paid(self, service: str) -> Mapping[str, Any]:
        """The account of one service: calls, reused, input_tokens, output_tokens; {} if none."""
        return next(
            (entry for entry in self.document["spend"] if entry.get("service") == service), {}
        )

    @property
    def swapped(self) -> dict[tuple[str, str], int]:
        """Scorer, judge's service -> how many answers to other questions it was given."""
        found = self.document.get("swapped_answers") or ()
        return {
            (str(each.get("scorer")), judge_name(str(each.get("judge")))): int(each.get("asked", 0))
            for each in found
        }


def _finite(values: Iterable[object]) -> list[float]:
    return [
        float(value) for value in values if isinstance(value, int | float) and math.isfinite(value)
    ]
