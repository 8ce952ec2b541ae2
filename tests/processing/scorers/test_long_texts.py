"""Long and hostile texts take a scorer time in proportion to their length."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marker_judge import question
from rouge_score.rouge_scorer import RougeScorer, _lcs_table

from processing.base.clean_text import comparable
from processing.config.judge import silence_libraries
from processing.config.scorers import parse_scorer
from processing.judges.reply_json import read_reply
from processing.judges.verdict import JudgeError
from processing.scorers.build import build_scorers
from processing.scorers.rouge import common_subsequence

LONG = 5_000
"""Characters. Four times as many may take ten times as long; what is quadratic takes sixteen."""
NOT_SLOW = 0.1
"""Seconds: too short to be told from noise."""


def prose(length: int) -> str:
    drawn = random.Random(length)
    words = ["".join(drawn.choices("etaoinshrdlu", k=drawn.randint(2, 10))) for _ in range(2000)]
    return " ".join(drawn.choices(words, k=length // 7))


TEXTS: dict[str, Callable[[int], str]] = {
    "prose": prose,
    "Chinese": lambda length: "熱が三日続く。" * (length // 7),
    "one word": lambda length: "y" * length,
    "words of one letter": lambda length: ("y" * 19 + "a") * (length // 20),
    "marks on a letter": lambda length: "e" + "\u0301\u0323" * (length // 2),
    "marks in Tibetan": lambda length: "\u0f40" + "\u0f73" * length,
    "flags": lambda length: "🇩🇪" * (length // 2),
    "half flags": lambda length: "x🇩" + "🇩" * length,
    "signs": lambda length: "C+" * (length // 2),
    "addresses": lambda length: "a@a." * (length // 4),
    "digits": lambda length: "1-" * (length // 2),
}
ENTRIES: dict[str, object] = {
    "rougeL_fmeasure": "rougeL_fmeasure",
    "BleuScore": "BleuScore",
    "ChrfScore": "ChrfScore",
    "is_brief": "is_brief",
    "domain_terminology": {"domain_terminology": {"terms": ["C++", "nose bleed", "%"]}},
    "PIIDetection": {"PIIDetection": {}},
}


@pytest.mark.slow
@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("entry", ENTRIES)
def test_four_times_the_text_takes_four_times_as_long(entry: str, text: str) -> None:
    silence_libraries()
    [built] = build_scorers([parse_scorer(ENTRIES[entry])], None, Path())

    def score(length: int) -> None:
        both = TEXTS[text](length)
        with contextlib.suppress(JudgeError):  # of a text without words: it took its time, too
            built.score(question(both, expected_response=f"rest {both}"))

    assert_proportional(score, LONG)


@pytest.mark.parametrize("text", TEXTS)
def test_four_times_the_text_is_compared_in_four_times_the_time(text: str) -> None:
    assert_proportional(lambda length: comparable(TEXTS[text](length)), 4 * LONG)


def test_a_key_twice_is_found_among_many() -> None:
    def read(length: int) -> None:
        keys = "".join(f'"{number}": 1, ' for number in range(length // 10))
        with pytest.raises(JudgeError, match="twice in one object"):
            read_reply(f'{{{keys} "{length // 10 - 3}": 2}}')

    assert_proportional(read, 50_000)


def assert_proportional(work: Callable[[int], None], length: int) -> None:
    def seconds(size: int) -> float:
        began = time.thread_time()
        work(size)
        return time.thread_time() - began

    work(100)  # imports
    once = min(seconds(length) for _ in range(3))
    longer = min(seconds(4 * length) for _ in range(2))
    assert longer < NOT_SLOW or longer < 10 * once


WORDS = st.lists(st.sampled_from("abcdef"), max_size=150)


@given(WORDS, WORDS)
def test_common_subsequences_are_those_of_google_s_table(
    first: list[str], second: list[str]
) -> None:
    assert common_subsequence(first, second) == _lcs_table(first, second)[-1][-1]


STEMS = st.sampled_from(["the", "fevers", "fever", "helping", "helps", "Dr.", "3", "don't", "rest"])


@pytest.mark.slow
@given(st.lists(STEMS, max_size=60), st.lists(STEMS, min_size=1, max_size=60))
def test_rouge_of_texts_with_common_words_is_google_s_to_the_last_bit(
    answer: list[str], expected: list[str]
) -> None:
    silence_libraries()
    [built] = build_scorers([parse_scorer("rougeL_fmeasure")], None, Path())
    given_ = question(" ".join(answer), expected_response=" ".join(expected))
    google = RougeScorer(["rougeL"], use_stemmer=True)
    theirs = google.score(given_.expected_response, given_.answer)["rougeL"]
    ours = built.score(given_)
    assert ours.value == theirs.fmeasure
    assert f"precision {theirs.precision:.3f}, recall {theirs.recall:.3f}" in str(ours.rationale)
