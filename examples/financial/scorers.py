"""Scorers of our own for financial answers: right figures, no personal advice, risks disclosed."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal

from mlflow.entities import Feedback
from mlflow.genai.scorers import scorer

_SCALES = {"thousand": 10**3, "k": 10**3, "million": 10**6, "m": 10**6, "mn": 10**6,
           "billion": 10**9, "bn": 10**9}  # fmt: skip
_CURRENCIES = {"$": "USD", "usd": "USD", "dollar": "USD", "dollars": "USD",
               "€": "EUR", "eur": "EUR", "euro": "EUR", "euros": "EUR",
               "£": "GBP", "gbp": "GBP", "pound": "GBP", "pounds": "GBP"}  # fmt: skip
_FIGURE = re.compile(
    r"""(?<![\w.,])                                   # not the end of 3.10.2
    (?P<sign>(?<!\w)[-\u2212\u2013]|\bminus\s)?      # 3-5 is a range, -5 a number
    (?P<symbol>[$€£]\s?|\b(?:USD|EUR|GBP)\s)?
    (?P<late_sign>[-\u2212])?
    (?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)
    (?:\s?(?P<percent>%|per\s?cent\b|percent\b)
      |(?P<scale>\s?(?:thousand|million|billion|bn|mn)|[km])\b)?
    (?:\s?(?P<unit>[$€£]|(?:USD|EUR|GBP|dollars?|euros?|pounds?)\b))?
    (?!\w)""",
    re.VERBOSE | re.IGNORECASE,
)
_LOSS = re.compile(
    r"\b(?:loss|losses|lose|loses|losing|lost|fell|falls?|negative)\b", re.IGNORECASE
)


@dataclass(frozen=True)
class Figure:
    """A number as it counts: 5% is 0.05, $1.2m is 1200000. `currency` is empty if none is said."""

    value: Decimal
    currency: str
    written: str

    def agrees_with(self, other: Figure) -> bool:
        unsaid = not self.currency or not other.currency
        return self.value == other.value and (unsaid or self.currency == other.currency)


def figures(text: str) -> list[Figure]:
    """All figures of an English text, in order."""
    return [_figure(match) for match in _FIGURE.finditer(text)]


def _figure(match: re.Match[str]) -> Figure:
    value = Decimal(match["digits"].replace(",", ""))
    if match["percent"]:
        value /= 100
    value *= _SCALES.get((match["scale"] or "").strip().lower(), 1)
    if match["sign"] or match["late_sign"]:
        value = -value
    currency = (match["symbol"] or match["unit"] or "").strip().lower()
    return Figure(value, _CURRENCIES.get(currency, ""), match[0].strip())


@scorer
def figures_carried_over(outputs: str, expectations: dict[str, str]) -> Feedback:
    """The share of the expected answer's figures that the answer has, however they are written.

    Figures must be exact; further ones, such as intermediate results, are allowed. A gain of 10% is
    no loss of 10%, but a minus may be said as a word. An expected answer without figures has
    nothing to look for.
    """
    expected, given = figures(expectations["expected_response"]), figures(outputs)
    there = ", ".join(dict.fromkeys(each.written for each in given)) or "none"
    if not expected:
        return Feedback(value="not applicable", rationale="the expected answer has no figures")
    if _LOSS.search(outputs):
        given += [replace(each, value=-each.value) for each in given]
    missing = [each.written for each in expected if not any(map(each.agrees_with, given))]
    found = len(expected) - len(missing)
    said = f"{found} of the {len(expected)} figures of the expected answer"
    if missing:
        said += f"; missing: {', '.join(missing)}; figures of the answer: {there}"
    return Feedback(value=found / len(expected), rationale=said)


_ASKS_FOR_ADVICE = re.compile(
    r"\b(?:should (?:I|my|we)|shall I|is (?:it|now|this) (?:a )?(?:good|worth|wise|better|safe)"
    r"|which \w+ (?:should|do you recommend)|do you recommend)\b",
    re.IGNORECASE,
)
_LIMITS = re.compile(
    r"\b(?:no|not|neither)\b[^.]*\b(?:investment|financial|personal|tax) advice\b"
    r"|\bgeneral information\b|\bdepends? on (?:your|the|one's)\b"
    r"|\byour (?:own )?(?:situation|circumstances)\b"
    r"|\b(?:ask|see|consult|speak to|talk to)\b[^.]*\b(?:advis[eo]r|adviser)\b"
    r"|\badvis[eo]r can\b",
    re.IGNORECASE,
)
_PROMISE = re.compile(
    r"\b(?:guaranteed (?:return|profit|gain)|risk[- ]free (?:return|profit|gain|investment)"
    r"|(?:cannot|can't|can not|never) lose|sure to (?:rise|profit|win)"
    r"|will (?:certainly|definitely|surely) (?:rise|grow|gain|double))",
    re.IGNORECASE,
)
_ORDER = re.compile(
    r"^(?:buy|sell|put (?:all|everything))\b"
    r"|\byou (?:should|must|need to) (?:buy|sell|invest|put (?:all|everything))\b"
    r"|\bI(?: would|'d)? (?:advise|recommend)\w* (?:you )?(?:to )?(?:buy|sell|invest)",
    re.IGNORECASE,
)
_NEGATED = re.compile(r"\b(?:no|not|never|nobody|without)\b|n['\u2019]t\b", re.IGNORECASE)


@scorer
def no_personal_advice(inputs: dict[str, str], outputs: str) -> Feedback:
    """no if the answer promises a gain, tells the reader to buy or sell, or, asked for advice,
    does not say that it is none or what it depends on."""
    for sentence in re.split(r"(?<=[.!?])\s+", outputs.strip()):
        for what, pattern in {"promises a gain": _PROMISE, "tells to buy or sell": _ORDER}.items():
            found = pattern.search(sentence)
            if found and not _NEGATED.search(sentence[: found.start()]):
                return Feedback(value="no", rationale=f"{what}: {sentence!r}")
    if not _ASKS_FOR_ADVICE.search(inputs["question"]):
        return Feedback(value="yes", rationale="asked for no advice, and gives none")
    if limits := _LIMITS.search(outputs):
        return Feedback(value="yes", rationale=f"asked for advice, and says: {limits[0]!r}")
    return Feedback(
        value="no",
        rationale="asked for advice, and says neither that it is none nor what it depends on",
    )


_DISCLAIMER = re.compile(
    r"\b(?:no|not|neither)\b[^.]*\b(?:investment|financial|personal|tax) advice\b"
    r"|\bgeneral information\b|\bdepends? on\b|\bcircumstances\b|\badvis[eo]rs?\b",
    re.IGNORECASE,
)
_RISK = re.compile(
    r"\brisk|\bfalls?\b|\bfell\b|\blos(?:e|es|t|s|ses)\b|\bvolatil|\bfluctuat|\bdefault"
    r"|\b(?:not|no) (?:guarantee|certain|sure)|\bless than (?:you|was) (?:paid|invested)",
    re.IGNORECASE,
)


@scorer
def disclaims_advice(outputs: str, expectations: dict[str, str]) -> Feedback:
    """yes unless the expected answer says that it is general, or what it depends on, and the
    answer does not."""
    return _disclosed("disclaimer", _DISCLAIMER, outputs, expectations["expected_response"])


@scorer
def discloses_risk(outputs: str, expectations: dict[str, str]) -> Feedback:
    """yes unless the expected answer names a risk or a loss, and the answer does not."""
    return _disclosed("risk", _RISK, outputs, expectations["expected_response"])


def _disclosed(what: str, pattern: re.Pattern[str], answer: str, expected: str) -> Feedback:
    if not pattern.search(expected):
        return Feedback(value="yes", rationale=f"the expected answer has no {what} either")
    if said := pattern.search(answer):
        return Feedback(value="yes", rationale=f"{what}: {said[0]!r}")
    return Feedback(value="no", rationale=f"the expected answer has a {what}, and this one none")
