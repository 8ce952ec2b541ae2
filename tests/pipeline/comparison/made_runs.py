"""Folders as `try` leaves them, made by hand: scores by row and scorer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Scores = Mapping[str, Sequence[float | None]]
"""Scorer -> a number for each row, or None for a failed verdict."""


def made_document(scores: Scores, rows: int, **changes: Any) -> dict[str, Any]:
    return {
        "schema": 2,
        "evaluated_here": 1,
        "fingerprint": "",
        "gate": {"passed": 1, "summary": "every threshold holds", "reasons": [], "warnings": []},
        "thresholds": {},
        "number_rules": dict.fromkeys(scores, "yes = 1, no = 0"),
        "scorers": {
            name: {"definition": f"{name}-1", "judge": "bedrock:/j", "low": 0.0, "high": 1.0}
            for name in scores
        },
        "code_sha256": "c",
        "metrics": {
            **{name: {"value": 0.5, "higher_is_better": True} for name in scores},
            "latency_p95_ms": {"value": 120.0, "higher_is_better": False},
        },
        "counts": {"rows": rows, "answered": rows, "endpoint_errors": 0},
        "model": {"endpoint_name": "endpoint", "model_name": "model"},
        "mlflow": {
            "tracking_uri": "http://127.0.0.1:1",
            "experiment_id": "1",
            "run_id": "0" * 32,
            "url": None,
        },
        "spend": [{"service": "endpoint", "calls": rows, "reused": 0, "cost": 0.5}],
        "dataset_sha256": "d",
        "config_sha256": "k",
        "varied": {},
        **changes,
    }


def made_row(
    number: int, scores: Mapping[str, float | None], answer: str = "an answer", **changes: Any
) -> dict[str, Any]:
    return {
        "row_id": f"row-{number:05}",
        "question": f"question {number}",
        "answer": answer,
        "expected_response": "expected",
        "slices": {},
        "error": None,
        "latency_ms": 100.0 + number % 7,
        "attempts": 1,
        "input_tokens": 10,
        "output_tokens": 20,
        "scores": {
            name: {
                "value": value,
                "shown": "error" if value is None else f"{value:g}",
                "rationale": "because",
                "error": "the judge failed" if value is None else None,
            }
            for name, value in scores.items()
        },
        **changes,
    }


def made_rows(scores: Scores, **changes: Any) -> list[dict[str, Any]]:
    lengths = {len(numbers) for numbers in scores.values()}
    [length] = lengths
    return [
        made_row(i, {name: numbers[i] for name, numbers in scores.items()}, **changes)
        for i in range(length)
    ]


def write_run(folder: Path, document: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "evaluation.json").write_text(json.dumps(document))
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def made_run(folder: Path, scores: Scores, **changes: Any) -> Path:
    rows = made_rows(scores)
    return write_run(folder, made_document(scores, len(rows), **changes), rows)
