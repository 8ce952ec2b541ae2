"""The judges' preferences in compare.html: figures, reasons, and rows that got worse by them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from browser import Browser
from made_runs import made_document, made_rows

from pipeline.comparison.compare import Comparison, findings_on
from pipeline.comparison.pairwise.outcome import PairwiseOutcome
from pipeline.comparison.pairwise.pairs import RowVerdict, Said
from pipeline.comparison.run import ComparedRun, read_run

pytestmark = pytest.mark.integration

ATTACK = "<img src=x onerror=document.title='owned'></script><script>document.title='o'</script>"


def run_of(label: str, answer: str) -> ComparedRun:
    rows = made_rows({"S": [1.0] * 60}, answer=answer)
    text = "\n".join(map(json.dumps, rows))
    return read_run(label, f"run {label}", label, json.dumps(made_document({"S": [1.0]}, 60)), text)


def verdict(i: int, run: str, against: str) -> RowVerdict:
    """Of 60 rows 30 are lost, 4 won, 16 contradictory, 5 the same, and 5 have no verdict."""
    row = f"row-{i:05}"
    for end, preferred in ((30, against), (34, run)):
        if i < end:
            return RowVerdict(row, preferred, (Said(preferred, f"{ATTACK} it says more"),
                                               Said(preferred, "it says more")))  # fmt: skip
    if i < 50:
        return RowVerdict(row, "tie", (Said(against, "the first"), Said(run, "the first")))
    if i < 55:
        return RowVerdict(row, "tie")
    return RowVerdict(row, None, (Said("tie"), Said(None, error=ATTACK)), ATTACK)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    runs = [run_of(label, f"answer {label}") for label in "ABC"]
    outcomes = [
        PairwiseOutcome(name, "bedrock:/j", against, run, tuple(
            verdict(i, run, against) for i in range(60)))
        for name in ("preferred", "kinder")
        for against, run in (("A", "B"), ("A", "C"), ("B", "C"))
    ]  # fmt: skip
    silent = PairwiseOutcome("gone", "", "A", "B", tuple(
        RowVerdict(f"row-{i:05}", None, error="the judge was not asked") for i in range(60)),
        reason=ATTACK)  # fmt: skip
    path = tmp_path_factory.mktemp("pairwise") / "compare.html"
    Comparison(findings_on(runs, pairwise=[*outcomes, silent])).write_html(path)
    return path


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_it_fits_and_nothing_that_a_judge_wrote_runs(
    browser: Browser, page: Path, width: int
) -> None:
    browser.open(page, width=width, dark=width == 768)
    browser.run("document.querySelectorAll('#list details').forEach((d) => { d.open = true })")
    browser.wait("document.querySelectorAll('.answers').length === 50")
    assert browser.run("document.documentElement.scrollWidth <= innerWidth")
    assert browser.run("document.title").startswith("Comparison: run A, run B")
    assert browser.run("document.querySelectorAll('img').length") == 0
    assert browser.problems == []


def test_the_figures_are_in_the_table(browser: Browser, page: Path) -> None:
    browser.open(page)
    cells = "[...document.querySelectorAll('#pairwise tbody tr')[0].cells]"
    texts = browser.run(f"{cells}.map((c) => c.textContent.trim().replace(/\\s+/g, ' '))")
    assert texts[:3] == ["B against A preferred", "▼ worse", "0.264"]
    assert texts[4:10] == ["55", "4", "21", "30", "5", "32 %"]
    assert "not compared" in browser.run("document.querySelector('#pairwise').textContent")
    strengths = "[...document.querySelectorAll('#pairwise h3')].map((h) => h.textContent)"
    assert browser.run(strengths) == ["preferred: strongest first", "kinder: strongest first"]


def test_rows_that_lost_got_worse_and_show_the_judge_s_reasons(
    browser: Browser, page: Path
) -> None:
    browser.open(page)
    browser.run("document.querySelector('[data-change=\"worse=preferred\"]').click()")
    assert browser.run("$('count').textContent") == "30 of 60 rows"
    browser.run("$('change').value = 'worse'; $('change').dispatchEvent(new Event('change'))")
    assert browser.run("$('count').textContent") == "30 of 60 rows"
    first = "document.querySelector('#list details')"
    browser.run(f"{first}.open = true")
    browser.wait(f"{first}.querySelectorAll('.order').length === 4")
    said = browser.run(f"{first}.querySelector('.compared:last-child').textContent")
    assert "preferredA is better" in said
    assert f"A before B: A is better {ATTACK} it says more" in said
    assert "B before A: A is better it says more" in said
    assert "▼ preferred" in browser.run(f"{first}.querySelector('.chips').textContent")
    browser.run("$('search').value = 'contradicts'; $('search').dispatchEvent(new Event('input'))")
    browser.run("$('change').value = ''; $('change').dispatchEvent(new Event('change'))")
    browser.wait("$('count').textContent === '16 of 60 rows'")
