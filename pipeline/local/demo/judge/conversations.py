"""Rules for judges of conversations: MLflow 3.17's, and DeepEval 4.3's metrics of turns.

ConversationCompleteness  yes if each question of the user's shares a word with what the assistant
                          says next, and a last one that is no answer says no
ConversationalGuidelines  the rules of Guidelines, on each turn of the assistant's
ConversationalSafety, ConversationalRoleAdherence   no unsafe, or no cold, phrase of the assistant's
ConversationalToolCallEfficiency  no call stands twice
KnowledgeRetention        no if the answer asks for words that the user has said before
UserFrustration           a short list of phrases of the user's: none, or the last turn has thanks
                          (resolved), or it has not (unresolved)
TurnRelevancy             yes if the last turn shares a word with what the user has said
DeepEval's completeness   intentions are the user's questions, met as above; KnowledgeRetention's
                          facts are the user's other sentences, forgotten as above
"""

import ast
import json
import re
from collections.abc import Callable
from typing import Any

from pipeline.local.demo.judge.guidelines import findings_on
from pipeline.local.demo.judge.phrases import (
    COLD_PHRASES,
    FRUSTRATION_PHRASES,
    THANKS,
    UNSAFE_PHRASES,
)
from pipeline.local.demo.judge.rules import (
    JudgeRequest,
    Rule,
    UnknownPrompt,
    coverage,
    found,
    opening,
    said,
    yes_no,
)
from pipeline.local.demo.text import sentences

NO_ANSWERS = ("i have no information", "i do not know", "i don t know")
_SHARED_TO_ASK_AGAIN = 0.5

Turn = dict[str, str]
Decide = Callable[[list[Turn], re.Match[str]], dict[str, Any]]


def _of(turns: list[Turn], role: str) -> list[str]:
    return [turn["content"] for turn in turns if turn["role"] == role]


def _questions(turns: list[Turn]) -> list[tuple[str, str]]:
    """Each of the user's turns that asks something, with what the assistant says next."""
    pairs = []
    for number, turn in enumerate(turns):
        if turn["role"] == "user" and "?" in turn["content"]:
            pairs.append((turn["content"], " ".join(_of(turns[number + 1 :], "assistant")[:1])))
    return pairs


def _unmet(turns: list[Turn]) -> list[str]:
    return [
        asked
        for asked, answer in _questions(turns)
        if found(NO_ANSWERS, answer) or not coverage(asked, answer).shared
    ]


def _asked_again(answer: str, told: str) -> str:
    """The sentence of the answer that asks for what the user has told; empty if none does."""
    asking = (sentence for sentence in sentences(answer) if sentence.endswith("?"))
    again = (s for s in asking if coverage(s, told).share >= _SHARED_TO_ASK_AGAIN)
    return next(again, "")


def _complete(turns: list[Turn], _: re.Match[str]) -> dict[str, Any]:
    unmet = _unmet(turns)
    return yes_no(not unmet, f"{len(unmet)} of {len(_questions(turns))} questions not answered")


def _safe(turns: list[Turn], _: re.Match[str]) -> dict[str, Any]:
    unsafe = found(UNSAFE_PHRASES, " ".join(_of(turns, "assistant")))
    return yes_no(not unsafe, f"unsafe phrases {unsafe}, at most none")


def _in_role(turns: list[Turn], _: re.Match[str]) -> dict[str, Any]:
    cold = found(COLD_PHRASES, " ".join(_of(turns, "assistant")))
    return yes_no(not cold, f"cold or blaming phrases {cold}, at most none")


def _efficient(turns: list[Turn], _: re.Match[str]) -> dict[str, Any]:
    calls = [call for text in _of(turns, "assistant") for call in re.findall(r"Tool: .*", text)]
    return yes_no(len(set(calls)) == len(calls), f"{len(calls)} calls, of which each stands once")


def _retained(turns: list[Turn], _: re.Match[str]) -> dict[str, Any]:
    answer = _of(turns, "assistant")[-1]
    again = _asked_again(answer, " ".join(_of(turns, "user")[:-1]))
    return yes_no(not again, f"asks again: {again!r}" if again else "asks for nothing twice")


def _frustration(turns: list[Turn], _: re.Match[str]) -> dict[str, Any]:
    user = _of(turns, "user")
    upset = found(FRUSTRATION_PHRASES, " ".join(user))
    result = "none" if not upset else "resolved" if found(THANKS, user[-1]) else "unresolved"
    return {"result": result, "rationale": said(f"phrases of frustration: {upset}")}


def _guided(turns: list[Turn], match: re.Match[str]) -> dict[str, Any]:
    rules = re.findall(r"<guideline>(.*?)</guideline>", match["instructions"], re.DOTALL)
    asked = ""
    broken = []
    for turn in turns:
        asked = turn["content"] if turn["role"] == "user" else asked
        if turn["role"] == "assistant":
            broken += [r for ok, r in findings_on(rules, asked, turn["content"]) if not ok]
    return yes_no(not broken, "; ".join(broken) or f"{len(rules)} guidelines hold in every turn")


def _mlflow(name: str, first_words: str, decide: Decide) -> Rule:
    def decided(match: re.Match[str], request: JudgeRequest) -> dict[str, Any]:
        return decide(_conversation(request.prompt), match)

    instructed = re.compile(
        r"You are an expert judge tasked with evaluating the performance of an AI.*?"
        rf"Your task: (?P<instructions>{first_words}.*)\.\n\nYou \*must\* format",
        re.DOTALL,
    )
    return Rule(name, instructed, decided, where="system")


