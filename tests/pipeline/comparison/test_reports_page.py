"""The page over a folder of evaluations, whatever lies in that folder."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from accessibility import looked_at
from browser import Browser
from made_runs import made_document, made_rows, write_run

from pipeline.cli.main import main
from pipeline.comparison.reports.index_page import write_index

ATTACK = "<img src=x onerror=alert(1)>"


def run(folder: Path, day: int, **changes: Any) -> None:
    scores = {"Correctness": [1.0, 0.0]}
    bound = {
        "metric": "Correctness", "rule": "min", "bound": 0.7, "tier": "hard", "on": "mean",
        "compared": 0.5, "passed": 0, "reason": "Correctness 0.5 < min 0.7", "undecided": "",
    }  # fmt: skip
    document = made_document(
        scores,
        2,
        evaluated_at=f"2026-11-{day:02}T10:00:00Z",
        execution_arn="arn:execution",
        registration={"group": "good"},
        thresholds={"MinCorrectness": bound},
        gate={"passed": 0, "summary": "", "reasons": [bound["reason"]], "warnings": []},
        **changes,
    )
    document["metrics"]["Correctness"] |= {"n": 2}
    write_run(folder, document, made_rows(scores))
    (folder / "report.html").write_text("the report")


def test_every_evaluation_has_its_line_the_newest_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(tmp_path / "one", 20, model={"endpoint_name": "e", "model_name": ATTACK})
    run(tmp_path / "variants" / "two words", 21)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "evaluation.json").write_text('{"gate": 7}')
    assert main(["report", str(tmp_path), "--no-open"]) == 0
    assert (tmp_path / "index.html").as_uri() in capsys.readouterr().out
    page = (tmp_path / "index.html").read_text()
    links = re.findall(r'href="([^"]+)"', page)
    assert links == ["variants/two%20words/report.html", "one/report.html"]
    assert "evaluation.json is none of this pipeline" in page
    assert ATTACK not in page
    text = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    assert "✕ not passed 1 reason 2026-11-21 10:00 model 2 of 2 ✕ Correctness 0.5 (n=2)" in text
    assert "not registered: the gate is shut" in text


@pytest.mark.integration
@pytest.mark.parametrize("width", [1440, 390])
def test_it_fits_and_axe_finds_nothing(browser: Browser, tmp_path: Path, width: int) -> None:
    run(tmp_path / "one", 20)
    browser.call(
        "Emulation.setDeviceMetricsOverride",
        width=width, height=900, deviceScaleFactor=1, mobile=False,
    )  # fmt: skip
    browser.visit(write_index(tmp_path).as_uri())
    assert browser.run("document.documentElement.scrollWidth") == width
    assert looked_at(browser)["violations"] == []
