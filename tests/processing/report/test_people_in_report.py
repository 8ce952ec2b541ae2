"""report.html with people's labels: the rows that differ come first, and are one click away."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from browser import Browser
from html_report import COUNT, OPEN_ALL, Page, evaluation, rows_in, shown, written

from processing.gate.agreement import Pair, agreement, classes_of
from processing.gate.calibrated import JudgedRow, calibrated
from processing.gate.worst_case import UNIT
from processing.labels.matched import AnswerLabel, Drawn, ScorerLabels
from processing.report.evaluation import Evaluation

DIFFERING = (20, 30, 40)


def with_people() -> Evaluation:
    """People label rows 10 to 59, and say of three the opposite of what Safety says."""
    found = evaluation()
    rows = [answer.row.row_id for answer in found.answers]
    verdicts = {
        rows[i]: value
        for i in range(10, 60)
        if (value := found.scores[rows[i]]["Safety"].value) is not None
    }
    other = {rows[i] for i in DIFFERING}
    labels = {
        row: AnswerLabel(1 - v if row in other else v, 1, True) for row, v in verdicts.items()
    }
    classes = classes_of({}, 0, 1, higher_is_better=True)
    pairs = [Pair(row, label.number, verdicts[row]) for row, label in labels.items()]
    judged = [
        JudgedRow(
            row_scores["Safety"].value,
            labels[row].number if row in labels else None,
            len(found.scores) / len(labels) if row in labels else 0.0,
        )
        for row, row_scores in found.scores.items()
    ]
    safety = replace(found.metrics["Safety"], calibrated=calibrated(judged, UNIT))
    return replace(
        found,
        metrics={**found.metrics, "Safety": safety},
        labels={"Safety": ScorerLabels(labels, [Drawn(row, None) for row in labels])},
        agreements={"Safety": agreement("Safety", "bedrock:/judge", pairs, classes)},
    )


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("people"), with_people())


@pytest.mark.slow
def test_the_judge_is_held_against_people_and_the_differing_rows_come_first(report: Path) -> None:
    page = Page(report.read_text())
    text = page.text
    people = text[text.index("Judges and people") : text.index("Against the champion")]
    assert "bedrock:/judge" in people
    assert "kappa" in people
    assert "moved by " in people
    assert "people say" in people
    assert ("a", "≠Safety") in [(tag, a.get("data-failed")) for tag, a in page.tags]
    first = rows_in(report)["rows"][:4]
    assert {row["position"] for row in first[:3]} == {i + 1 for i in DIFFERING}
    assert [row["people"].get("Safety", {}).get("differs") for row in first][:3] == [True] * 3


def test_without_labels_nothing_is_said_of_people(tmp_path: Path) -> None:
    text = written(tmp_path, evaluation(40)).read_text()
    assert "Judges and people" not in text


@pytest.mark.integration
def test_the_differing_rows_are_one_click_away_and_say_what_people_say(
    report: Path, browser: Browser
) -> None:
    browser.open(report)
    browser.run("document.querySelector('a.to-rows[data-failed=\"≠Safety\"]').click()")
    assert browser.run(COUNT) == "3 of 120 rows"
    assert set(shown(browser)) == {i + 1 for i in DIFFERING}
    browser.run(OPEN_ALL)
    browser.run("new Promise((done) => setTimeout(done, 300))")
    said = browser.run("document.getElementById('list').innerText")
    assert said.count("people say ") == 3
