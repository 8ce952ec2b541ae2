"""MLflow's evaluation datasets as a source, on a real server."""

from __future__ import annotations

import json
from http import HTTPStatus
from pathlib import Path
from typing import Any

import by_hand
import mlflow
import pytest
from by_hand import stub_running
from mlflow_between import mlflow_between
from running_aws import ConfigWriter

from processing.base.errors import ConfigError, DatasetError
from processing.config.file import load_config
from processing.dataset.manifest import read_manifest
from processing.dataset.rows import Row, row_of
from processing.prepare_dataset import main

pytestmark = pytest.mark.integration

ASKED: dict[str, Any] = {
    "inputs": {"question": "What is the capital of France?", "language": "en"},
    "expectations": {"expected_response": "Paris.", "guidelines": ["Be brief."]},
    "tags": {"topic": "towns"},
}


def made(server: str, name: str, records: list[dict[str, Any]]) -> str:
    """Its id."""
    from mlflow.genai.datasets import create_dataset

    mlflow.set_tracking_uri(server)
    dataset = create_dataset(name=name, experiment_id="0")
    if records:
        dataset.merge_records(json.loads(json.dumps(records)))
    return str(dataset.dataset_id)


def config_of(write_config: ConfigWriter, server: str, source: str, **dataset: Any) -> Path:
    found: Path = write_config(
        dataset={"source": source, "columns": {}} | dataset,
        mlflow={"tracking_uri": server},
        candidate=None,
        trigger=None,
        registration={"stamp_candidate": False},
        scorers=["rougeL_fmeasure"],
        thresholds={"rougeL_fmeasure": {"min": 0.1}},
        budgets={"min_rows": 1},
    )
    return found


def prepared(config: Path, folder: Path) -> list[Row]:
    main(["--config", str(config), "--output", str(folder), "--input", str(folder / "nothing")])
    return [row_of(json.loads(line)) for line in (folder / "dataset.jsonl").open()]


def test_records_are_rows(write_config: ConfigWriter, server: str, tmp_path: Path) -> None:
    identity = made(server, "towns", [ASKED])
    [row] = prepared(config_of(write_config, server, "mlflow://towns"), tmp_path)
    assert (row.question, row.expected_response) == (ASKED["inputs"]["question"], "Paris.")
    assert row.further.guidelines == ("Be brief.",)
    assert row.slices == {"language": "en", "topic": "towns"}
    manifest = read_manifest(tmp_path)
    assert manifest.title == "towns"
    assert identity in manifest.notes[0]
    [same] = prepared(config_of(write_config, server, f"mlflow://{identity}"), tmp_path / "by-id")
    assert same == row
    assert read_manifest(tmp_path / "by-id").source_version == manifest.source_version


def test_the_version_tells_that_a_record_was_deleted(
    write_config: ConfigWriter, server: str, tmp_path: Path
) -> None:
    """Which MLflow's own digest does not."""
    from mlflow.genai.datasets import get_dataset

    made(server, "shrinks", [ASKED, {**ASKED, "inputs": {"question": "And of Spain?"}}])
    config = config_of(write_config, server, "mlflow://shrinks")
    assert len(prepared(config, tmp_path / "a")) == 2
    dataset = get_dataset(name="shrinks")
    before = dataset.digest
    dataset.delete_records([dataset.to_df()["dataset_record_id"][0]])
    assert get_dataset(name="shrinks").digest == before
    assert len(prepared(config, tmp_path / "b")) == 1
    assert (
        read_manifest(tmp_path / "a").source_version != read_manifest(tmp_path / "b").source_version
    )


def test_columns_name_dotted_paths_and_a_lone_input_is_the_question(
    write_config: ConfigWriter, server: str, tmp_path: Path
) -> None:
    expected = {"expected_facts": ["Paris"], "answer": {"text": "Paris."}}
    made(
        server,
        "nested",
        [{"inputs": {"user": {"query": "Capital?"}, "n": 1}, "expectations": expected}],
    )
    columns = {"question": "inputs.user.query", "expected_response": "expectations.answer.text"}
    config = config_of(write_config, server, "mlflow://nested", columns=columns)
    [row] = prepared(config, tmp_path / "a")
    assert (row.question, row.expected_response) == ("Capital?", "Paris.")
    assert row.further.expected_facts == ("Paris",)
    assert row.slices == {"n": 1}

    made(
        server,
        "alone",
        [{"inputs": {"prompt": "Capital?"}, "expectations": {"expected_response": "P"}}],
    )
    [row] = prepared(config_of(write_config, server, "mlflow://alone"), tmp_path / "b")
    assert row.question == "Capital?"
    assert row.slices == {}


