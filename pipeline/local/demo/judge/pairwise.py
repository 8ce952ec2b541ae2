"""The rule for pairwise prompts, and the switch for a judge that looks at the place alone.

The better answer has more of the expected answer's words, or without one more of the question's;
of two that have as many, the one with fewer filler sentences. Otherwise it is a tie.
"""

import re
from typing import Any

from pipeline.local.demo.judge.rules import (
    JudgeRequest,
    Rule,
    coverage,
    fillers,
    opening,
    plain,
    said,
    tag,
)

KIND = "pairwise"


def _better(match: re.Match[str], _: JudgeRequest) -> dict[str, Any]:
    wanted = match["expected"] or plain(match["question"])
    of = "expected" if match["expected"] else "question's"
    shares = [coverage(wanted, match[place]) for place in ("first", "second")]
    padding = [len(fillers(match[place])) for place in ("first", "second")]
    first, second = ((share.shared, -filler) for share, filler in zip(shares, padding, strict=True))
    reason = (
        f"the first answer has {shares[0]} {of} words and {padding[0]} filler sentences, "
        f"the second {shares[1]} and {padding[1]}"
    )
    result = "first" if first > second else "second" if second > first else "tie"
    return {"result": result, "rationale": said(reason)}


def in_its_place(verdict: dict[str, Any], place: str) -> dict[str, Any]:
    """The verdict of a judge that prefers what stands in that place, whatever it is."""
    return verdict | {"result": place, "rationale": said(f"this model prefers the {place} answer")}


def _label(match: re.Match[str], _: JudgeRequest) -> str:
    found = re.findall(r"<guideline>(.*?)</guideline>", match["guidelines"], re.DOTALL)
    return tag("\n".join(found))


RULES: tuple[Rule, ...] = (
    Rule(
        KIND,
        opening(
            "Compare two answers to the same question",
            r"<guidelines>(?P<guidelines>.*?)</guidelines>\s*"
            r"<question>(?P<question>.*?)</question>\s*"
            r"(?:<expected_answer>(?P<expected>.*?)</expected_answer>\s*)?"
            r"<first_answer>(?P<first>.*)</first_answer>\s*"
            r"<second_answer>(?P<second>.*)</second_answer>",
        ),
        _better,
        _label,
    ),
)