def _conversation(prompt: str) -> list[Turn]:
    try:
        turns: list[Turn] = json.loads(prompt.partition("conversation: ")[2])
    except ValueError as error:
        raise UnknownPrompt("the prompt has no conversation in JSON") from error
    return turns


_TALK = "Consider the following conversation history between a user and an assistant"
_MLFLOW = (
    _mlflow(
        "ConversationCompleteness",
        rf"{_TALK}\.\s*Your task is to output exactly one label: \"yes\" or \"no\" based",
        _complete,
    ),
    _mlflow("ConversationalGuidelines", rf"{_TALK}\.\s*Your task is to evaluate whether the assis"
            r"tant's responses throughout", _guided),
    _mlflow("ConversationalRoleAdherence", rf"{_TALK}\.\s*Your task is to evaluate whether the assi"
            r"stant maintains", _in_role),
    _mlflow("ConversationalSafety", rf"{_TALK}\.\s*Your task is to evaluate the safety", _safe),
    _mlflow("ConversationalToolCallEfficiency", rf"{_TALK}, including tool calls", _efficient),
    _mlflow("KnowledgeRetention", r"Your task is to evaluate the LAST AI response", _retained),
    _mlflow("UserFrustration", rf"{_TALK}\..{{0,30}}determine the user's", _frustration),
)  # fmt: skip


def _turns(match: re.Match[str]) -> list[Turn]:
    try:
        turns: list[Turn] = ast.literal_eval(match["turns"])
    except (ValueError, SyntaxError) as error:
        raise UnknownPrompt("the prompt has no list of turns") from error
    return turns


def _verdict(verdict: str, reason: str = "") -> dict[str, Any]:
    return {"verdict": verdict, "reason": said(reason) if reason else None}


def _relevant(match: re.Match[str], _: JudgeRequest) -> dict[str, Any]:
    turns = _turns(match)
    answer = _of(turns, "assistant")[-1]
    if coverage(" ".join(_of(turns, "user")), answer).shared:
        return _verdict("yes")
    return _verdict("no", f"{answer!r} shares no word with what the user has said")


def _intentions(match: re.Match[str], _: JudgeRequest) -> dict[str, Any]:
    turns = _turns(match)
    return {"intentions": [asked for asked, _ in _questions(turns)] or _of(turns, "user")[-1:]}


def _met(match: re.Match[str], _: JudgeRequest) -> dict[str, Any]:
    wanted = match["intention"].strip()
    if wanted in _unmet(_turns(match)):
        return _verdict("no", f"{wanted!r} is not answered")
    return _verdict("yes")


def _facts(match: re.Match[str], _: JudgeRequest) -> dict[str, Any]:
    told = [sentence for sentence in sentences(match["told"]) if not sentence.endswith("?")]
    return {"data": {f"told {n}": sentence for n, sentence in enumerate(told, 1)}}


def _forgotten(match: re.Match[str], _: JudgeRequest) -> dict[str, Any]:
    again = _asked_again(match["answer"], match["known"])
    return _verdict("yes", f"it asks again: {again!r}") if again else _verdict("no")


def _reason(match: re.Match[str], _: JudgeRequest) -> dict[str, Any]:
    return {"reason": said(f"the score is {match['score'].strip()}")}


_END = r"\s*JSON:\s*\Z"
_EXCHANGES = "Based on the given list of message exchanges between a user and an LLM, "
_SCORE = r"Score:\n(?P<score>[^\n]*)\n"
_LAST = r"\*\*\s*"

RULES: tuple[Rule, ...] = (
    *_MLFLOW,
    Rule(
        "DeepEval.TurnRelevancy verdict",
        opening(
            f"{_EXCHANGES}generate a JSON object to indicate whether the LAST",
            rf"{_LAST}Messages:\n(?P<turns>\[.*\]){_END}",
        ),
        _relevant,
    ),
    Rule(
        "DeepEval.ConversationCompleteness intentions",
        opening(
            f"{_EXCHANGES}generate a JSON object to extract all user intentions",
            rf"{_LAST}Turns:\n(?P<turns>\[.*\]){_END}",
        ),
        _intentions,
    ),
    Rule(
        "DeepEval.ConversationCompleteness verdict",
        opening(
            f"{_EXCHANGES}generate a JSON object to indicate whether given user intention",
            rf"{_LAST}Turns:\n(?P<turns>\[.*\])\s*User Intention:\n(?P<intention>.*?){_END}",
        ),
        _met,
    ),
    Rule(
        "DeepEval.KnowledgeRetention facts",
        opening(
            "You are given a conversation between an AI assistant and a user.",
            rf"Now complete the task below:.*?Latest User Message:\n(?P<told>.*?){_END}",
        ),
        _facts,
    ),
    Rule(
        "DeepEval.KnowledgeRetention verdict",
        opening(
            'You are given an AI-generated message (the "LLM message")',
            r"Now complete the task below:\s*LLM message:\n(?P<answer>.*?)\n\nPrevious Knowledge:\n"
            rf"(?P<known>.*){_END}",
        ),
        _forgotten,
    ),
    *(
        Rule(f"DeepEval.{name} reason", opening(first_words, _SCORE), _reason)
        for name, first_words in {
            "TurnRelevancy": "Below is a list of irrelevancies drawn from some messages",
            "ConversationCompleteness": "Below is a list of incompletenesses drawn from",
            "KnowledgeRetention": "Given a list of attritions, which highlights forgetfulness",
        }.items()
    ),
)
