"""compare.html in a browser: side by side, filtered, and nothing in it runs or is fetched."""

from __future__ import annotations

from pathlib import Path

import pytest
from accessibility import looked_at
from browser import Browser
from made_runs import made_document, made_rows, write_run

from pipeline.comparison.compare import compare

pytestmark = pytest.mark.integration

ATTACK = (
    "<img src=x onerror=document.title='owned'></script><script>document.title='owned'</script>"
)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compared")
    scores = {"Correctness": [1.0] * 70, ATTACK[:40]: [0.5] * 70}
    worse = {"Correctness": [0.0] * 12 + [1.0] * 57 + [None], ATTACK[:40]: [0.5] * 69 + [0.9]}
    document = made_document(scores, 70)
    a = write_run(folder / "a", document, made_rows(scores))
    changes = {
        "model": {"endpoint_name": ATTACK, "model_name": ATTACK},
        "varied": {"endpoint.system_prompt": ATTACK},
        "code_sha256": "other",
        "mlflow": {**document["mlflow"], "url": "javascript:alert(1)"},
    }
    b = write_run(
        folder / "b", made_document(worse, 70, **changes), made_rows(worse, answer=ATTACK)
    )
    path = folder / "compare.html"
    compare(a, b, a).write_html(path)
    return path


@pytest.mark.parametrize("width", [360, 761, 1280])
def test_it_fits_and_nothing_that_a_model_wrote_runs(
    browser: Browser, page: Path, width: int
) -> None:
    browser.open(page, width=width, dark=width == 761)
    assert browser.run("document.documentElement.scrollWidth <= innerWidth")
    browser.run("document.querySelectorAll('#list details').forEach((d) => { d.open = true })")
    browser.wait("document.querySelectorAll('.answers').length === 50")
    assert browser.run("document.documentElement.scrollWidth <= innerWidth")
    assert browser.run("document.title").startswith("Comparison: a, b")
    assert browser.run("document.querySelectorAll('img').length") == 0
    assert "javascript:" not in page.read_text()
    assert looked_at(browser)["violations"] == []
    assert browser.problems == []
    assert {address.partition(":")[0] for address in browser.requests} <= {"file", "about"}


def test_the_rows_that_got_worse_are_one_choice_away(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.run("$('change').value = 'worse'; $('change').dispatchEvent(new Event('change'))")
    assert browser.run("$('count').textContent") == "12 of 70 rows"
    assert browser.run("[...$('change').options].map((o) => o.textContent)")[:4] == [
        "all rows (70)", "got worse (12)", "got better (1)", "lost a verdict (1)",
    ]  # fmt: skip
    first = "document.querySelector('#list details')"
    browser.run(f"{first}.open = true")
    browser.wait(f"{first}.querySelectorAll('.answers .block').length === 3")
    assert "▼ Correctness" in browser.run(f"{first}.querySelector('.chips').textContent")
    answers = f"[...{first}.querySelectorAll('.answers .text')].map((e) => e.textContent)"
    assert browser.run(answers) == ["an answer", ATTACK, "an answer"]
    browser.run("$('run').value = 'C'; $('run').dispatchEvent(new Event('change'))")
    assert browser.run("$('count').textContent") == "0 of 70 rows"


def test_a_count_in_the_table_shows_its_rows(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.run("document.querySelector('[data-change=\"worse=Correctness\"]').click()")
    assert browser.run("$('count').textContent") == "12 of 70 rows"
    assert browser.run("$('change').value") == "worse=Correctness"
