"""The head of report.html: when, on what, by whom, and what becomes of the model."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from html_report import Page, evaluation, judged, written

from processing.endpoint.client import MeasuredModel
from processing.report.html import write_html
from processing.report.html.header import with_outcome


def head(report: Path) -> str:
    text = Page(report.read_text()).text
    return text[: text.index("Metrics")]


@pytest.mark.slow
def test_when_on_what_and_by_whom(tmp_path: Path) -> None:
    said = head(written(tmp_path, evaluation()))
    assert "evaluated 2026-11-27 18:16 UTC" in said
    assert "dataset questions.csv 120 of 500 rows, drawn with seed 7" in said
    assert "source s3://bucket/data/questions.csv" in said
    assert "judge bedrock:/judge 13 scorers no judge 6 scorers" in said


@pytest.mark.slow
def test_a_candidate_is_named_by_group_and_version(tmp_path: Path) -> None:
    arn = "arn:aws:sagemaker:us-east-1:123456789012:model-package/candidates/12"
    found = replace(evaluation(), model=MeasuredModel("arn:endpoint", "model", arn, "1"))
    assert "candidate candidates, version 12" in head(written(tmp_path, found))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("good", "execution", "said"),
    [
        (0.9, "arn:execution", "not registered: the gate is shut"),
        (1.0, "arn:execution", "passed on to be registered in good, after this page was written"),
        (1.0, "", "not registered: it was evaluated outside a pipeline"),
    ],
)
def test_what_becomes_of_the_model(tmp_path: Path, good: float, execution: str, said: str) -> None:
    found = evaluation(good=good)
    scores = {row: dict(of) for row, of in found.scores.items()}
    if good == 1:  # what the fixture breaks on purpose
        for row in scores.values():
            for name in ("Correctness", "Safety"):
                row[name] = replace(row[name], value=1.0, shown="yes", error=None)
            row["rougeL_fmeasure"] = replace(row["rougeL_fmeasure"], value=0.9, error=None)
        found = judged(list(found.answers), scores)
    report = written(tmp_path, replace(found, execution_arn=execution))
    assert f"the model {said}" in head(report)
    report.write_text(with_outcome(report.read_text(), "registered as <b>good</b>, version 3"))
    assert "the model registered as <b>good</b>, version 3 evaluated" in head(report)


@pytest.mark.slow
def test_a_report_of_older_code_is_written_again(tmp_path: Path) -> None:
    written(tmp_path, evaluation(40))
    file = tmp_path / "evaluation.json"
    document = json.loads(file.read_text())
    for key in ("evaluated_at", "dataset", "registration", "scorers"):
        del document[key]
    file.write_text(json.dumps(document))
    page = write_html(tmp_path).read_text()
    assert "the model" not in head(tmp_path / "report.html")
    assert with_outcome(page, "registered") == page
