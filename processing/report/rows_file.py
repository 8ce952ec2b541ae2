"""rows.jsonl: every row with its answer and what the scorers say of it, in the dataset's order."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from processing.base.disk import written_to
from processing.base.secrets import masked
from processing.dataset.rows import asked_entry
from processing.endpoint.answers import Answer
from processing.endpoint.client import STREAM_KEYS
from processing.report.evaluation import Evaluation
from processing.report.evaluation_json import ROWS_FILE
from processing.report.label_entries import row_labels
from processing.report.panel_entries import row_panel
from processing.report.repeat_entries import row_verdicts


def write_rows(evaluation: Evaluation, folder: Path) -> None:
    """Write rows.jsonl into `folder`. Raises DiskError."""
    path = folder / ROWS_FILE
    with written_to(path):
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8") as file:
            for answer in evaluation.answers:
                file.write(json.dumps(_row(answer, evaluation), ensure_ascii=False) + "\n")


def _stream(answer: Answer) -> dict[str, float]:
    """Of a stream alone: when its tokens came."""
    known = {key: getattr(answer.call, key) for key in STREAM_KEYS}
    return {key: round(number, 3) for key, number in known.items() if number is not None}


def _row(answer: Answer, evaluation: Evaluation) -> dict[str, Any]:
    call, row = answer.call, answer.row
    retrieved = call.said.retrieved if call.said else None
    calls = call.said.tool_calls if call.said else ()
    latency = answer.latency_ms if answer.asked else None
    return {
        "row_id": row.row_id,
        "trace_id": evaluation.traces.get(row.row_id),
        **asked_entry(row),
        "asked": answer.asked,
        "answer": answer.text,
        "reasoning": answer.reasoning or None,
        **({"retrieved": retrieved.entry()} if retrieved else {}),
        **({"tool_calls": list(map(asdict, calls))} if calls else {}),
        "expected_response": row.expected_response,
        **row.further.given(),
        "slices": row.slices,
        **({"cluster": evaluation.clusters[row.row_id]} if evaluation.clusters else {}),
        "error": masked(call.error) if call.error else call.error,
        "latency_ms": latency if latency is None else round(latency, 3),
        "attempts": call.attempts,
        "stop_reason": (call.said.stop_reason if call.said else "") or None,
        "cut": answer.cut,
        "input_tokens": call.said.input_tokens if call.said else None,
        "output_tokens": call.said.output_tokens if call.said else None,
        **_stream(answer),
        "scores": {
            name: {
                "value": s.value,
                "shown": s.shown,
                "rationale": s.rationale,
                "error": s.error,
                **row_verdicts(s),
                **row_panel(s),
            }
            for name, s in evaluation.scores.get(row.row_id, {}).items()
        },
        # what people say of this answer, by scorer
        "labels": row_labels(row.row_id, evaluation),
    }
