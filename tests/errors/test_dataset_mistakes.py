"""A dataset whose columns are other than the file says is found before anything is uploaded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from running_aws import ConfigWriter
from typed_command import the_line, typed

from processing import evaluate, prepare_dataset
from processing.base.errors import DatasetError


def with_rows(write_config: ConfigWriter, path: Path, rows: list[dict[str, str]]) -> Path:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    columns = {"question": "question", "expected_response": "answer"}
    return write_config(
        dataset={"source": str(path), "columns": columns},
        scorers=["rougeL_fmeasure"], thresholds={"rougeL_fmeasure": {"min": 0.1}},
    )  # fmt: skip


@pytest.mark.parametrize("command", ["check", "upsert"])
def test_a_column_that_is_not_there(
    command: str, write_config: ConfigWriter, tmp_path: Path
) -> None:
    rows = [{"question": "Why?", "answr": "So.", "kind": "x"}] * 3
    config = with_rows(write_config, tmp_path / "rows.jsonl", rows)
    line = the_line(typed(command, "--config", str(config)))
    assert "rows.jsonl: there is no column 'answer'" in line
    assert "its columns are 'question', 'answr', 'kind'" in line
    assert "Did you mean 'answr'?" in line
    assert f"Change dataset.columns.expected_response in {config}" in line


def test_a_csv_file_with_other_columns(write_config: ConfigWriter, tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("Question;Answer\nWhy?;So.\n")
    columns = {"question": "Question", "expected_response": "answer"}
    config = write_config(
        dataset={"source": str(rows), "columns": columns},
        scorers=["rougeL_fmeasure"], thresholds={"rougeL_fmeasure": {"min": 0.1}},
    )  # fmt: skip
    line = the_line(typed("check", "--config", str(config)))
    assert "rows.csv: there is no column 'answer'; its columns are 'Question', 'Answer'" in line
    assert "Did you mean 'Answer'?" in line


def sliced(write_config: ConfigWriter, path: Path, rows: int) -> Path:
    """A configuration with a slice over a column that the rows do not have."""
    row = {"question": "Why?", "answer": "So.", "kind": "x", "topic": "y"}
    path.write_text(
        "".join(f"{json.dumps(row | {'question': f'Why {n}?'})}\n" for n in range(rows))
    )
    return write_config(
        dataset={
            "source": str(path),
            "columns": {"question": "question", "expected_response": "answer"},
        },
        scorers=["rougeL_fmeasure"],
        thresholds={"rougeL_fmeasure": {"min": 0.1}},
        slices={"kinds": {"thresholds": {"rougeL_fmeasure": {"min": 0.1}}}},
    )


MISSING_SLICE = (
    "rows.jsonl: there is no column 'kinds', which slices.kinds names; "
    "its columns are 'kind', 'topic'. Did you mean 'kind'? Change slices.kinds in "
)


@pytest.mark.parametrize("command", ["check", "upsert"])
def test_a_slice_over_a_column_that_is_not_there(
    command: str, write_config: ConfigWriter, tmp_path: Path
) -> None:
    config = sliced(write_config, tmp_path / "rows.jsonl", 3)
    assert f"{MISSING_SLICE}{config}" in the_line(typed(command, "--config", str(config)))


@pytest.mark.slow
def test_where_check_has_not_read_all_rows_the_job_pays_for_nothing(
    write_config: ConfigWriter, tmp_path: Path
) -> None:
    rows = tmp_path / "raw" / "rows.jsonl"
    rows.parent.mkdir()
    config = sliced(write_config, rows, 1001)
    assert typed("check", "--config", str(config)).returncode == 0
    folder = tmp_path / "prepared"
    folders = ["--config", str(config), "--output", str(folder), "--input", str(rows.parent)]
    assert prepare_dataset.main(folders)
    with pytest.raises(DatasetError) as told:
        evaluate.main(["--config", str(config), "--dataset", str(folder), "--output", str(folder)])
    assert f"{MISSING_SLICE}{config.name}" in str(told.value)
