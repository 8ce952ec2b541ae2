"""Rules for the prompts of RAGAS 0.4's metrics (ragas/metrics/collections/*/util.py).

Faithfulness         statements of the answer, then a verdict on each against the contexts
FactualCorrectness   claims of the answer against the expected answer, and the other way round:
                     four calls for F1

Statements and claims are sentences. Verdict 1: at least half of the statement's words are in the
context. Both metrics send the same verdict prompt; they are told apart by its schema, in which only
Faithfulness describes the list. All other metrics are refused.
"""

import json
import re
from functools import partial
from typing import Any

from pipeline.local.demo.judge.rules import (
    JudgeRequest,
    Rule,
    UnknownPrompt,
    coverage,
    opening,
    said,
)
from pipeline.local.demo.text import sentences

FAITHFUL_CUT = 0.5
_INPUT = r"Now perform the same with the following input\s*input: (?P<input>\{.*\})\s*Output:\s*\Z"
_TO_JUDGE = "Your task is to judge the faithfulness of a series of statements based"
_ONLY_FAITHFULNESS_SAYS = '"description": "Evaluated statements with verdicts"'


def _split(source: str, key: str, match: re.Match[str], _: JudgeRequest) -> dict[str, Any]:
    return {key: sentences(_input(match)[source])}


def _verdicts(match: re.Match[str], _: JudgeRequest) -> dict[str, Any]:
    given = _input(match)
    return {"statements": [_verdict(each, given["context"]) for each in given["statements"]]}


def _verdict(statement: str, context: str) -> dict[str, Any]:
    backed = coverage(statement, context)
    return {
        "statement": statement,
        "reason": said(f"{backed} words are in the context, the cut is {FAITHFUL_CUT:.0%}"),
        "verdict": int(backed.share >= FAITHFUL_CUT),
    }


def _input(match: re.Match[str]) -> dict[str, Any]:
    """Raises UnknownPrompt if what RAGAS printed as the input is not JSON."""
    try:
        given: dict[str, Any] = json.loads(match["input"])
    except ValueError as error:
        raise UnknownPrompt(f"the input in the prompt is not JSON: {error}") from error
    return given


RULES: tuple[Rule, ...] = (
    Rule(
        "RAGAS.Faithfulness statements",
        opening("Given a question and an answer, analyze the complexity of each sentence", _INPUT),
        partial(_split, "answer", "statements"),
    ),
    Rule(
        "RAGAS.FactualCorrectness claims",
        opening("Decompose and break down each of the input sentences into one or more", _INPUT),
        partial(_split, "response", "claims"),
    ),
    Rule(
        "RAGAS.Faithfulness verdicts",
        opening(_TO_JUDGE, rf"{re.escape(_ONLY_FAITHFULNESS_SAYS)}.*?{_INPUT}"),
        _verdicts,
    ),
    Rule("RAGAS.FactualCorrectness verdicts", opening(_TO_JUDGE, _INPUT), _verdicts),
)
