"""RegexMatch, PIIDetection and ResponseLength say what MLflow's own scorers say, and never hang."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlflow.genai.scorers import PIIDetection, RegexMatch, ResponseLength

from processing.base.clean_text import comparable
from processing.config.scorer_numbers import number_of
from processing.config.scorers import parse_scorer
from processing.judges.verdict import JudgeError, Question
from processing.scorers.build import build_scorers
from processing.scorers.kept_verdict import numbered

SENSITIVE = st.sampled_from(
    ["alice@example.com", "555-123-4567", "+4915112345678", "078-05-1120", "4111 1111 1111 1111",
     "10.0.0.255", "Answer: 42", "answer:", " ", "\n", "a.b", "3.14", "ßé"]
)  # fmt: skip
# of ² and combining marks Python's re and regex think differently, whether they are in a word
plain = st.text(st.characters(categories=["L", "Nd", "P", "S", "Zs"]), max_size=8)
texts = st.lists(st.one_of(SENSITIVE, plain), min_size=1, max_size=6).map("".join)


def score(entry: dict[str, Any], answer: str) -> float:
    [built] = build_scorers([parse_scorer(entry)], None)
    number = number_of(
        built.spec, numbered(built, built.score(Question("Why?", answer, "So."))).value
    )
    assert number is not None
    return number


CASES = [
    ({"RegexMatch": {"pattern": r"^Answer:\s*\d+"}}, RegexMatch(pattern=r"^Answer:\s*\d+")),
    (
        {
            "RegexMatch": {
                "pattern": "answer:.*",
                "match_type": "fullmatch",
                "case_insensitive": True,
            }
        },
        RegexMatch(pattern="answer:.*", match_type="fullmatch", case_insensitive=True),
    ),
    ({"PIIDetection": {}}, PIIDetection()),
    ({"PIIDetection": {"pii_types": ["ssn", "email"]}}, PIIDetection(pii_types=["ssn", "email"])),
    ({"ResponseLength": {"max_length": 12}}, ResponseLength(max_length=12)),
    (
        {"ResponseLength": {"min_length": 2, "max_length": 3, "unit": "words"}},
        ResponseLength(min_length=2, max_length=3, unit="words"),
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize(("entry", "theirs"), CASES, ids=lambda case: str(case)[:60])
@settings(max_examples=60)
@given(answer=texts.filter(lambda text: any(map(str.isalnum, text))))
def test_they_say_what_mlflow_says(entry: dict[str, Any], theirs: Any, answer: str) -> None:
    # every scorer sees cleaned text, and so MLflow's is given the same
    said = theirs(outputs=comparable(answer)).value
    assert score(entry, answer) == (1.0 if said == "yes" else 0.0)


@pytest.mark.parametrize(
    ("entry", "answer"),
    [
        ({"RegexMatch": {"pattern": "(a+)+$"}}, "a" * 60 + "b"),
        ({"RegexMatch": {"pattern": "(.*)*x", "match_type": "fullmatch"}}, "a" * 5_000),
        ({"PIIDetection": {}}, "a" * 400_000),
    ],
    ids=["nested", "whole", "mail"],
)
def test_no_answer_holds_a_pattern_up(entry: dict[str, Any], answer: str) -> None:
    begun = time.monotonic()
    try:
        score(entry, answer)
    except JudgeError as error:
        assert "took over 2 s" in error.reason  # noqa: PT017
    assert time.monotonic() - begun < 60


@pytest.mark.parametrize(
    ("entry", "wrong"),
    [
        ({"RegexMatch": {}}, "RegexMatch: pattern is missing"),
        ({"RegexMatch": {"pattern": "("}}, "RegexMatch: pattern: is no regular expression"),
        ({"PIIDetection": {"pii_types": ["name"]}}, "RegexMatch|PIIDetection: pii_types"),
        ({"PIIDetection": {"pii_types": []}}, "PIIDetection: pii_types"),
        ({"ResponseLength": {}}, "ResponseLength: needs min_length or max_length"),
        (
            {"ResponseLength": {"min_length": 9, "max_length": 3}},
            "min_length 9 is above max_length 3",
        ),
    ],
    ids=lambda case: str(case)[:50],
)
def test_what_says_nothing_is_refused(entry: dict[str, Any], wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        parse_scorer(entry)
