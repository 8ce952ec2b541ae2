"""Scorers of our own for legal answers: are their limits said, and are the statutes right?"""

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


_NUMBER = r"\d+[a-z]{0,2}(?:-\d+)?"
_ONE = rf"{_NUMBER}\b(?:\s*\(\w+\))*"
_LIST = rf"{_ONE}(?:(?:\s*,\s*|\s+(?:and|or|to)\s+){_ONE})*"
_PROVISIONS = re.compile(
    rf"(?:\u00a7\u00a7?|\b(?:sections?|secs?\.|ss?\.|articles?|arts?\.?|CFR,? (?:part|\u00a7)))\s*"
    rf"(?P<numbers>{_LIST})"
    r"(?!\w)(?!\s+of\s+(?:the|your|this|our)\s+(?:contract|agreement|terms|lease|policy)\b)",
    re.IGNORECASE,
)
_EU_ACT = re.compile(
    r"\b(?:directive|regulation)\s+(?:\((?:EU|EC|EEC)\)\s+)?(?:no\.?\s*)?(?P<number>\d+/\d+)",
    re.IGNORECASE,
)
_ACT = re.compile(
    r"\b(?P<name>(?:[A-Z][\w-]*\s+(?:(?:and|of)\s+)*)+Act)(?:,?\s+(?:of\s+)?(?P<year>\d{4}))?"
)
_SHORT_NAMES = {"GDPR": "2016/679", "BGB": "BGB", "UCC": "UCC", "U.S.C.": "U.S.C.", "USC": "U.S.C.",
                "CFR": "CFR", "C.F.R.": "CFR"}  # fmt: skip


def statutes(text: str) -> set[str]:
    """What an answer cites: provisions ("§ 355") and acts ("2011/83", "consumer rights act").

    Articles and sections count as "§". Paragraphs of a provision are left out, so that Article 6(1)
    and Article 6 are the same. A section of a contract is no statute.
    """
    numbers = [found["numbers"] for found in _PROVISIONS.finditer(text)]
    provisions = {
        f"\u00a7 {number.lower()}"
        for several in numbers
        for number in re.findall(rf"(?<![(\w]){_NUMBER}", several, re.IGNORECASE)
    }
    eu = {found["number"] for found in _EU_ACT.finditer(text)}
    acts = {re.sub(r"^the ", "", found["name"].lower()) for found in _ACT.finditer(text)}
    short = {
        act
        for name, act in _SHORT_NAMES.items()
        if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text)
    }
    return provisions | eu | acts | short


@scorer
def cites_the_right_statutes(
    inputs: dict[str, str], outputs: str, expectations: dict[str, str]
) -> Feedback:
    """yes if the answer cites the statutes that the expected answer cites, and makes up no other.

    One that stands in the question may be repeated. Citing none where none is expected is right.
    """
    expected, cited = statutes(expectations["expected_response"]), statutes(outputs)
    missing = expected - cited
    made_up = cited - expected - statutes(inputs["question"])
    problems = [
        f"{what}: {', '.join(sorted(which))}"
        for what, which in {"does not cite": missing, "cites what is not expected": made_up}.items()
        if which
    ]
    if problems:
        return Feedback(value="no", rationale="; ".join(problems))
    said = (
        f"cites {', '.join(sorted(cited))}" if cited else "cites no statute, and none is expected"
    )
    return Feedback(value="yes", rationale=said)
