"""One evaluation is the same on every MLflow server from 3.4 to the newest: record and verdict.

Its calls are made once and kept, so that the record can be compared to the last digit.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import mlflow
import pytest
from by_hand import ByHand, prepared, stub_running
from mlflow_held import MOMENTARY, held
from mlflow_versions import NEWEST, VERSIONS, mlflow_of_version

from processing.config.judge import silence_libraries
from processing.mlflow_record.abandoned_runs import PROCESS_TAG
from processing.mlflow_record.settings import set_up_client

pytestmark = pytest.mark.integration

ROWS = 6
SCORERS = [{"is_brief": {"max_words": 80}}, "rougeL_fmeasure", "Safety"]
AS_FILES = "they are written as files, one for each trace"
OF_THE_SERVER = {
    "mlflow.trace.spansLocation", "mlflow.trace.tokenUsage", "mlflow.trace.infoFinalized",
}  # fmt: skip
"""What servers of some versions write beside a trace, and those of others do not."""
REUSED_AT = {"start_time_unix_nano", "end_time_unix_nano"}
"""Of a scorer's span: when the kept verdict was looked up, each time another."""


@dataclass(frozen=True)
class Recorded:
    """What the job said, evaluation.json, and what the server holds."""

    said: str
    document: dict[str, Any]
    traces: dict[str, Any]
    run: mlflow.entities.Run
    artifacts: dict[str, str]


@pytest.fixture(scope="module")
def recorded(
    tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[Callable[[str], Recorded]]:
    """By the server's version; evaluated once for each."""
    silence_libraries()
    found: dict[str, Recorded] = {}
    folder = tmp_path_factory.mktemp("versions")
    cache = pytestconfig.cache.mkdir("mlflow-servers") if pytestconfig.cache else folder
    with stub_running() as stub:
        job = prepared(folder / "job", stub, "http://127.0.0.1:9", rows=ROWS, scorers=SCORERS)

        def record(version: str) -> Recorded:
            if version not in found:
                with mlflow_of_version(version, cache, folder / version) as server:
                    if not found:
                        evaluated(job, server.url)  # all that follow reuse its verdicts
                    found[version] = evaluated(job, server.url)
            return found[version]

        yield record
    mlflow.set_tracking_uri("")


def evaluated(job: ByHand, address: str) -> Recorded:
    done = job.run(f"--mlflow-tracking-uri={address}")
    assert done.returncode == 0, done.stdout + done.stderr
    document = json.loads(job.evaluation.read_text())
    set_up_client(address)
    mlflow.set_tracking_uri(address)
    client = mlflow.MlflowClient()
    run = client.get_run(document["mlflow"]["run_id"])
    files = [file.path for file in client.list_artifacts(run.info.run_id, "evaluation")]
    return Recorded(
        said=done.stdout,
        document=document,
        traces=_held(run),
        run=run,
        artifacts={
            path: mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/{path}") for path in files
        },
    )


def _held(run: mlflow.entities.Run) -> dict[str, Any]:
    traces = held(run, {*MOMENTARY, *OF_THE_SERVER})
    for span in (span for trace in traces.values() for span in trace["spans"]):
        if span["name"] == "Safety":
            for key in REUSED_AT:
                del span[key]
    return traces


def own_tags(found: Recorded) -> dict[str, str]:
    """Without which process it was, which is another for each server."""
    return {name: value for name, value in found.run.data.tags.items() if name != PROCESS_TAG}


def rows_of(found: Recorded) -> list[dict[str, Any]]:
    """Without where each row's trace is."""
    rows = [json.loads(line) for line in found.artifacts["evaluation/rows.jsonl"].splitlines()]
    return [{key: value for key, value in row.items() if key != "trace_id"} for row in rows]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_record_is_whole(recorded: Callable[[str], Recorded], version: str) -> None:
    found = recorded(version)
    assert found.run.info.status == "FINISHED"
    assert len(found.traces) == ROWS
    for trace in found.traces.values():
        assert [span["name"] for span in trace["spans"]] == ["InvokeEndpoint", "Safety", "answer"]
        verdicts = {one["assessment_name"] for one in trace["info"]["assessments"]}
        assert verdicts == {"is_brief", "rougeL_fmeasure", "Safety", "expected_response"}
    names = ("evaluation.json", "evaluation.yaml", "report.html", "rows.jsonl")
    assert list(found.artifacts) == [f"evaluation/{name}" for name in names]
    assert len(found.run.inputs.dataset_inputs) == 2
    assert len(json.loads(found.run.data.tags["mlflow.linkedPrompts"])) == 2
    takes_no_spans = version in ("3.4.0", "3.5.1")
    assert (AS_FILES in found.said) == takes_no_spans, found.said


@pytest.mark.parametrize("version", [version for version in VERSIONS if version != NEWEST])
def test_the_record_and_the_verdict_are_those_of_the_newest(
    recorded: Callable[[str], Recorded], version: str
) -> None:
    found, newest = recorded(version), recorded(NEWEST)
    assert found.traces == newest.traces
    assert found.run.data.metrics == newest.run.data.metrics
    assert found.run.data.params == newest.run.data.params
    assert own_tags(found) == own_tags(newest)
    assert [one.to_dictionary() for one in found.run.inputs.dataset_inputs] == [
        one.to_dictionary() for one in newest.run.inputs.dataset_inputs
    ]
    assert rows_of(found) == rows_of(newest)
    assert found.document["gate"] == newest.document["gate"]
    assert found.document["metrics"] == newest.document["metrics"]
