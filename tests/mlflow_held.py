"""What an MLflow server holds of a run's traces, so that two records can be compared."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import mlflow
from mlflow.entities import Run, Trace

MOMENTARY = (
    *("assessment_id", "create_time", "last_update_time", "stack_trace"),
    *("trace_id", "mlflow.artifactLocation", "mlflow.trace.sizeStats", "mlflow.trace.sizeBytes"),
    *("mlflow.traceRequestId", "mlflow.source.name", "mlflow.eval.requestId"),
)


def held(run: Run, without: Collection[str] = MOMENTARY) -> dict[str, Any]:
    """All that the server holds of a run's traces, by row, without ids and times of writing."""
    traces = mlflow.search_traces(
        locations=[run.info.experiment_id], run_id=run.info.run_id, return_type="list"
    )
    return {trace.info.tags["row_id"]: _told(trace, run.info.run_id, without) for trace in traces}


def _told(trace: Trace, run_id: str, without: Collection[str]) -> dict[str, Any]:
    ids = {trace.info.trace_id: "TRACE", run_id: "RUN"}
    ids |= {span.span_id: f"SPAN {span.name}" for span in trace.data.spans}

    def plain(value: Any) -> Any:
        match value:
            case dict():
                return {key: plain(each) for key, each in value.items() if key not in without}
            case list():
                return [plain(each) for each in value]
            case str():
                for known, name in ids.items():
                    value = value.replace(known, name)
        return value

    info = trace.info.to_dict()
    info.setdefault("assessments", []).sort(key=lambda assessment: assessment["assessment_name"])
    names = {span.span_id: span.name for span in trace.data.spans}
    spans = [
        {**span.to_dict(), "span_id": span.name, "parent_span_id": names.get(str(span.parent_id))}
        for span in trace.data.spans
    ]
    spans.sort(key=lambda span: str(span["name"]))
    return {"info": plain(info), "spans": plain(spans)}
