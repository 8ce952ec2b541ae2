"""A conversation is a session in MLflow, with its messages, on a real server."""

from __future__ import annotations

import mlflow
import pytest

from processing.dataset.rows import ALONE, Talk, make_row
from processing.dataset.turns import Turn
from processing.endpoint.answers import Answer
from processing.endpoint.client import Call
from processing.endpoint.reply import Reply
from processing.mlflow_record.row_traces import draft_trace
from processing.mlflow_record.run import tracked_run

pytestmark = pytest.mark.integration

BEFORE = (Turn("user", "I am Ann."), Turn("assistant", "Hello Ann."))


def answered(question: str, talk: Talk) -> Answer:
    start = 1_700_000_000_000_000_000
    call = Call(Reply("Ann.", 3, 1), None, 1, 12.5, start, start + 10**7)
    return Answer(make_row(question, "Ann.", talk=talk), {"messages": []}, call)


def test_rows_of_a_session_stand_together_and_another_run_s_apart(server: str) -> None:
    rows = {
        "alone": ALONE,
        "its own": Talk(BEFORE),
        "first of two": Talk((), "s1"),
        "second of two": Talk(BEFORE, "s1"),
    }
    found: list[dict[str, str | None]] = []
    for _ in range(2):
        with tracked_run(server, "sessions", "run", {}, {}) as run:
            for question, talk in rows.items():
                draft_trace(answered(question, talk), run.run_id)
            traces = mlflow.MlflowClient().search_traces(
                locations=[run.experiment_id], run_id=run.run_id
            )
            inputs = {t.data.spans[0].inputs["question"]: t.data.spans[0].inputs for t in traces}
            found.append(
                {
                    trace.data.spans[0].inputs["question"]: trace.info.trace_metadata.get(
                        "mlflow.trace.session"
                    )
                    for trace in traces
                }
            )
    one, other = found
    assert one["alone"] is None
    assert one["first of two"] == one["second of two"] == f"s1 ({_short(one)})"
    assert one["its own"] not in (None, one["first of two"])
    assert one["first of two"] != other["first of two"]
    assert "messages" not in inputs["alone"]
    assert [m["role"] for m in inputs["its own"]["messages"]] == ["user", "assistant", "user"]


def _short(found: dict[str, str | None]) -> str:
    return str(found["first of two"]).rpartition("(")[2].removesuffix(")")
