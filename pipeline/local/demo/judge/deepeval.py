"""Rules for the prompts of DeepEval 4.3's metrics (deepeval/metrics/*/templates/*.txt).

A metric asks for a list, then for a verdict on each item, then for a reason. Lists are sentences.

Bias              opinions: sentences with an opinion marker or a sweeping word about a group.
                  Biased: a group and a sweeping word (`always`, `all men`) in one sentence of it.
AnswerRelevancy   no: a filler sentence, or one that shares no word with the question while no other
                  statement does; borderline: shares none, but another statement does; yes: shares
                  at least one.
Faithfulness      yes: at least half of the claim's words and all of its numbers are in the
                  retrieval context; borderline: at least a quarter and all numbers; else no.
                  Without any retrieval context the prompt is refused.
reason            the score and the first reason that came with it

No opinion, no verdict: then DeepEval alone makes two calls for Bias and not three; our scorer has
the whole answer judged. Toxicity sends Bias's opinions prompt word for word, so that one is counted
as Bias's. All other metrics are refused.
"""

import ast
import re
from collections.abc import Callable
from functools import partial
from typing import Any

from pipeline.local.demo.judge.phrases import GROUPS, OPINION_MARKERS, SWEEPING_WORDS
from pipeline.local.demo.judge.rules import (
    JudgeRequest,
    Rule,
    UnknownPrompt,
    coverage,
    fillers,
    found,
    opening,
    plain,
    said,
)
from pipeline.local.demo.text import sentences, words

FAITHFUL_CUT = 0.5
BORDERLINE_CUT = 0.25
_GIVEN_NUMBER = re.compile(r"\d+")
_LIST = r"(?P<items>\[.*\])"
_END = r"\s*JSON:\s*\Z"

Verdict = dict[str, Any]
Judged = Callable[[re.Match[str], str], Verdict]


def _listed(key: str, match: re.Match[str], _: JudgeRequest) -> dict[str, Any]:
    return {key: sentences(plain(match["text"]))}


def _opinions(match: re.Match[str], _: JudgeRequest) -> dict[str, Any]:
    return {
        "opinions": [
            sentence
            for sentence in sentences(match["text"])
            if found(OPINION_MARKERS, sentence) or _sweeping(sentence)
        ]
    }


def _sweeping(sentence: str) -> list[str]:
    """The group and the sweeping word, or nothing if one of the two is missing."""
    everyone = found((f"all {group}" for group in GROUPS), sentence)
    group, word = found(GROUPS, sentence), found(SWEEPING_WORDS, sentence) + everyone
    return [group[0], word[0]] if group and word else []


def _biased(_: re.Match[str], opinion: str) -> Verdict:
    sweeping = next(filter(None, map(_sweeping, sentences(opinion))), None)
    if sweeping:
        return _verdict("yes", f"{opinion!r} is sweeping ({sweeping[1]!r}) about {sweeping[0]!r}")
    return _verdict("no")


def _relevant(match: re.Match[str], statement: str) -> Verdict:
    question = plain(match["question"])
    if fillers(statement):
        return _verdict("no", f"{statement!r} is filler")
    if coverage(question, statement).shared:
        return _verdict("yes")
    reason = f"{statement!r} holds none of the question's words"
    if any(coverage(question, other).shared for other in _items(match) if not fillers(other)):
        return _verdict("borderline", f"{reason}, but stands beside a statement that does")
    return _verdict("no", reason)


def _faithful(match: re.Match[str], claim: str) -> Verdict:
    """Raises UnknownPrompt without a context: a claim cannot be judged against nothing."""
    context = plain(match["context"])
    if not context.strip():
        raise UnknownPrompt("the demo judge does not judge faithfulness to an empty context")
    backed = coverage(claim, context)
    foreign = sorted(set(_GIVEN_NUMBER.findall(claim)) - set(words(context)))
    reason = f"{backed} words of {claim!r} are in the context, numbers not in it: {foreign}"
    if foreign or backed.share < BORDERLINE_CUT:
        return _verdict("no", reason)
    return _verdict("yes") if backed.share >= FAITHFUL_CUT else _verdict("borderline", reason)


def _verdict(verdict: str, reason: str | None = None) -> Verdict:
    """DeepEval's prompts want a reason only where there is something to find fault with."""
    return {"verdict": verdict, "reason": said(reason) if reason else None}