def test_conversations_and_given_answers(
    write_config: ConfigWriter, server: str, tmp_path: Path
) -> None:
    talk = [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": "Who am I?"},
    ]
    right = {"expected_response": "Ann."}
    made(
        server, "talks", [{"inputs": {"messages": talk}, "expectations": right, "outputs": "Ann."}]
    )
    with pytest.raises(DatasetError, match="the inputs hold messages"):
        prepared(config_of(write_config, server, "mlflow://talks"), tmp_path)
    columns = {"messages": "messages", "answer": "outputs"}
    config = config_of(write_config, server, "mlflow://talks", columns=columns, answers="given")
    [row] = prepared(config, tmp_path)
    assert row.question == "Who am I?"
    assert len(row.history) == 2
    assert row.given is not None
    assert row.given.text == "Ann."


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("no-such", "has no evaluation dataset of that name"),
        (f"d-{'0' * 32}", "has no evaluation dataset of that id"),
        ("empty", "has no records"),
        ("simulated", "a simulated user"),
        ("other", "there is no column 'question'"),
    ],
)
def test_what_cannot_be_read_is_told(
    write_config: ConfigWriter, server: str, tmp_path: Path, source: str, said: str
) -> None:
    records: dict[str, list[dict[str, Any]]] = {
        "empty": [],
        "simulated": [{"inputs": {"goal": "Find it", "persona": "Ann"}}],
        "other": [{"inputs": {"text": "What?", "n": 1}}],
    }
    config = config_of(write_config, server, f"mlflow://{source}")
    if source in records:
        made(server, source, records[source])
    with pytest.raises(DatasetError, match=said):
        prepared(config, tmp_path)


def test_two_of_one_name_are_told_apart_by_their_ids(
    write_config: ConfigWriter, server: str, tmp_path: Path
) -> None:
    ids = [made(server, "twins", [ASKED]), made(server, "twins", [ASKED])]
    with pytest.raises(DatasetError, match="2 evaluation datasets are called so") as told:
        prepared(config_of(write_config, server, "mlflow://twins"), tmp_path)
    assert all(f"mlflow://{one}" in str(told.value) for one in ids)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (HTTPStatus.NOT_FOUND, "they need MLflow 3.4 or newer"),
        (HTTPStatus.FORBIDDEN, "let the jobs in"),
    ],
)
def test_a_server_without_datasets_is_told(
    write_config: ConfigWriter, server: str, tmp_path: Path, answer: HTTPStatus, said: str
) -> None:
    def refuse(path: str, _: bytes) -> HTTPStatus | None:
        return answer if "datasets" in path else None

    with (
        mlflow_between(server, refuse=refuse) as address,
        pytest.raises(DatasetError, match=said),
    ):
        prepared(config_of(write_config, address, "mlflow://towns"), tmp_path)


def test_the_file_says_what_is_wrong_with_the_source(write_config: ConfigWriter) -> None:
    with pytest.raises(ConfigError, match="names no dataset"):
        load_config(config_of(write_config, "http://127.0.0.1:1", "mlflow://"))
    config = write_config(dataset={"source": "mlflow://a"}, pipeline={"cache": "P1D"})
    with pytest.raises(ConfigError, match="has no meaning for mlflow://"):
        load_config(config)


def test_failed_rows_are_added_once_and_can_be_evaluated_again(
    write_config: ConfigWriter, server: str, tmp_path: Path
) -> None:
    scorers = [{"is_brief": {"max_words": 1}}]  # which no answer is
    with stub_running() as stub:
        added = {"on_failure": {"add_to_dataset": "failed"}}
        job = by_hand.prepared(
            tmp_path / "job", stub, server, rows=3, scorers=scorers, dataset=added
        )
        for _ in range(2):
            done = job.run()
            assert "3 rows with a failed verdict are in the MLflow dataset failed" in done.stdout
        gate = json.loads(job.evaluation.read_text())["gate"]
        again = prepared(config_of(write_config, server, "mlflow://failed"), tmp_path / "again")
        raw = [json.loads(line) for line in (job.folder / "raw.jsonl").open()]
        assert {row.question for row in again} == {row["question"] for row in raw}
        assert len(again) == 3
        assert all(row.slices == {} for row in again)

        made(server, "failed", [])  # now there are two, and nobody knows which is meant
        done = job.run()
        assert done.returncode == 0, done.stderr
        assert "3 rows with a failed verdict were not added" in done.stderr
        assert json.loads(job.evaluation.read_text())["gate"] == gate
