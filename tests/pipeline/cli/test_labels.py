"""`labels` as a user types it, where nothing is read yet."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from running_aws import ConfigWriter
from typed_command import typed

from pipeline.checks.labels import check_labels
from pipeline.cli.parser import parse
from pipeline.definition.bundle import load_bundle
from processing.base.errors import ConfigError


def test_a_sample_is_written_as_the_file_under_labels_has_to_be_named(
    write_config: ConfigWriter,
) -> None:
    done = typed("labels", "sample", "run", "--config", str(write_config()), "--output", "l.txt")
    assert done.returncode == 2
    assert "--output l.txt: must end in .csv or .jsonl" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("labels", "status", "RUN", "--config", "my.yaml"),
        ("labels", "status", "--config", "my.yaml", "RUN"),
        ("labels", "--config", "my.yaml", "status", "RUN"),
    ],
)
def test_a_run_may_stand_before_an_option_or_behind_it(words: tuple[str, ...]) -> None:
    arguments = parse(words)
    assert (arguments.action, arguments.run_name) == ("status", "RUN")
    assert arguments.config == Path("my.yaml")


def test_a_second_run_is_still_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        parse(("labels", "status", "RUN", "--config", "my.yaml", "OTHER"))
    assert stopped.value.code == 2
    assert "unrecognized arguments: OTHER" in capsys.readouterr().err


def test_a_label_by_a_question_that_stands_twice_is_refused_with_its_line(
    write_config: ConfigWriter, tmp_path: Path
) -> None:
    rows = [("How long?", "An hour."), ("How long?", "Two hours."), ("How far?", "A mile.")]
    dataset = tmp_path / "rows.jsonl"
    dataset.write_text("".join(json.dumps({"question": q, "answer": a}) + "\n" for q, a in rows))
    labels = tmp_path / "labels.csv"
    labels.write_text(
        "question,answer,scorer,label\nHow far?,A mile.,Correctness,yes\n"
        "How long?,An hour.,Correctness,yes\n"
    )
    columns = {"question": "question", "expected_response": "answer"}
    config = write_config(
        dataset={"source": str(dataset), "columns": columns},
        labels="labels.csv",
        scorers=["Correctness"],
        thresholds={"Correctness": {"min": 0.5}},
    )
    with pytest.raises(ConfigError, match=r"labels\.csv:3: question: 2 rows of the dataset ask it"):
        check_labels(load_bundle(config), str(config))
