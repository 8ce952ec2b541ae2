"""One place names the judge of the examples: evaluation.yaml. What else shows it says the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from configuration_file import read_document
from judge_models import EXAMPLE_ID, EXAMPLE_JUDGE
from running_aws import REPOSITORY

CLAUDE = re.compile(r"[a-z-]+\.anthropic\.claude-[a-z0-9][a-z0-9.:-]*")
SHOWN = [
    REPOSITORY / "README.md",
    *REPOSITORY.glob("docs/*.md"),
    *REPOSITORY.glob("examples/**/*.y*ml"),
    *REPOSITORY.glob("examples/**/*.py"),
    *REPOSITORY.glob("examples/**/*.ipynb"),
    *REPOSITORY.glob("pipeline/**/*.py"),
    *REPOSITORY.glob("processing/**/*.py"),
    *REPOSITORY.glob("benchmarks/**/*.py"),
]


def test_no_other_claude_is_shown() -> None:
    shown = {file: set(CLAUDE.findall(file.read_text(encoding="utf-8"))) for file in SHOWN}
    assert len(shown) > 500
    assert {file: found for file, found in shown.items() if found - {EXAMPLE_ID}} == {}


FILES = [REPOSITORY / "evaluation.yaml", *sorted(REPOSITORY.glob("examples/*/evaluation.yaml"))]


@pytest.mark.parametrize("file", FILES, ids=str)
def test_every_example_asks_that_judge_and_sends_it_nothing_that_it_may_refuse(file: Path) -> None:
    assert read_document(file)["judge"] == {"model": EXAMPLE_JUDGE}


def test_the_readme_shows_it() -> None:
    assert f"  model: {EXAMPLE_JUDGE}\n" in (REPOSITORY / "README.md").read_text(encoding="utf-8")
