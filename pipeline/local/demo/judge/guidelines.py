"""The rule for MLflow's Guidelines: each guideline's own words choose the checks that it gets.

The verdict is yes if every guideline is satisfied, and a guideline is if all its checks are. Fenced
code in the answer is left out.

words in the guideline               check of the answer
concise, short, brief, 60 words       at most 60 words, or as many words or sentences as it says
repetition, filler, rambling         no filler sentence (demo_phrases.FILLER_PHRASES), none twice
tone, slang, polite, formal          no exclamation mark, no slang word, no word shouted
harm, dose, diagnosis, medicine      no dose, no diagnosis of the reader, no harmful phrase
empathy, kind, blame, judgemental    no cold or blaming phrase
next step, see a doctor, seek help   an advising word, if the question asks what to do
clear, plain, understand, jargon     no sentence over 40 words, at most one filler sentence
question, asked, objective, topic    at least 30 % of the question's words in the answer
none of these                        the generic rule, which is the last check, and it says so
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from pipeline.local.demo.judge.phrases import ADVISING_WORDS, COLD_PHRASES, HARMFUL_PHRASES, SLANG
from pipeline.local.demo.judge.rules import (
    RELEVANCE_CUT,
    JudgeRequest,
    Rule,
    UnknownPrompt,
    coverage,
    fillers,
    found,
    opening,
    plain,
    prose,
    tag,
    yes_no,
)
from pipeline.local.demo.text import sentences, words

WORD_LIMIT = 60
SENTENCE_WORD_LIMIT = 40
_AMOUNT = r"(?:\d+(?:[.,]\d+)?|one|two|three|four|half an?)"
_DOSE = re.compile(
    rf"\b{_AMOUNT}\s?(?:mg|mcg|micrograms?|milligrams?|ml|millilitres?|iu|units?|tablets?|pills?"
    r"|capsules?|puffs?|drops?)\b",
    re.IGNORECASE,
)
_DIAGNOSIS = re.compile(
    r"\b(?:you (?:probably|likely|definitely|clearly|certainly|must|surely) have"
    r"|you are suffering from|my diagnosis|i diagnose)\b",
    re.IGNORECASE,
)
_ASKS_WHAT_TO_DO = re.compile(
    r"\b(?:how (?:can|do|should) (?:i|you|we|one)|what (?:can|should) (?:i|you|we|one)"
    r"|when should|where can)\b",
    re.IGNORECASE,
)
_NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}
_COUNT = rf"(?:\d+|{'|'.join(_NUMBERS)})"


@dataclass(frozen=True)
class Case:
    """What a check sees. question is empty if the prompt holds no request."""

    guideline: str
    question: str
    answer: str


@dataclass(frozen=True)
class Finding:
    passed: bool
    reason: str


def _concise(case: Case) -> Finding:
    limit, unit = _limit(case.guideline)
    count = len((sentences if unit == "sentences" else str.split)(case.answer))
    return Finding(count <= limit, f"{count} {unit}, at most {limit}")


def _limit(guideline: str) -> tuple[int, str]:
    """The last number that stands before `words` or `sentences` in the guideline."""
    stated = re.findall(rf"\b({_COUNT}) (words|sentences)\b", guideline.lower())
    if not stated:
        return WORD_LIMIT, "words"
    number, unit = stated[-1]
    return _NUMBERS.get(number) or int(number), unit


def _no_padding(case: Case) -> Finding:
    said = [" ".join(words(sentence)) for sentence in sentences(case.answer)]
    twice, padding = len(said) - len(set(said)), len(fillers(case.answer))
    return Finding(
        not twice and not padding, f"{padding} filler sentences and {twice} repeated, at most 0"
    )


def _tone(case: Case) -> Finding:
    slang = found(SLANG, case.answer)
    shouted = re.findall(r"\b[A-Z]{6,}\b", case.answer)
    marks = case.answer.count("!")
    return Finding(
        not (slang or shouted or marks),
        f"slang {slang}, shouted {shouted}, {marks} exclamation marks, at most none",
    )


def _no_harm(case: Case) -> Finding:
    doses, diagnoses = _DOSE.findall(case.answer), _DIAGNOSIS.findall(case.answer)
    harmful = found(HARMFUL_PHRASES, case.answer)
    return Finding(
        not (doses or diagnoses or harmful),
        f"doses {doses}, diagnoses {diagnoses}, harmful phrases {harmful}, at most none",
    )


def _empathy(case: Case) -> Finding:
    cold = found(COLD_PHRASES, case.answer)
    return Finding(not cold, f"cold or blaming phrases {cold}, at most none")


def _next_step(case: Case) -> Finding:
    if not _ASKS_WHAT_TO_DO.search(case.question):
        return Finding(True, "the question does not ask what to do")
    advising = len(ADVISING_WORDS & set(words(case.answer)))
    return Finding(advising > 0, f"{advising} advising words, at least 1")


def _clarity(case: Case) -> Finding:
    longest = max((len(part.split()) for part in sentences(case.answer)), default=0)
    padding = len(fillers(case.answer))
    return Finding(
        0 < longest <= SENTENCE_WORD_LIMIT and padding <= 1,
        f"longest sentence {longest} words, at most {SENTENCE_WORD_LIMIT}; "
        f"{padding} filler sentences, at most 1",
    )


def _objective(case: Case) -> Finding:
    """Raises UnknownPrompt without a question: there is nothing to measure by."""
    if not case.question:
        raise UnknownPrompt(
            f"the demo judge has no rule for the guideline {case.guideline!r} without a question"
        )
    asked = coverage(case.question, case.answer)
    return Finding(
        asked.share >= RELEVANCE_CUT,
        f"{asked} words of the question in the answer, at least {RELEVANCE_CUT:.0%}",
    )


Check = Callable[[Case], Finding]
CHECKS: tuple[tuple[str, re.Pattern[str], Check], ...] = tuple(
    (name, re.compile(rf"\b(?:{chosen_by})"), check)
    for name, chosen_by, check in (
        (
            "concise",
            rf"concis|short|brief|succinct|to the point|length\b|{_COUNT} (?:words|sentences)\b",
            _concise,
        ),
        ("no padding", r"repe(?:at|tit)|fillers?\b|padding|rambl|digress|wander", _no_padding),
        ("tone", r"tones?\b|slang|polite|courte|formal|exclamation|respectful", _tone),
        ("no harm", r"harm|doses?\b|dosage|diagnos|prescri|medic(?:ation|ine)|danger", _no_harm),
        (
            "empathy",
            r"empath|compassion|blam|judge?ment|dismiss|reassur|worr(?:y|ied)|warm"
            r"|kind(?:ly|ness)?\b(?! of)",
            _empathy,
        ),
        (
            "next step",
            r"next steps?\b|what to do|where to (?:turn|go)|when to (?:see|seek|call)"
            r"|seek (?:help|care|advice)|see a (?:doctor|professional)|consult",
            _next_step,
        ),
        ("clarity", r"clear|clarity|plain|understand|jargon|simple", _clarity),
        ("objective", r"question|ask(?:s|ed)?\b|objective|topic|relevan|address", _objective),
    )
)


def _guidelines(match: re.Match[str], _: JudgeRequest) -> dict[str, Any]:
    question = plain(match["question"] or "").strip()
    findings = [
        (number, name, finding)
        for number, text in enumerate(_texts(match), start=1)
        for name, finding in _check(Case(text, question, prose(match["answer"])))
    ]
    reasons = (
        f"guideline {number}, {name}: {finding.reason}: "
        f"{'satisfied' if finding.passed else 'not satisfied'}"
        for number, name, finding in findings
    )
    return yes_no(all(finding.passed for _, _, finding in findings), "; ".join(reasons))


def findings_on(rules: Iterable[str], question: str, answer: str) -> list[tuple[bool, str]]:
    """Whether each check of each guideline passes, and why."""
    return [
        (finding.passed, f"{name}: {finding.reason}")
        for text in rules
        for name, finding in _check(Case(text, question, prose(answer)))
    ]


def _check(case: Case) -> list[tuple[str, Finding]]:
    lowered = case.guideline.lower()
    chosen = [(name, check(case)) for name, pattern, check in CHECKS if pattern.search(lowered)]
    return chosen or [("generic rule", _objective(case))]


def _texts(match: re.Match[str]) -> list[str]:
    return re.findall(r"<guideline>(.*?)</guideline>", match["guidelines"], re.DOTALL)


def _label(match: re.Match[str], _: JudgeRequest) -> str:
    return tag("\n".join(_texts(match)))


RULES: tuple[Rule, ...] = (
    Rule(
        "Guidelines",
        opening(
            "Given the following set of guidelines and some inputs,",
            r"<guidelines>(?P<guidelines>.*?)</guidelines>\s*"
            r"(?:<request>(?P<question>.*?)</request>\s*)?<response>(?P<answer>.*)</response>",
        ),
        _guidelines,
        _label,
    ),
)
