"""report.html for everybody: axe-core finds nothing, and what it does not measure is measured."""

from __future__ import annotations

from pathlib import Path

import pytest
from accessibility import looked_at
from browser import Browser
from html_report import evaluation, written

pytestmark = pytest.mark.integration

OPEN_SOME = """
  [...document.querySelectorAll('#list details')].slice(0, 3).forEach((of) => { of.open = true; });
  document.querySelectorAll('details.more').forEach((more) => { more.open = true; });
"""
CONTRAST = """
  const light = (color) => {
    const of = color.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255)
      .map((part) => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * of[0] + 0.7152 * of[1] + 0.0722 * of[2];
  };
  const contrast = (one, other) => {
    const [low, high] = [light(one), light(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const of = (selector, name) => getComputedStyle(document.querySelector(selector))[name];
"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("accessible"), evaluation())


def look(browser: Browser, report: Path, width: int, *, dark: bool = False) -> None:
    browser.open(report, width=width, dark=dark)
    browser.run(OPEN_SOME)
    browser.wait("document.querySelectorAll('.verdicts').length > 1")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1440, 1024, 390])
def test_axe_finds_nothing(browser: Browser, report: Path, width: int, dark: bool) -> None:
    look(browser, report, width, dark=dark)
    found = looked_at(browser)
    assert found["violations"] == []
    assert found["contrasts"] > 100, "it has looked at the texts"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_lines_that_mean_something_stand_out(browser: Browser, report: Path, dark: bool) -> None:
    look(browser, report, 1280, dark=dark)
    bar, border = browser.run(
        f"(() => {{ {CONTRAST}"
        "const card = of('section', 'backgroundColor');"
        "return [contrast(of('.picture .interval path', 'stroke'), card),"
        " contrast(of('#search', 'borderTopColor'), card)]; })()"
    )
    assert min(bar, border) >= 3


def test_what_is_pressed_is_large_enough(browser: Browser, report: Path) -> None:
    look(browser, report, 390)
    small = browser.run(
        "[...document.querySelectorAll('button, a, summary, select, input[type=search]')]"
        ".filter((each) => each.checkVisibility())"
        ".map((each) => [each.textContent, each.getBoundingClientRect()])"
        ".filter(([, box]) => box.width < 24 || box.height < 24).map(([text]) => text)"
    )
    assert small == []
