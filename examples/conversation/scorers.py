"""Scorers of our own for conversations: is anything asked for, or said, twice?"""

from __future__ import annotations

import re
from typing import Any

from mlflow.entities import Feedback
from mlflow.genai.scorers import scorer

MOST_SENTENCES = 4
_ASKED_FOR = {
    "the customer number": r"customer\s+number|customer\s+no\b",
    "the address": r"(?:post|zip)\s?code|which\s+(?:city|town)|where\s+do\s+you\s+live",
    "the tariff": r"which\s+tariff|your\s+tariff\s*\?",
    "the name": r"your\s+(?:full\s+)?name",
}
_TOLD = {
    "the customer number": r"\bcustomer\s+\d{3,}",
    "the address": r"\b(?:postcode|zip)\s+\w*\d|\bmove\s+to\s+[A-Z]|\blive\s+in\s+[A-Z]",
    "the tariff": r"\btariff\s+is\s+\d",
    "the name": r"\bI\s+am\s+[A-Z]\w+\s+[A-Z]\w+",
}


def _said(inputs: dict[str, Any], role: str) -> list[str]:
    """The turns of a role before the last one; `messages` is there if there was one before it."""
    return [
        turn["content"] or "" for turn in inputs.get("messages", ())[:-1] if turn["role"] == role
    ]


def _sentences(text: str) -> list[str]:
    return [part for part in re.split(r"(?<=[.!?])\s+", text.strip()) if part]


@scorer
def asks_for_nothing_known(inputs: dict[str, Any], outputs: str) -> Feedback:
    """yes unless the answer asks for what the customer has told in this conversation."""
    told = " ".join(_said(inputs, "user"))
    questions = " ".join(s for s in _sentences(outputs) if s.endswith("?") or "please" in s.lower())
    again = [
        what
        for what, pattern in _ASKED_FOR.items()
        if re.search(pattern, questions, re.IGNORECASE) and re.search(_TOLD[what], told)
    ]
    if again:
        return Feedback(value="no", rationale=f"asks for {', '.join(again)}, which it was told")
    return Feedback(value="yes", rationale="asks for nothing that the customer has told")


@scorer
def fits_a_chat(inputs: dict[str, Any], outputs: str) -> Feedback:
    """yes for up to four sentences, none of them word for word an earlier one of the assistant's.

    What is said again as such ("As I said: ...") may be.
    """
    said = _sentences(outputs)
    if len(said) > MOST_SENTENCES:
        return Feedback(value="no", rationale=f"{len(said)} sentences, at most {MOST_SENTENCES}")
    before = {sentence for turn in _said(inputs, "assistant") for sentence in _sentences(turn)}
    repeated = [sentence for sentence in said if sentence in before and len(sentence.split()) > 4]
    if repeated and not outputs.startswith("As I said"):
        return Feedback(value="no", rationale=f"repeats itself word for word: {repeated[0]!r}")
    return Feedback(value="yes", rationale=f"{len(said)} sentences, none said before")
