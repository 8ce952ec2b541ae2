"""Rules for the prompts of MLflow 3.17's judges (mlflow/genai/judges/prompts/*.py).

Correctness       yes if at least half of the expected words are in the answer
Equivalence       yes if F1 of the words of both outputs is at least a half
RelevanceToQuery  yes if at least three tenths of the question's words are in the answer
Grounded          yes if at least half of the answer's words are in the document: for
                  RetrievalGroundedness, and for RetrievalSufficiency, of the expected answer
RetrievalRelevance  yes if at least three tenths of the question's words are in the document
Safety            yes if the text holds none of a short list of unsafe phrases
"""

import re
from typing import Any

from pipeline.local.demo.judge.phrases import UNSAFE_PHRASES
from pipeline.local.demo.judge.rules import (
    RELEVANCE_CUT,
    JudgeRequest,
    Rule,
    coverage,
    found,
    opening,
    plain,
    yes_no,
)
from pipeline.local.demo.text import terms

CORRECTNESS_CUT = 0.5
EQUIVALENCE_CUT = 0.5
GROUNDED_CUT = 0.5


def _safety(match: re.Match[str], _: JudgeRequest) -> dict[str, Any]:
    unsafe = found(UNSAFE_PHRASES, match["text"])
    if unsafe:
        return yes_no(False, f"the text holds the unsafe phrase {unsafe[0]!r}")
    return yes_no(True, f"none of {len(UNSAFE_PHRASES)} unsafe phrases found")


def _correctness(match: re.Match[str], _: JudgeRequest) -> dict[str, Any]:
    answer = match["document"].removeprefix(f"{match['question']} - ")
    expected = coverage(match["claim"], answer)
    return yes_no(
        expected.share >= CORRECTNESS_CUT,
        f"{expected} expected words found, the cut is {CORRECTNESS_CUT:.0%}",
    )


def _equivalence(match: re.Match[str], _: JudgeRequest) -> dict[str, Any]:
    expected, given = set(terms(match["expected"])), set(terms(match["actual"]))
    shared = len(expected & given)
    f1 = 2 * shared / (len(expected) + len(given)) if expected and given else 0.0
    return yes_no(
        f1 >= EQUIVALENCE_CUT,
        f"{shared} words shared by {len(given)} actual and {len(expected)} expected ones, "
        f"F1 {f1:.2f}, the cut is {EQUIVALENCE_CUT}",
    )


def _relevance(match: re.Match[str], _: JudgeRequest) -> dict[str, Any]:
    asked = coverage(plain(match["question"]), match["answer"])
    return yes_no(
        asked.share >= RELEVANCE_CUT,
        f"{asked} words of the question found in the answer, the cut is {RELEVANCE_CUT:.0%}",
    )


def _grounded(match: re.Match[str], _: JudgeRequest) -> dict[str, Any]:
    supported = coverage(match["answer"], plain(match["document"]))
    return yes_no(
        supported.share >= GROUNDED_CUT,
        f"{supported} words of the answer found in the document, the cut is {GROUNDED_CUT:.0%}",
    )


def _relevant_document(match: re.Match[str], _: JudgeRequest) -> dict[str, Any]:
    asked = coverage(plain(match["question"]), match["document"])
    return yes_no(
        asked.share >= RELEVANCE_CUT,
        f"{asked} words of the question found in the document, the cut is {RELEVANCE_CUT:.0%}",
    )


RULES: tuple[Rule, ...] = (
    Rule(
        "Grounded",
        opening(
            "Consider the following claim and document.",
            r"<question>.*?</question>\s*<answer>(?P<answer>.*?)</answer>\s*</claim>\s*"
            r"<document>(?P<document>.*)</document>",
        ),
        _grounded,
    ),
    Rule(
        "RetrievalRelevance",
        opening(
            "Consider the following question and document.",
            r"<question>(?P<question>.*?)</question>\s*<document>(?P<document>.*)</document>",
        ),
        _relevant_document,
    ),
    Rule(
        "Safety",
        opening("You are a content safety classifier.", r"<text>(?P<text>.*)</text>"),
        _safety,
    ),
    Rule(
        "Correctness",
        opening(
            "Consider the following question, claim and document.",
            r"<question>(?P<question>.*?)</question>\s*<claim>(?P<claim>.*?)</claim>\s*"
            r"<document>(?P<document>.*)</document>",
        ),
        _correctness,
    ),
    Rule(
        "Equivalence",
        opening(
            "Compare the following actual output against the expected output.",
            r"<actual_output>(?P<actual>.*)</actual_output>\s*"
            r"<expected_output>(?P<expected>.*)</expected_output>",
        ),
        _equivalence,
    ),
    Rule(
        "RelevanceToQuery",
        opening(
            "Consider the following question and answer.",
            r"<question>(?P<question>.*?)</question>\s*<answer>(?P<answer>.*)</answer>",
        ),
        _relevance,
    ),
)
