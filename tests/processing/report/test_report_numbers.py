"""What report.html counts and draws is so: no value hidden in another's bar, no 0 for "cannot"."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from browser import Browser
from html_report import COUNT, Page, choose, evaluation, rows_in, shown, written

from processing.report.html.pictures import distribution


def heights(numbers: list[float]) -> list[float]:
    """Of a histogram's bars, from left to right."""
    picture = distribution(numbers, {}, [], unit=True, label="")
    bars = re.findall(r"<rect[^>]*?/>", str(picture))
    placed = [{k: float(v) for k, v in re.findall(r'(x|height)="([^"]+)"', bar)} for bar in bars]
    return [bar["height"] for bar in sorted(placed, key=lambda bar: bar["x"])]


@pytest.mark.parametrize(
    ("numbers", "shares"),
    [
        ([1.0] * 45, [0, 1]),
        ([0.0] * 20 + [1.0] * 20, [1, 1]),
        ([4.0] * 20 + [5.0] * 20, [1, 1]),
        ([1.0, 2.0, 3.0, 4.0, 5.0], [1, 1, 1, 1, 1]),
    ],
)
def test_each_whole_number_has_a_bar_of_its_own(numbers: list[float], shares: list[int]) -> None:
    bars = heights(numbers)
    assert [bar / max(bars) for bar in bars] == shares


def test_many_whole_numbers_share_bars_evenly() -> None:
    bars = heights([float(number) for number in range(96)])
    assert len(bars) == 24
    assert len(set(bars)) == 1


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("numbers"), evaluation())


def cells(report: Path, label: str) -> dict[str, str]:
    """By the table line's first word, what stands in its cell of this label."""
    found = {}
    for line in report.read_text().split("<tr")[1:]:
        name = re.search(r'<th scope="row">([^<]*)', line)
        cell = re.search(rf'data-label="{label}">(.*?)</td>', line, re.DOTALL)
        if name and cell:
            found[name[1].strip()] = re.sub(r"<[^>]+>", "", cell[1]).strip()
    return found


@pytest.mark.slow
def test_rows_failed_is_a_dash_where_none_can_fail(tmp_path: Path) -> None:
    found = evaluation()
    for row in found.scores.values():
        del row["BleuScore"], row["Bias"]
    failed = cells(written(tmp_path, found), "rows failed")
    assert failed["ChrfScore"].isdigit(), "it has errors, and an error is a failed verdict"
    assert int(failed["rougeL_fmeasure"]) > 0, "it has a threshold"
    assert {failed[name] for name in ("latency_p95_ms", "BleuScore", "Bias")} == {"\N{EN DASH}"}


@pytest.mark.slow
def test_hard_thresholds_of_slices_are_counted(report: Path) -> None:
    document = json.loads((report.parent / "evaluation.json").read_text())
    whole = [each for each in document["thresholds"].values() if each["tier"] == "hard"]
    sliced = document["slices"]
    held = sum(each["passed"] for each in [*whole, *sliced])
    said = f"hard thresholds that hold {held} of {len(whole) + len(sliced)}, {len(sliced)} of them"
    assert len(sliced) == 4
    assert f"{said} of slices" in Page(report.read_text()).text


def test_a_passed_gate_s_summary_counts_slices() -> None:
    verdict = evaluation(good=1.0).verdict
    assert verdict.slices
    assert verdict.summary.startswith("all 9 thresholds hold (4 of them of slices)")


def test_each_metric_says_which_way_is_better(report: Path) -> None:
    page = report.read_text()
    ways = dict(re.findall(r'<th scope="row">(\w+).*?class="small way">(.*?)<', page, re.DOTALL))
    assert ways["Correctness"] == "↑ higher is better"
    assert ways["latency_p95_ms"] == ways["output_tokens_mean"] == "↓ lower is better"


@pytest.mark.slow
def test_true_and_yes_are_one_word(tmp_path: Path) -> None:
    found = evaluation(40)
    for i, row in enumerate(found.scores.values()):
        row["Bias"] = type(row["Bias"])(float(i % 2), str(i % 2 == 1), None, None)
    said = {row["scores"]["Bias"]["shown"] for row in rows_in(written(tmp_path, found))["rows"]
            if row["scores"]}  # fmt: skip
    assert said == {"yes", "no"}


@pytest.mark.integration
def test_a_number_of_rows_leads_to_exactly_these(browser: Browser, report: Path) -> None:
    rows = rows_in(report)["rows"]
    browser.open(report)
    choose(browser, "failed", "!")
    choose(browser, "slice", '["topic","topic 0"]')
    browser.run("document.querySelector('.tiles a.to-rows').click()")
    failed = sum(bool(row["failed"] or row["error"]) for row in rows)
    assert browser.run(COUNT) == f"{failed} of 120 rows"
    slice_failed = "a.to-rows[data-failed='=Safety'][data-slice*='topic 2']"
    count = int(browser.run(f'document.querySelector("{slice_failed}").textContent'))
    browser.run(f'document.querySelector("{slice_failed}").click()')
    unsafe = {row["position"] for row in rows if "Safety" in row["failed"]}
    assert set(shown(browser)) == {position for position in unsafe if (position - 1) % 4 == 2}
    assert len(shown(browser)) == count > 0
