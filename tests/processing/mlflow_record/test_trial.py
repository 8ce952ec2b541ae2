"""What a server lacks is found out before anything is paid: gone without, or one error line."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from http import HTTPStatus
from pathlib import Path

import mlflow
import pytest
from by_hand import calls_made, prepared, stub_running
from mlflow_between import (
    SPAN_INGEST,
    Refuse,
    mlflow_between,
    refusing,
    refusing_several_traces,
)

from processing.base.errors import TrackingError
from processing.mlflow_record.run import tracked_run
from processing.mlflow_record.trace_writer import ServerSupport
from processing.mlflow_record.trial import CONFIG_ARTIFACT, try_record

pytestmark = pytest.mark.integration

ROWS = 5
SCORERS = [{"is_brief": {"max_words": 80}}, "Safety"]
CODES = (
    *(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED),
    HTTPStatus.NOT_IMPLEMENTED,
)
ARTIFACTS = "/api/2.0/mlflow-artifacts"


@pytest.fixture(scope="module")
def stub() -> Iterator[str]:
    with stub_running() as address:
        yield address


def tried(address: str, name: str) -> ServerSupport:
    with tracked_run(address, name, "run", {}, {}) as run:
        support = try_record(run, "pipeline: {}\n")
        assert mlflow.search_traces(locations=[run.experiment_id], return_type="list") == []
        where = f"runs:/{run.run_id}/{CONFIG_ARTIFACT}"
        assert mlflow.artifacts.load_text(where) == "pipeline: {}\n"
    return support


def test_a_server_that_takes_everything_is_asked_for_everything(
    server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tried(server, "everything") == ServerSupport("together", links=True)
    assert "MLflow" not in capsys.readouterr().out


@pytest.mark.parametrize("code", CODES)
def test_without_span_ingest_spans_become_files(
    server: str, capsys: pytest.CaptureFixture[str], code: HTTPStatus
) -> None:
    with mlflow_between(server, refuse=refusing(SPAN_INGEST, code)) as address:
        assert tried(address, "no ingest") == ServerSupport("as files", links=True)
    [line] = [line for line in capsys.readouterr().out.splitlines() if "MLflow" in line]
    assert "written as files" in line
    assert str(int(code)) in line


def test_a_server_that_takes_one_traces_spans_gets_them_trace_by_trace(
    server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with mlflow_between(server, refuse=refusing_several_traces) as address:
        assert tried(address, "one by one") == ServerSupport("trace by trace", links=True)
    [line] = [line for line in capsys.readouterr().out.splitlines() if "MLflow" in line]
    assert "they are sent trace by trace" in line


GONE_WITHOUT = {
    SPAN_INGEST: "they are written as files, one for each trace",
    "traces/link-to-run": "each trace names its run by itself",
    "traces/delete-traces": "traces called trial stay in MLflow",
    "runs/log-inputs": "MLflow takes no datasets",
    "model-versions": "the prompts are not in MLflow's prompt registry",
}
"""A kind of request -> what is said about a server that does not know it."""


def of_gone_without(kind: str, _: bytes) -> HTTPStatus | None:
    return HTTPStatus.NOT_FOUND if kind.startswith(tuple(GONE_WITHOUT)) else None


@pytest.mark.parametrize(
    ("refuse", "lines"),
    [
        (of_gone_without, GONE_WITHOUT.values()),
        (refusing_several_traces, ["they are sent trace by trace"]),
    ],
)
def test_an_evaluation_goes_without(
    stub: str, server: str, tmp_path: Path, refuse: Refuse, lines: Collection[str]
) -> None:
    with mlflow_between(server, refuse=refuse) as address:
        job = prepared(tmp_path, stub, address, rows=ROWS, scorers=SCORERS)
        done = job.run()
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert [said.count(line) for line in lines] == [1] * len(lines), said
    told = json.loads(job.evaluation.read_text())["mlflow"]
    mlflow.set_tracking_uri(server)  # whose files are read
    traces = mlflow.search_traces(
        locations=[told["experiment_id"]], run_id=told["run_id"], return_type="list"
    )
    rows = [trace for trace in traces if trace.data.spans[0].name != "trial"]
    assert len(rows) == ROWS
    for trace in rows:
        spans = sorted(span.name for span in trace.data.spans)
        assert spans == ["InvokeEndpoint", "Safety", "answer", "judge call"]
        assert len(trace.info.assessments) == 3


NOT_KEPT: dict[str, tuple[Refuse, str]] = {
    "artifacts": (refusing(ARTIFACTS, HTTPStatus.FORBIDDEN), "it keeps no artifacts"),
    "traces": (refusing("traces", HTTPStatus.FORBIDDEN), "403"),
}


@pytest.mark.parametrize("refused", NOT_KEPT)
def test_what_cannot_be_done_without_is_one_line_and_nothing_is_paid(
    stub: str, server: str, tmp_path: Path, refused: str
) -> None:
    refuse, said = NOT_KEPT[refused]
    with mlflow_between(server, refuse=refuse) as address:
        job = prepared(tmp_path, stub, address, rows=ROWS, scorers=SCORERS)
        calls_made(stub)
        done = job.run()
        assert_one_line(done.stderr, f"MLflow at {address} cannot be used: ", said)
    assert done.returncode == 1
    assert calls_made(stub) == {"endpoint": 0, "judge": 0}


def assert_one_line(said: str, *parts: str) -> None:
    [line] = [line for line in said.splitlines() if line.startswith("error: ")]
    assert all(part in line for part in parts), line
    assert "Traceback" not in said


def test_without_any_way_to_keep_a_span_there_is_no_record(server: str) -> None:
    def refuse(kind: str, _: bytes) -> HTTPStatus | None:
        spans_file = kind.startswith(ARTIFACTS) and "traces.json" in kind
        return HTTPStatus.FORBIDDEN if kind == SPAN_INGEST or spans_file else None

    with (
        mlflow_between(server, refuse=refuse) as address,
        pytest.raises(TrackingError, match=r"it keeps no trace with its span and verdict: .*403"),
    ):
        tried(address, "nothing")
