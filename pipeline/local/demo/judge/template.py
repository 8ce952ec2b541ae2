"""The rule for judges made with MLflow's make_judge: instructions of the user's own, any result.

The answer gets a goodness, and the result that the schema (or the prompt) wants is made of it.

coherence         instructions with `coheren`: one demerit for each filler sentence, each repeated
                  sentence and each sentence over 45 words, fenced code left out; an answer of
                  fewer than three words is worst. Goodness 1, 1/2, 0 for 0, 1, 2 and more demerits.
generic rule      any other: the share of the question's words that are in the answer; without
                  inputs that of the expectations' words; without both the share of sentences that
                  are not filler. Goodness is that share.

categories        taken as best first, unless they are numbers or the first is a poor word (`no`,
                  `bad`, `incoherent`): then worst first. Goodness 1 is the best, 0 the worst; by
                  the generic rule a share of 30 % already counts as 1.
bool, str         true or `yes` from 30 %
int, float        1 to 5, 0 to 1
"""

import ast
import json
import re
from dataclasses import dataclass
from typing import Any

from pipeline.local.demo.judge.rules import (
    RELEVANCE_CUT,
    JudgeRequest,
    Rule,
    UnknownPrompt,
    coverage,
    fillers,
    last_turn,
    opening,
    prose,
    said,
    tag,
    values,
)
from pipeline.local.demo.text import sentences, words

SENTENCE_WORD_LIMIT = 45
FEWEST_WORDS = 3
_POOR = re.compile(r"(?:no|not|false|never|bad|poor|fail|low|worst|wrong|unsafe|incoheren|irrelev)")
_FIELD = re.compile(r"(?:\A|\n)(\w+): (?=[\"{\[\dtfn-])")
_TYPES = {"bool": "boolean", "int": "integer", "float": "number", "str": "string"}


@dataclass(frozen=True)
class Measure:
    """goodness is 0 to 1; cut is the goodness from which a yes/no result is yes."""

    goodness: float
    cut: float
    reason: str


def _decide(match: re.Match[str], request: JudgeRequest) -> dict[str, Any]:
    fields = _fields(request.prompt)
    if "outputs" not in fields:
        raise UnknownPrompt(
            "the demo judge has rules only for make_judge instructions with {{ outputs }}; "
            f"the prompt holds {sorted(fields) or 'no such field'}"
        )
    coherent = "coheren" in match["instructions"].lower()
    measure = _coherence(prose(fields["outputs"])) if coherent else _generic(fields)
    return {"result": _result(_wanted(request), measure), "rationale": said(measure.reason)}


def _fields(prompt: str) -> dict[str, str]:
    """Texts by field: MLflow prints each as `name: <JSON>`; an object becomes its values."""
    fields, position = {}, 0
    while match := _FIELD.search(prompt, position):
        try:
            value, position = json.JSONDecoder().raw_decode(prompt, match.end())
        except ValueError as error:
            raise UnknownPrompt(f"the field {match[1]} of the prompt is not JSON") from error
        talk = last_turn(value.get("messages")) if isinstance(value, dict) else None
        fields[match[1]] = talk or values(value)
    return fields


def _coherence(answer: str) -> Measure:
    parts = [" ".join(words(sentence)) for sentence in sentences(answer)]
    padding, twice = len(fillers(answer)), len(parts) - len(set(parts))
    long = sum(len(part.split()) > SENTENCE_WORD_LIMIT for part in parts)
    short = len(words(answer)) < FEWEST_WORDS
    demerits = 2 if short else min(2, padding + twice + long)
    return Measure(
        goodness=1 - demerits / 2,
        cut=1,
        reason=f"coherence rule: {len(parts)} sentences, {padding} of them filler, {twice} "
        f"repeated, {long} over {SENTENCE_WORD_LIMIT} words"
        + (f"; fewer than {FEWEST_WORDS} words" if short else ""),
    )


def _generic(fields: dict[str, str]) -> Measure:
    answer = fields["outputs"]
    for name, what in (("inputs", "question"), ("expectations", "expectations")):
        if fields.get(name):
            share = coverage(fields[name], answer)
            reason = f"{share} words of the {what} in the answer"
            return _by_generic_rule(share.share, reason)
    total, padding = len(sentences(answer)), len(fillers(answer))
    reason = f"{total - padding} of {total} sentences are not filler"
    return _by_generic_rule((total - padding) / total if total else 0.0, reason)


def _by_generic_rule(share: float, reason: str) -> Measure:
    return Measure(share, RELEVANCE_CUT, f"generic rule: {reason}, the cut is {RELEVANCE_CUT:.0%}")


def _wanted(request: JudgeRequest) -> dict[str, Any]:
    """The JSON schema of the result; without one, made of the type that MLflow's prompt names."""
    if request.schema:
        wanted: dict[str, Any] = request.schema.get("properties", {}).get("result", {})
        return wanted
    named = re.search(r"- result \((?P<type>.*)\):", request.system)
    name = named["type"] if named else ""
    if name.startswith("Literal["):
        return {"enum": list(ast.literal_eval(name.removeprefix("Literal")))}
    return {"type": _TYPES.get(name, name)}


def _result(wanted: dict[str, Any], measure: Measure) -> Any:
    """Raises UnknownPrompt for a result that is neither a category nor a single value."""
    if "enum" in wanted:
        return _category(wanted["enum"], measure)
    passed = measure.goodness >= measure.cut
    match wanted.get("type"):
        case "boolean":
            return passed
        case "string":
            return "yes" if passed else "no"
        case "integer":
            return 1 + round(4 * measure.goodness)
        case "number":
            return round(measure.goodness, 2)
    raise UnknownPrompt(f"the demo judge has no rule for a make_judge result like {wanted}")


def _category(levels: list[Any], measure: Measure) -> Any:
    numeric = all(isinstance(level, int | float) for level in levels)
    worst_first = _POOR.match(str(levels[0]).lower())
    if numeric:
        best_first = sorted(levels, reverse=True)
    else:
        best_first = levels[::-1] if worst_first else levels
    goodness = min(1.0, measure.goodness / measure.cut)
    return best_first[round((1 - goodness) * (len(best_first) - 1))]


def _label(match: re.Match[str], _: JudgeRequest) -> str:
    return tag(match["instructions"])


RULES: tuple[Rule, ...] = (
    Rule(
        "make_judge",
        opening(
            "You are an expert judge tasked with evaluating the performance of an AI",
            r"Your task: (?P<instructions>.*)\.\n\nYou \*must\* format your evaluation",
        ),
        _decide,
        _label,
        where="system",
    ),
)
