"""report.html: everything that was found out, on one page, whatever the texts in it say."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from browser import Browser
from html_report import (
    ATTACK,
    COUNT,
    OPEN_ALL,
    Page,
    choose,
    evaluation,
    judged,
    rows_in,
    shown,
    written,
)
from running_aws import REPOSITORY

from processing.mlflow_record.scores import Score
from processing.report.html import write_html


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("report"), evaluation())


@pytest.mark.slow
def test_the_verdict_and_every_reason_are_on_top(report: Path) -> None:
    text = Page(report.read_text()).text
    document = json.loads((report.parent / "evaluation.json").read_text())
    top = text[: text.index("Metrics")]
    assert "✕ Not passed" in top
    reasons = document["gate"]["reasons"]
    assert any(reason.startswith("Correctness 0.") for reason in reasons)
    for said in [*reasons, *document["gate"]["warnings"]]:
        assert said in top


@pytest.mark.slow
def test_every_metric_has_its_line_and_its_picture(report: Path) -> None:
    page = Page(report.read_text())
    document = json.loads((report.parent / "evaluation.json").read_text())
    assert set(document["metrics"]) <= set(page.words)
    labels = [a.get("aria-label") or "" for tag, a in page.tags if tag == "svg"]
    assert sum(label.startswith("distribution of ") for label in labels) == 19 + 3
    correctness = document["metrics"]["Correctness"]
    assert f"{correctness['value']:.4g}, 95 % interval" in " ".join(labels)
    assert "threshold min 0.95" in " ".join(labels)
    assert any(label.endswith(", margin -0.05") for label in labels)


def test_every_row_is_in_it_the_worst_first(report: Path) -> None:
    rows = rows_in(report)["rows"]
    assert sorted(row["position"] for row in rows) == list(range(1, 121))
    assert (rows[0]["position"], rows[0]["error"]) == (5, "HTTP 503 <b>overloaded</b>")
    failed = [len(row["failed"]) for row in rows[1:]]
    assert failed == sorted(failed, reverse=True)
    assert failed[0] > failed[-1]
    [attacked] = [row for row in rows if row["position"] == 3]
    assert attacked["answer"] == ATTACK
    assert {"Safety", "Correctness"} <= set(attacked["failed"])
    assert attacked["scores"]["Correctness"]["error"] == ATTACK


def test_reasoning_and_cut_answers_are_shown(report: Path) -> None:
    text = Page(report.read_text()).text
    assert "answers cut at the token limit 1 of 1" in text[: text.index("Metrics")]
    [row] = [row for row in rows_in(report)["rows"] if row["cut"]]
    assert row["reasoning"] == f"thinking {ATTACK}"


def test_what_models_and_judges_say_is_text(report: Path) -> None:
    page = Page(report.read_text())
    assert [a.get("id") for tag, a in page.tags if tag == "script"] == ["data", None]
    assert not {"img", "i", "iframe", "link", "object", "base"} & {tag for tag, _ in page.tags}
    assert not [name for _, a in page.tags for name in a if name.startswith("on")]
    assert "<i>model</i>" in page.words


def test_nothing_is_fetched_from_anywhere(report: Path) -> None:
    page = Page(report.read_text())
    loading = {
        value for tag, a in page.tags for name, value in a.items()
        if name.endswith(("src", "href", "srcset", "action", "data")) and tag != "a"
    }  # fmt: skip
    assert all((value or "").startswith("#") for value in loading)
    links = [a["href"] for tag, a in page.tags if tag == "a" and not a["href"].startswith("#")]
    assert links == ["http://127.0.0.1:1/#/experiments/1/runs/run-2"]
    assert not re.search(r"@import|url\((?!#)", report.read_text())
    [policy] = [a["content"] for tag, a in page.tags if a.get("http-equiv")]
    assert (policy or "").startswith("default-src 'none'; script-src 'sha256-")


@pytest.mark.slow
def test_a_link_that_would_run_something_is_none(tmp_path: Path) -> None:
    written(tmp_path, evaluation(40))
    document = json.loads((tmp_path / "evaluation.json").read_text())
    document["mlflow"]["url"] = "javascript:alert(1)"
    (tmp_path / "evaluation.json").write_text(json.dumps(document))
    assert "javascript:" not in write_html(tmp_path).read_text()


@pytest.mark.slow
def test_the_same_evaluation_gives_the_same_page(report: Path) -> None:
    before = report.read_bytes()
    command = [sys.executable, "-m", "processing.report.html", str(report.parent)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, str(report)), done.stderr
    assert report.read_bytes() == before


@pytest.mark.slow
def test_the_command_says_what_is_missing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "processing.report.html", str(tmp_path)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"{tmp_path}/evaluation.json is not there" in done.stderr


@pytest.mark.slow
def test_a_scorer_without_any_number_and_a_row_without_scores(tmp_path: Path) -> None:
    found = evaluation(40)
    for row in found.scores.values():
        row["Bias"] = Score(None, "error", None, "the judge is not there")
    report = written(tmp_path, judged(list(found.answers), found.scores))
    assert "39 without a number" in Page(report.read_text()).words
    assert rows_in(report)["rows"][0]["scores"] == {}


@pytest.mark.slow
def test_a_row_that_a_scorer_does_not_apply_to_is_no_failure(tmp_path: Path) -> None:
    found = evaluation(40)
    for row in found.scores.values():
        row["Bias"] = Score(None, "not applicable", "nothing to look for", None)
    report = written(tmp_path, judged(list(found.answers), found.scores))
    assert "39 without a number" not in Page(report.read_text()).words
    row = rows_in(report)["rows"][-1]
    assert "Bias" not in row["failed"]
    assert row["scores"]["Bias"]["shown"] == "not applicable"
    assert row["scores"]["Bias"]["error"] is None


def test_each_scorer_s_rule_is_named(report: Path) -> None:
    assert "rougeL_fmeasure: yes = 1, no = 0" in Page(report.read_text()).words


@pytest.mark.slow
@pytest.mark.parametrize(
    ("champion", "said"),
    [
        (None, "Latency and tokens"),
        ({"state": "no champion yet"}, "No champion yet: group has no approved model package"),
        ({"state": "unreadable", "error": "rows of <b>it</b> gone"}, "✕ rows of <b>it</b> gone"),
    ],
)
def test_a_champion_that_is_not_there(
    tmp_path: Path, champion: dict[str, str] | None, said: str
) -> None:
    written(tmp_path, evaluation(40))
    document = json.loads((tmp_path / "evaluation.json").read_text())
    document["champion"] = champion and document["champion"] | {"metrics": {}} | champion
    document["slices"] = []
    document["spend"] = []
    (tmp_path / "evaluation.json").write_text(json.dumps(document))
    page = Page(write_html(tmp_path).read_text())
    assert said in page.text
    assert ("Champion" in page.words) == bool(champion)
    assert "Slices" not in page.words


@pytest.mark.integration
def test_of_very_many_rows_the_worst_are_shown(tmp_path: Path) -> None:
    report = written(tmp_path, evaluation(2_100, reason=2))
    rows = rows_in(report)["rows"]
    assert len(rows) == 2_000
    assert [len(row["failed"]) for row in rows[-10:]] == [0] * 10
    assert "The worst 2,000 of 2,100 rows are in this page" in Page(report.read_text()).text


@pytest.mark.slow
@pytest.mark.parametrize("number", [1e300, -1e300, 1e-300, 5e14, -0.25])
def test_numbers_of_any_size_are_shown(tmp_path: Path, number: float) -> None:
    found = evaluation(40)
    for row in found.scores.values():
        row["BleuScore"] = Score(number, repr(number), None, None)
    report = written(tmp_path, judged(list(found.answers), found.scores))
    row = rows_in(report)["rows"][-1]
    assert row["scores"]["BleuScore"]["value"] == number
    assert f"{number:.4g}" == row["scores"]["BleuScore"]["shown"]


@pytest.mark.slow
def test_an_evaluation_starts_without_the_plotting_library() -> None:
    program = "import sys, processing.report.html as _; sys.exit('leather' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, check=False).returncode == 0
    )


@pytest.mark.integration
@pytest.mark.parametrize(("reason", "shortened"), [(16, False), (400, True)])
def test_a_thousand_rows_with_19_scorers_are_under_2_mb(
    tmp_path: Path, reason: int, shortened: bool
) -> None:
    report = written(tmp_path, evaluation(1_000, reason))
    assert report.stat().st_size < 2_000_000
    rows = rows_in(report)["rows"]
    assert len(rows) == 1_000
    marked = "more characters in rows.jsonl]" in json.dumps(rows)
    assert marked == ("Long texts end with a mark" in report.read_text()) == shortened


@pytest.fixture
def opened(browser: Browser, report: Path) -> Browser:
    browser.open(report)
    return browser


@pytest.mark.integration
def test_markup_in_an_answer_is_shown_and_does_nothing(opened: Browser) -> None:
    choose(opened, "search", "<script>", "input")
    opened.wait(f"{COUNT} === '1 of 120 rows'")
    opened.run(OPEN_ALL)
    opened.wait("document.querySelectorAll('.verdicts tbody tr').length === 19")
    assert opened.run("document.getElementById('list').innerText").count(ATTACK) == 1 + 3 + 2
    assert opened.run("document.querySelectorAll('#list script, #list img').length") == 0
    assert opened.run("document.title") == "Not passed: <i>model</i>"
    assert opened.problems == []
    assert {url.partition(":")[0] for url in opened.requests} <= {"file", "about"}


@pytest.mark.integration
def test_reasoning_is_folded_away_and_found(opened: Browser) -> None:
    choose(opened, "failed", "~")
    [position] = shown(opened)
    assert position == 3
    opened.run(OPEN_ALL)
    block = "document.querySelector('#list .row details summary')?.textContent"
    opened.wait(f"{block} === 'reasoning, which no scorer saw'")
    choose(opened, "failed", "")
    choose(opened, "search", "thinking", "input")
    opened.wait(f"{COUNT} === '1 of 120 rows'")
    assert shown(opened) == [3]


@pytest.mark.integration
def test_a_conversation_is_folded_away_and_found(opened: Browser) -> None:
    choose(opened, "search", "earlier", "input")
    opened.wait(f"{COUNT} === '1 of 120 rows'")
    assert shown(opened) == [8]
    opened.run(OPEN_ALL)
    folded = "document.querySelector('#list .row details.more')"
    opened.wait(f"{folded}?.querySelector('summary').textContent.endsWith('2 turns')")
    assert not opened.run(f"{folded}.open")
    heads = f"[...{folded}.querySelectorAll('h3')].map((h) => h.textContent)"
    assert opened.run(heads) == ["user", "tool"]
    choose(opened, "search", "", "input")


@pytest.mark.integration
def test_search_filter_and_order(opened: Browser, report: Path) -> None:
    rows = rows_in(report)["rows"]
    assert shown(opened)[:10] == [row["position"] for row in rows[:10]]
    choose(opened, "sort", "position")
    assert shown(opened) == list(range(1, 51))
    opened.run("document.getElementById('more').click()")
    assert shown(opened) == list(range(1, 101))
    opened.run("document.getElementById('reverse').click()")
    assert shown(opened)[:3] == [120, 119, 118]
    opened.run("document.getElementById('reverse').click()")
    choose(opened, "sort", "=rougeL_fmeasure")
    by_rouge = sorted(rows, key=lambda r: r["scores"].get("rougeL_fmeasure", {}).get("value") or 9)
    assert shown(opened)[:5] == [row["position"] for row in by_rouge[:5]]
    choose(opened, "failed", "=Safety")
    unsafe = {row["position"] for row in rows if "Safety" in row["failed"]}
    assert 0 < len(unsafe) < 50
    assert set(shown(opened)) == unsafe
    choose(opened, "slice", '["topic","topic 2"]')
    assert set(shown(opened)) == {position for position in unsafe if (position - 1) % 4 == 2}
    choose(opened, "failed", "!")
    choose(opened, "slice", "")
    assert shown(opened) == [5]


@pytest.mark.integration
def test_a_metric_s_failures_are_one_click_away(opened: Browser, report: Path) -> None:
    opened.run("document.querySelector('a.to-rows[data-failed=\"=Safety\"]').click()")
    unsafe = [row["position"] for row in rows_in(report)["rows"] if "Safety" in row["failed"]]
    assert shown(opened) == unsafe
    opened.run("document.querySelector('a.to-rows[data-slice*=\"topic 1\"]').click()")
    assert opened.run(COUNT) == "30 of 120 rows"


@pytest.mark.integration
@pytest.mark.parametrize("width", [360, 761, 1024, 1280])
def test_the_page_is_as_wide_as_the_screen(browser: Browser, report: Path, width: int) -> None:
    browser.open(report, width=width, height=800)
    browser.run(OPEN_ALL)
    assert browser.run("document.documentElement.scrollWidth") == width


@pytest.mark.integration
def test_light_and_dark(browser: Browser, report: Path) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    browser.open(report)
    light = browser.run(background)
    browser.open(report, dark=True)
    assert (light, browser.run(background)) == ("rgb(246, 247, 249)", "rgb(18, 21, 26)")