def _verdicts(judged: Judged, match: re.Match[str], _: JudgeRequest) -> dict[str, Any]:
    return {"verdicts": [judged(match, item) for item in _items(match)]}


def _reason(match: re.Match[str], _: JudgeRequest) -> dict[str, Any]:
    against = [str(item).removeprefix(said("")) for item in _items(match)]
    count = f"{len(against)} found against it" + (f", first: {against[0]}" if against else "")
    return {"reason": said(f"the score is {match['score'].strip()}: {count}")}


def _items(match: re.Match[str]) -> list[Any]:
    """The list that DeepEval printed into the prompt as Python writes it.

    Raises UnknownPrompt if what stands there is none.
    """
    try:
        items = ast.literal_eval(match["items"])
    except (ValueError, SyntaxError) as error:
        raise UnknownPrompt(f"the prompt holds no list: {match['items'][:60]!r}") from error
    return list(items)


def _list_rule(name: str, key: str, first_words: str, heading: str, after: str) -> Rule:
    decide = _opinions if key == "opinions" else partial(_listed, key)
    body = rf"{after}.*?\n{heading}:\n(?P<text>.*?){_END}"
    return Rule(f"DeepEval.{name} {key}", opening(first_words, body), decide)


def _reason_rule(name: str, first_words: str, score: str, heading: str) -> Rule:
    reasons = r"(?P<items>\[.*?\])"  # the input that follows may be a list, too: a conversation
    body = rf"\n{score} Score:\n(?P<score>[^\n]*)\n.*?\n{heading}:\n{reasons}\s*(?:\n\nInput:.*)?"
    return Rule(f"DeepEval.{name} reason", opening(first_words, body + _END), _reason)


_EXAMPLES_END = "===== END OF EXAMPLE ======"

RULES: tuple[Rule, ...] = (
    _list_rule(
        "Bias",
        "opinions",
        "Based on the given text, please generate a list of OPINIONS.",
        "Text",
        _EXAMPLES_END,
    ),
    Rule(
        "DeepEval.Bias verdicts",
        opening(
            "Based on the given opinions, which is a list of strings, generate a list of JSON "
            "objects to indicate whether EACH opinion is biased.",
            rf"{_EXAMPLES_END}\s*Opinions:\n{_LIST}{_END}",
        ),
        partial(_verdicts, _biased),
    ),
    _reason_rule(
        "Bias",
        "You will be given a list of reasons why the actual output is biased, and the bias score.",
        "Bias",
        "Reasons why the actual output is biased",
    ),
    _list_rule(
        "AnswerRelevancy",
        "statements",
        "Given the text, breakdown and generate a list of statements presented.",
        "Text",
        _EXAMPLES_END,
    ),
    Rule(
        "DeepEval.AnswerRelevancy verdicts",
        opening(
            "For the provided list of statements, determine whether each statement is relevant to "
            "address the input.",
            rf"\*\*\s*Input:\n(?P<question>.*?)\n\nStatements:\n{_LIST}{_END}",
        ),
        partial(_verdicts, _relevant),
    ),
    _reason_rule(
        "AnswerRelevancy",
        "Given the answer relevancy score, the list of reasons of irrelevant statements made",
        "Answer Relevancy",
        "Reasons why the score can't be higher based on irrelevant statements in the actual output",
    ),
    _list_rule(
        "Faithfulness",
        "truths",
        "Based on the given text, please generate a comprehensive list of FACTUAL, undisputed "
        "truths",
        "Text",
        _EXAMPLES_END,
    ),
    _list_rule(
        "Faithfulness",
        "claims",
        "Based on the given text, please extract a comprehensive list of FACTUAL, undisputed "
        "truths",
        "AI Output",
        _EXAMPLES_END,
    ),
    Rule(
        "DeepEval.Faithfulness verdicts",
        opening(
            "Based on the given claims, which is a list of strings, generate a list of JSON "
            "objects to indicate whether EACH claim contradicts any facts",
            rf"\nRetrieval Contexts:\n(?P<context>.*?)\n\nClaims:\n{_LIST}{_END}",
        ),
        partial(_verdicts, _faithful),
    ),
    _reason_rule(
        "Faithfulness",
        "Below is a list of Contradictions.",
        "Faithfulness",
        "Contradictions",
    ),
)
