"""What is written behind is what MLflow itself would have written, on a real MLflow server."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import pytest
from mlflow.entities import Run
from mlflow.exceptions import MlflowException
from mlflow_held import held

from processing.base.errors import TrackingError
from processing.calls.paid_store import Record
from processing.config.scorers import parse_scorer
from processing.dataset.rows import make_row
from processing.endpoint.answers import Answer
from processing.endpoint.client import Call
from processing.endpoint.reply import Reply
from processing.evaluation.scoring import score_rows
from processing.mlflow_record.row_traces import draft_trace, traces_of
from processing.mlflow_record.run import tracked_run
from processing.mlflow_record.settings import quiet_evaluate
from processing.mlflow_record.trace_writer import (
    FULL_SUPPORT,
    ServerSupport,
    SpanWay,
    TraceWriter,
    traces_written_behind,
)
from processing.scorers.asked_once import mlflow_scorer
from processing.scorers.build import BuiltScorer, build_scorers

pytestmark = pytest.mark.integration

SCORERS = """
from mlflow.genai.scorers import scorer

@scorer
def breaks_on_odd(outputs):
    if int(outputs.split()[-1]) % 2:
        raise ValueError("odd")
    return True
"""
ROWS = 7


@pytest.fixture
def scorers(tmp_path: Path) -> list[BuiltScorer]:
    (tmp_path / "scorers.py").write_text(SCORERS)
    entries = ["rougeL_fmeasure", {"breaks_on_odd": {"file": "scorers.py"}}]
    return build_scorers([parse_scorer(entry) for entry in entries], None, tmp_path)


def answers() -> list[Answer]:
    made = []
    for number in range(ROWS):
        row = make_row(f"Question {number}?", f"Expected {number}", slices={"kind": number % 2})
        failed = number == ROWS - 1
        reply = None if failed else Reply(f"The answer {number}", 10 + number, 5)
        start = 1_700_000_000_000_000_000 + number
        call = Call(reply, "ModelError 400: no" if failed else None, 1, 12.5, start, start + 10**7)
        made.append(Answer(row, {"messages": [{"role": "user", "content": row.question}]}, call))
    return made


def nobody_judges(row_id: str, scorer: str) -> Record:
    raise AssertionError(f"{scorer} asks no judge about {row_id}")


def written_behind(
    server: str,
    experiment: str,
    scorers: list[BuiltScorer],
    support: ServerSupport = FULL_SUPPORT,
    store: Callable[[Any], Any] = lambda inner: inner,
) -> Run:
    given = {answer.row.row_id: answer for answer in answers()}
    rows = [answer.row for answer in given.values()]
    with tracked_run(server, experiment, "run", {}, {}) as run:
        with traces_written_behind(run, support) as traces:
            traces._inner = store(traces._inner)
            score_rows(scorers, rows, traces, given.__getitem__, nobody_judges)
            traces.finish()
        return mlflow.get_run(run.run_id)


def written_by_mlflow(server: str, experiment: str, scorers: list[BuiltScorer]) -> Run:
    given = {answer.row.row_id: answer for answer in answers()}
    rows = {row_id: answer.row for row_id, answer in given.items()}
    judged = {row_id: answer.judged for row_id, answer in given.items() if answer.judged}

    def predict(row_id: str, question: str) -> str | None:
        draft_trace(given[row_id])
        assert given[row_id].row.question == question
        return given[row_id].text

    with tracked_run(server, experiment, "run", {}, {}) as run:
        quiet_evaluate(2)
        with contextlib.redirect_stdout(io.StringIO()):
            mlflow.genai.evaluate(
                data=[
                    {
                        "inputs": {"row_id": row.row_id, "question": row.question},
                        "expectations": {"expected_response": row.expected_response},
                    }
                    for row in rows.values()
                ],
                predict_fn=predict,
                scorers=[mlflow_scorer(built, rows, judged, nobody_judges) for built in scorers],
            )
        return mlflow.get_run(run.run_id)


def test_the_record_is_the_one_that_plain_evaluate_writes(
    server: str, scorers: list[BuiltScorer]
) -> None:
    ours = written_behind(server, "behind", scorers)
    theirs = written_by_mlflow(server, "plain", scorers)
    assert ours.data.metrics == theirs.data.metrics
    assert set(ours.data.tags) == set(theirs.data.tags)
    assert len(ours.inputs.dataset_inputs) == len(theirs.inputs.dataset_inputs)
    mine, plain = held(ours), held(theirs)
    assert len(mine) == ROWS
    experiments = ours.info.experiment_id, theirs.info.experiment_id
    for row_id, trace in plain.items():
        location = trace["info"]["trace_location"]["mlflow_experiment"]
        assert location["experiment_id"] == experiments[1]
        location["experiment_id"] = experiments[0]
        assert mine[row_id] == trace
    assert ours.inputs.dataset_inputs[0].dataset.digest == (
        theirs.inputs.dataset_inputs[0].dataset.digest
    )
    assert sorted(len(trace["info"]["assessments"]) for trace in mine.values()) == [1] + [3] * 6


@pytest.mark.parametrize("way", ["trace by trace", "as files"])
def test_the_spans_are_the_same_whichever_way_they_reach_the_server(
    server: str, scorers: list[BuiltScorer], way: SpanWay
) -> None:
    together = held(written_behind(server, "together", scorers))
    otherwise = held(written_behind(server, way, scorers, ServerSupport(way, links=False)))
    assert {row: trace["spans"] for row, trace in otherwise.items()} == {
        row: trace["spans"] for row, trace in together.items()
    }


class RefusingStore:
    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def start_trace(self, *_: Any, **__: Any) -> None:
        raise MlflowException("the disk is full")


def test_a_trace_that_the_server_refuses_ends_the_evaluation(
    server: str, scorers: list[BuiltScorer]
) -> None:
    with pytest.raises(TrackingError, match="the disk is full"):
        written_behind(server, "refused", scorers, store=RefusingStore)


def test_outside_the_block_nothing_is_held_back(server: str) -> None:
    with tracked_run(server, "outside", "run", {}, {}) as run:
        with traces_written_behind(run):
            pass
        draft_trace(answers()[0])
        assert len(list(traces_of(run))) == 1
    assert not isinstance(mlflow.tracking._tracking_service.utils._get_store(), TraceWriter)
