"""Reading rows in report.html: links, addresses, one row after the other, taking them along."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from browser import Browser
from html_report import ATTACK, COUNT, Page, choose, evaluation, rows_in, shown, written

pytestmark = pytest.mark.integration

FOCUS = "document.activeElement.id || document.activeElement.textContent"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("rows"), evaluation())


@pytest.fixture
def opened(browser: Browser, report: Path) -> Browser:
    browser.open(report)
    return browser


def press(browser: Browser, selector: str) -> None:
    """As the keyboard does: focus it, then Enter."""
    browser.run(f"document.querySelector({json.dumps(selector)}).focus()")
    for kind in ("keyDown", "keyUp"):
        browser.call(
            "Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter",
            windowsVirtualKeyCode=13, text="\r",
        )  # fmt: skip


def test_a_reason_leads_to_exactly_its_rows_and_takes_the_focus_along(
    opened: Browser, report: Path
) -> None:
    rows = rows_in(report)["rows"]
    press(opened, "header a.to-rows[data-failed='=Correctness']")
    wrong = [row["position"] for row in rows if "Correctness" in row["failed"]]
    opened.wait(f"{COUNT} === '{len(wrong)} of 120 rows'")
    assert shown(opened) == wrong[:50]
    assert opened.run(FOCUS) == "count"
    place = "document.getElementById('count').getBoundingClientRect().top"
    opened.wait(f"0 < {place} && {place} < innerHeight")
    assert opened.run("location.hash") == "#rows?failed=%3DCorrectness"


def test_an_address_brings_filter_order_and_row_back(browser: Browser, report: Path) -> None:
    browser.open(report)
    choose(browser, "failed", "=Safety")
    choose(browser, "sort", "position")
    browser.run("document.getElementById('reverse').click()")
    browser.run("document.querySelector('#list summary').click()")
    first = shown(browser)[0]
    browser.wait(f"location.hash.endsWith('row={first}')")
    address = browser.run("location.hash")
    before = shown(browser)
    browser.open(report, address=address)
    assert shown(browser) == before
    assert browser.run("document.querySelector('#list details').open")
    assert browser.run("document.getElementById('failed').value") == "=Safety"


def test_a_row_has_an_address_thresholds_and_its_trace(browser: Browser, report: Path) -> None:
    [row] = [row for row in rows_in(report)["rows"] if row["position"] == 90]
    browser.open(report, address="#rows?row=90")
    browser.wait("document.querySelectorAll('.verdicts tbody tr').length === 19")
    assert browser.run("document.querySelector('#list details[open] .place').textContent") == "90"
    lines = browser.run(
        "Object.fromEntries([...document.querySelectorAll('.verdicts tbody tr')].map((line) =>"
        " [line.querySelector('th').firstChild.data, line.querySelector('.bounds').innerText]))"
    )
    assert lines["Safety"] == "≥ 0.8\n≥ 0.5 for topic = topic 1"
    assert lines["Correctness"] == "≥ 0.95"
    assert "latency_p95_ms ≤ 2000" in browser.run("document.querySelector('.inside').innerText")
    links = browser.run("[...document.querySelectorAll('.actions a')].map((a) => a.href)")
    root = "http://127.0.0.1:1/#/experiments/1/traces"
    assert links[1] == f"{root}?selectedEvaluationId=tr-{row['id']}&traceId=tr-{row['id']}"


def test_a_row_that_is_not_in_the_page_is_told_of(browser: Browser, report: Path) -> None:
    browser.open(report, address="#rows?row=4711")
    assert "row 4711 is not among them" in browser.run(COUNT)


def test_one_row_after_the_other_by_keyboard(opened: Browser) -> None:
    order = shown(opened)
    press(opened, "#list summary")
    for place in (1, 2):
        next_button = ".row[open] .actions button:nth-child(2)"
        opened.wait(f"!!document.querySelector({json.dumps(next_button)})")
        press(opened, next_button)
        opened.wait(f"document.querySelector('.row[open] .place').textContent === '{order[place]}'")
        assert opened.run(FOCUS) == "next ▸"
    opened.wait("document.querySelectorAll('.row[open]').length === 1")


def test_no_hits_are_said_and_undone(opened: Browser) -> None:
    choose(opened, "search", "nobody said this", "input")
    opened.wait(f"{COUNT} === '0 of 120 rows'")
    assert "No row matches" in opened.run("document.getElementById('list').innerText")
    press(opened, ".none button")
    assert opened.run(COUNT) == "120 of 120 rows"
    assert opened.run("location.hash") in ("", "#rows")


def test_rows_leave_as_csv_that_runs_nothing(opened: Browser) -> None:
    opened.run(
        "URL.createObjectURL ="
        " (blob) => { blob.text().then((text) => { window.told = text; }); return '#'; }"
    )
    choose(opened, "search", "<script>", "input")
    opened.wait(f"{COUNT} === '1 of 120 rows'")
    opened.run("document.getElementById('csv').click()")
    opened.wait("!!window.told")
    head, line = opened.run("window.told").strip("\ufeff").strip().splitlines()
    assert head.startswith('"row","id","question","answer","expected"')
    assert f'"{ATTACK.replace(chr(34), chr(34) * 2)}"' in line
    assert opened.run("csvOf([['=1+1', '-0.5', '@x']])").strip() == '"\'=1+1","-0.5","\'@x"'


def test_columns_are_chosen(opened: Browser) -> None:
    opened.run("document.querySelector('#choices input[value=\"=Safety\"]').click()")
    opened.run("document.querySelector('#choices input[value=\"@topic\"]').click()")
    cells = opened.run("document.querySelector('#list .row:nth-child(2) .texts').innerText")
    assert "Safety " in cells
    assert "topic topic" in cells
    assert "column=%3DSafety" in opened.run("location.hash")


def test_the_theme_is_switched_against_the_system(opened: Browser) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    light = opened.run(background)
    for _ in range(2):
        opened.run("document.getElementById('theme').click()")
    assert opened.run("document.getElementById('theme').textContent") == "theme: dark"
    assert opened.run(background) != light
    opened.run("document.getElementById('theme').click()")


def test_paper_has_all_rows_no_controls_and_is_light(browser: Browser, report: Path) -> None:
    browser.open(report, dark=True)
    browser.call("Page.printToPDF")
    browser.call("Emulation.setEmulatedMedia", media="print")
    assert len(shown(browser)) == 120
    printed = browser.run("document.getElementById('printed').innerText")
    assert printed == "Printed are all 120 of them."
    assert browser.run("getComputedStyle(document.querySelector('.controls')).display") == "none"
    assert browser.run("getComputedStyle(document.documentElement).colorScheme") == "light"
    browser.call("Emulation.setEmulatedMedia", media="")


def test_without_javascript_the_page_says_what_is_missing(report: Path) -> None:
    page = Page(report.read_text())
    assert "The rows need JavaScript" in page.text
    hidden = [a.get("id") for tag, a in page.tags if tag == "button" and "hidden" in a]
    assert hidden == ["theme", "more"]


def test_links_lead_on_inside_mlflow_s_viewer(
    browser: Browser, report: Path, tmp_path: Path
) -> None:
    """A frame with the page as a blob, sandboxed, as MLflow 3.17 shows an artifact."""
    browser.open(report, width=1200, height=900)
    link = "document.querySelector('header a.to-rows').getBoundingClientRect()"
    x, y = browser.run(f"(() => {{ const at = {link}; return [at.x + 9, at.y + 9]; }})()")
    text = json.dumps(report.read_text()).replace("</", "<\\/")
    host = tmp_path / "viewer.html"
    host.write_text(
        "<body style='margin: 0'><iframe sandbox='allow-scripts' onload='document.title=\"ready\"'"
        f" style='border: 0; width: 1200px; height: 900px'></iframe><script>const page = {text};"
        "document.querySelector('iframe').src ="
        " URL.createObjectURL(new Blob([page], {type: 'text/html'}));</script>"
    )
    browser.visit(host.as_uri())
    browser.wait("document.title === 'ready'")
    pictures = []
    for name in ("before", "after"):
        settled = tmp_path / f"{name}.png"
        browser.wait_until_still(settled)
        pictures.append(settled.read_bytes())
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            browser.call(
                "Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1
            )
    assert pictures[0] != pictures[1]
