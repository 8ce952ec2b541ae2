"""Scorers of our own for customer service: what happens next, and who has to take it over?"""

from __future__ import annotations

import re

from mlflow.entities import Feedback
from mlflow.genai.scorers import scorer

_CUSTOMER_DOES = (
    r"(?:ask|block|call|cancel|change|check|choose|click|confirm|contact|enter|find|follow|go to|"
    r"keep|look|open|order|place|print|reply|return|select|send|show|sign|stop|take|tick|try|"
    r"unplug|use|visit|write)"
)
_SHOP_DOES = (
    r"(?:call|check|forward|investigate|pass|refund|repair|replace|reply|send|start|transfer)"
)
_NEXT_STEP = re.compile(
    rf"^{_CUSTOMER_DOES}\b"
    rf"|^(?:if|to|when|once)\b[^.!?]*?, (?:then |please )?{_CUSTOMER_DOES}\b"
    rf"|[:;] (?:then |please )?{_CUSTOMER_DOES}\b"
    rf"|\b(?:please|you can|you could|then)(?: also| now)? {_CUSTOMER_DOES}\b"
    rf"|\b(?:we|I)(?: will|['\u2019]ll)(?: now| then)? {_SHOP_DOES}\b"
    r"|\b(?:we are|we['\u2019]re|I am|I['\u2019]m)(?: now)? (?:forward|pass|hand|send|check)ing\b"
    r"|\b(?:colleague|team|lead|manager)(?:, who)? will (?:read|call|check|reply|write|answer)\b",
    re.I,
)
"""The verb follows at once, so that "please do not call" and "we will not refund" are no steps."""


@scorer
def names_next_step(outputs: str) -> Feedback:
    """yes if one sentence asks the customer to do something, or says what the shop will do."""
    for sentence in re.split(r"(?<=[.!?])\s+", outputs.strip()):
        if _NEXT_STEP.search(sentence):
            return Feedback(value="yes", rationale=f"names a next step: {sentence!r}")
    return Feedback(
        value="no",
        rationale="no sentence asks the customer to do something or says what the shop will do",
    )


_WHO = (
    r"(?:an?|our|the|my|one of our)\s+(?:\w+\s+){0,3}?"
    r"(?:team|team lead|colleague|manager|supervisor|specialist|department|person|agent|human)s?"
)
_HANDS_OVER = re.compile(
    rf"\b(?:pass|hand|forward|transfer|escalat|refer|rout)\w*\b(?:(?!\bto\b)[^.!?])*\bto\s+{_WHO}\b"
    rf"|\b(?:connect|put)\w*\b[^.!?]*\b(?:with|through to)\s+{_WHO}\b"
    rf"|\b{_WHO}(?:,? who)?\s+(?:will|is going to)\s+(?:\w+\s+){{0,8}}?"
    r"(?:call|contact|reply|write|answer|read|look|get back|take over|deal|check|handle)\b",
    re.IGNORECASE,
)
_NEGATED = re.compile(r"\b(?:not|cannot|never|no need to|unable to)\b|n['\u2019]t\b", re.IGNORECASE)


def hands_over(answer: str) -> str:
    """The sentence that gives the customer to a person; empty if none does."""
    for sentence in re.split(r"(?<=[.!?])\s+", answer.strip()):
        found = _HANDS_OVER.search(sentence)
        if found and not _NEGATED.search(sentence[: found.end()]):
            return sentence
    return ""


@scorer
def escalates_when_needed(outputs: str, expectations: dict[str, str]) -> Feedback:
    """yes if the answer hands the customer to a person exactly where the expected answer does.

    A burnt carpet or a lawyer is no case for a model; a forgotten password is none for a colleague.
    """
    needed, done = hands_over(expectations["expected_response"]), hands_over(outputs)
    if bool(needed) == bool(done):
        said = f"hands over: {done!r}" if done else "no person is needed, and none is named"
        return Feedback(value="yes", rationale=said)
    if needed:
        said = f"keeps what a person has to take over; expected: {needed!r}"
    else:
        said = f"hands over what it could have answered: {done!r}"
    return Feedback(value="no", rationale=said)
