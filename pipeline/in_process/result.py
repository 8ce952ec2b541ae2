"""What an evaluation in this process gives back: the verdict, the metrics, and every row."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True)
class Verdict:
    """Of the quality gate. `reasons` keep it shut, `warnings` do not."""

    passed: bool
    summary: str
    reasons: tuple[str, ...]
    warnings: tuple[str, ...]

    def __bool__(self) -> bool:
        return self.passed

    def __str__(self) -> str:
        return f"quality gate {'passed' if self.passed else 'not passed'}: {self.summary}"


@dataclass(frozen=True)
class EvaluationResult:
    """`folder` holds evaluation.json, which is `document`, rows.jsonl and report.html."""

    folder: Path
    document: dict[str, Any]

    @property
    def verdict(self) -> Verdict:
        gate = self.document["gate"]
        return Verdict(
            passed=gate["passed"] == 1,
            summary=gate["summary"],
            reasons=tuple(gate["reasons"]),
            warnings=tuple(gate["warnings"]),
        )

    @property
    def report(self) -> Path:
        return self.folder / "report.html"

    @cached_property
    def metrics(self) -> DataFrame:
        """A row for each metric, by its name: value, 95 % interval, the rows it rests on."""
        import pandas as pd

        columns = ["value", "low", "high", "n", "errors", "not_applicable"]
        found = pd.DataFrame.from_dict(self.document["metrics"], orient="index")
        found = found[columns]
        found.index.name = "metric"
        return found

    @cached_property
    def rows(self) -> DataFrame:
        """A row for each question.

        For each scorer a column of its numbers, and one each of its rationales and errors
        (`Correctness.rationale`); for each slice column `slice.NAME`.
        """
        import pandas as pd

        lines = (self.folder / "rows.jsonl").read_text(encoding="utf-8").split("\n")
        return pd.DataFrame([_flat(json.loads(line)) for line in lines if line])

    def _repr_html_(self) -> str:
        """How a notebook shows it. Whatever a model may have written is escaped by pandas."""
        import html

        verdict = self.verdict
        word = "passed" if verdict.passed else "not passed"
        reasons = "".join(f"<li>{html.escape(reason)}</li>" for reason in verdict.reasons)
        return (
            f"<p><b>Quality gate {word}</b></p><ul>{reasons}</ul>"
            f"{self.metrics.to_html(float_format='{:.4g}'.format, na_rep='')}"
            f"<p>{html.escape(str(self.report))}</p>"
        )


def read_result(folder: Path) -> EvaluationResult:
    """Of the folder that an evaluation wrote its results to."""
    document = json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))
    return EvaluationResult(folder, document)


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    scores, slices = row.pop("scores"), row.pop("slices")
    flat = row | {f"slice.{name}": value for name, value in slices.items()}
    for name, score in scores.items():
        flat |= {
            name: score["value"],
            f"{name}.rationale": score["rationale"],
            f"{name}.error": score["error"],
        }
    return flat
