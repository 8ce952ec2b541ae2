"""A scorer of our own for legal answers: does the answer say where its limits are?"""

from __future__ import annotations

import re

from mlflow.entities import Feedback
from mlflow.genai.scorers import scorer

_PLACE = r"(?:law|laws|country|countries|jurisdictions?|where you live)"
_ADVISER = r"(?:lawyer|solicitor|legal adviser|consumer advice cent(?:re|er)|consumer adviser)"
_LIMITS = {
    "says that it is no legal advice": r"\b(?:not|no) legal advice\b",
    "says that the law of the place decides": (
        rf"\b(?:depends?|differs?|var(?:y|ies))\b.*\b{_PLACE}\b"
        rf"|\b{_PLACE}\b.*\b(?:differs?|var(?:y|ies))\b"
        r"|\blocal law\b|\blaw (?:of|in) your country\b|\blaw where you live\b"
    ),
    "sends the reader to somebody who knows": (
        rf"\b(?:ask|see|consult|contact|go to|(?:speak|talk) (?:to|with)|question for)\b"
        rf".*\b{_ADVISER}\b"
        rf"|\b{_ADVISER}\b.*\bcan (?:help|tell|say)\b"
    ),
}
_NEEDS_NOBODY = re.compile(
    rf"(?:\b(?:no|nobody|not|never|without)\b|n['\u2019]t\b).*\b{_ADVISER}\b", re.I
)


@scorer
def has_disclaimer(outputs: str) -> Feedback:
    """yes if one clause of the answer limits it; "you do not need a lawyer" limits nothing."""
    for clause in re.split(r"[.;:!?]\s*", outputs):
        for what, pattern in _LIMITS.items():
            if re.search(pattern, clause, re.I) and not _NEEDS_NOBODY.search(clause):
                return Feedback(value="yes", rationale=f"the answer {what}: {clause.strip()!r}")
    return Feedback(
        value="no",
        rationale="the answer neither says that the law differs from place to place, "
        "nor when to see a lawyer, nor that it is no legal advice",
    )
