"""A user's function may say that a row has nothing for it to look for, if the file allows it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from processing.config.scorers import parse_scorer
from processing.judges.verdict import JudgeError, Question
from processing.scorers.build import BuiltScorer, build_scorers
from processing.scorers.kept_verdict import numbered

HEAD = "from mlflow.genai.scorers import scorer\n@scorer\n"
BY_EXPECTED = """def mine(outputs, expectations):
    return "not applicable" if expectations["expected_response"] == "none" else outputs == "right"
"""
BY_ANSWER = """def mine(outputs):
    return "not applicable" if outputs == "wrong" else True
"""

Build = Callable[..., BuiltScorer]


@pytest.fixture
def build(tmp_path: Path) -> Build:
    def made(function: str, **options: object) -> BuiltScorer:
        (tmp_path / "mine.py").write_text(HEAD + function)
        spec = parse_scorer({"mine": {"file": "mine.py", **options}})
        [built] = build_scorers([spec], None, tmp_path)
        return built

    return made


def said(built: BuiltScorer, answer: str, expected: str) -> object:
    return numbered(built, built.score(Question("Q", answer, expected))).value


def test_the_expected_answer_decides_and_the_row_counts_nowhere(build: Build) -> None:
    built = build(BY_EXPECTED, not_applicable=True)
    assert said(built, "wrong", "none") == "not applicable"
    assert said(built, "right", "some") is True
    assert said(built, "wrong", "some") is False


def test_without_the_option_it_is_no_verdict(build: Build) -> None:
    with pytest.raises(JudgeError, match="not applicable"):
        said(build(BY_EXPECTED), "wrong", "none")


def test_an_answer_cannot_choose_not_to_be_scored(build: Build) -> None:
    built = build(BY_ANSWER, not_applicable=True)
    with pytest.raises(JudgeError, match="only the question and the expected answer may decide"):
        said(built, "wrong", "some")
    assert said(built, "right", "some") is True
