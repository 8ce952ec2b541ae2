"""Rows that expect more than one response: other answers, facts, guidelines of their own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlflow.genai.judges.prompts import context_sufficiency, correctness, guidelines
from running_aws import ConfigWriter
from typed_command import the_line, typed

from processing.config.dataset import Columns
from processing.config.judge import Judge
from processing.config.scorer_numbers import NOT_APPLICABLE
from processing.config.scorers import parse_scorer
from processing.dataset.columns import map_record
from processing.dataset.expectations import FurtherExpectations
from processing.dataset.readers import BadRecord, Record
from processing.dataset.rows import Row, make_row, row_of
from processing.judges.verdict import Question
from processing.scorers.build import build_scorers
from processing.scorers.mlflow_judges import prompt_of

COLUMNS = Columns(
    question="q", expected_response="a", context="c", expected_facts="f", guidelines="g"
)


def mapped(columns: Columns = COLUMNS, **values: Any) -> Row | BadRecord:
    record = Record(1, {"q": "Why?", **values})
    written = map_record(record, columns, set())
    return written if isinstance(written, BadRecord) else row_of(json.loads(written.line))


def row(**values: Any) -> Row:
    found = mapped(**values)
    assert isinstance(found, Row)
    return found


def test_lists_in_columns_and_in_cells_of_text() -> None:
    found = row(a=["So.", "Because.", " "], f=["one", "", "two"], g='["Be kind.", "Be brief."]')
    assert found.expected_response == "So."
    assert found.further == FurtherExpectations(
        ("Because.",), ("one", "two"), ("Be kind.", "Be brief.")
    )
    assert found.slices == {}


def test_facts_stand_in_for_an_answer_that_is_not_there() -> None:
    assert row(f=["Paris", "France"]).expected_response == "Paris\nFrance"
    assert isinstance(mapped(f=[]), BadRecord)
    assert row(a=[], f=["Paris"]).expected_response == "Paris"
    assert row(a="", f=["Paris"]).expected_response == "Paris"
    assert isinstance(mapped(a=[1, 2]), BadRecord)


def test_rows_without_them_are_the_rows_of_old() -> None:
    plain = make_row("Why?", "So.", ["c"], {"kind": 1})
    assert row(a="So.", c=["c"]).row_id == plain.row_id
    assert b"references" not in plain.line()
    assert row(a="So.", c=["c"], g=["Be kind."]).row_id != plain.row_id
    assert row(a="So.", f=["x"]).row_id != row(a="So.", g=["x"]).row_id


texts = st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), max_size=3)


@settings(max_examples=60)
@given(texts, texts, texts)
def test_a_line_of_the_dataset_gives_back_what_went_in(
    references: list[str], facts: list[str], rules: list[str]
) -> None:
    made = make_row("q", "a", further=FurtherExpectations(*map(tuple, (references, facts, rules))))
    assert row_of(json.loads(made.line())) == made


ROW = Question(
    "What is MLflow?",
    "A tool.",
    "An open-source platform.",
    ("MLflow is open source.",),
    further=FurtherExpectations((), ("open source", "platform"), ("Be brief.", "Be kind.")),
)


def test_the_judges_are_told_in_mlflows_words() -> None:
    assert prompt_of(parse_scorer("Correctness"))(ROW) == correctness.get_prompt(
        ROW.question, ROW.answer, expected_facts=["open source", "platform"]
    )
    assert prompt_of(parse_scorer("RetrievalSufficiency"))(ROW) == context_sufficiency.get_prompt(
        ROW.question,
        [{"content": "MLflow is open source."}],
        expected_facts=["open source", "platform"],
    )
    told = prompt_of(parse_scorer("ExpectationsGuidelines"))(ROW)
    assert told == guidelines.get_prompt(
        ["Be brief.", "Be kind."], {"request": ROW.question, "response": ROW.answer}
    )


def test_an_answer_does_not_fill_in_a_fact() -> None:
    """Each value is put in in one pass, the facts too."""
    sly = Question("q", "{{ground_truth}}", "e", further=FurtherExpectations((), ("{{input}}",)))
    told = prompt_of(parse_scorer("Correctness"))(sly)
    assert "{{ground_truth}}" in told
    assert "\n- {{input}}" in told


def test_a_row_without_guidelines_is_not_applicable() -> None:
    [built] = build_scorers([parse_scorer("ExpectationsGuidelines")], Judge(model="bedrock:/j"))
    assert built.score(Question("q", "answer", "e")).value == NOT_APPLICABLE


@pytest.mark.parametrize("entry", ["rougeL_fmeasure", "BleuScore", "ChrfScore"])
def test_overlaps_take_the_best_of_several_answers(entry: str) -> None:
    [built] = build_scorers([parse_scorer(entry)], None)

    def value(expected: str, *references: str) -> float:
        further = FurtherExpectations(references)
        answer = "Pinch the soft part of the nose."
        return float(str(built.score(Question("q", answer, expected, further=further)).value))

    exact, poor = "Pinch the soft part of the nose.", "Tea is a drink of leaves."
    assert value(poor, exact) == value(exact) == value(exact, poor) > value(poor)


def test_what_a_scorer_needs_is_asked_for(write_config: ConfigWriter) -> None:
    name = "ExpectationsGuidelines"
    config = write_config(scorers=[name], thresholds={name: {"min": 0.5}})
    assert "dataset.columns.guidelines" in the_line(typed("check", "--config", str(config)))


@pytest.mark.slow
def test_a_file_of_facts_needs_no_answers(write_config: ConfigWriter, tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text(
        "".join(json.dumps({"q": f"Why {n}?", "f": [f"fact {n}"]}) + "\n" for n in range(40))
    )
    config = write_config(
        dataset={"source": str(rows), "columns": {"question": "q", "expected_facts": "f"}},
        scorers=["Correctness", "rougeL_fmeasure"],
        thresholds={"Correctness": {"min": 0.5}},
    )
    done = typed("check", "--config", str(config))
    assert done.returncode == 0, done.stderr
