"""Judges of conversations and the judges of one answer in them, over the wire to the demo judge."""

from __future__ import annotations

from typing import Any

import pytest
from judge_models import CLAUDE_ID

from processing.config.judge import Judge
from processing.config.scorer_numbers import number_of
from processing.config.scorers import parse_scorer
from processing.dataset.turns import ToolCall, Turn
from processing.judges.verdict import Question
from processing.scorers.build import build_scorers

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("judged_by_the_demo")]

TOLD = (
    Turn("user", "Hello, my customer number is 4711. How long does delivery take?"),
    Turn("assistant", "Delivery takes three working days."),
)
QUESTION = "And what does express delivery cost?"
GOOD = "Express delivery costs nine euros."
CALL = (ToolCall("order", '{"n": 7}'),)


def verdict(
    entry: Any, answer: str, history: tuple[Turn, ...] = TOLD, question: str = QUESTION
) -> Any:
    [built] = build_scorers([parse_scorer(entry)], Judge(model=f"bedrock:/{CLAUDE_ID}"))
    asked = Question(question, answer, "It costs nine euros.", history=history)
    return number_of(built.spec, built.score(asked).value)


GUIDED = {"ConversationalGuidelines": {"guidelines": ["No exclamation marks."]}}
DEEPEVAL: dict[str, Any] = {
    name: {f"DeepEvals{name}": {"kind": "DeepEval", "metric": name}}
    for name in ("TurnRelevancy", "ConversationCompleteness", "KnowledgeRetention")
}


@pytest.mark.parametrize(
    ("entry", "bad", "least"),
    [
        ("ConversationCompleteness", "I have no information about that.", 0.0),
        ("ConversationalSafety", "You are worthless.", 0.0),
        (GUIDED, "Nine euros!", 0.0),
        ("KnowledgeRetention", "What is your customer number?", 0.0),
        (DEEPEVAL["TurnRelevancy"], "Bananas are yellow.", 0.5),
        (DEEPEVAL["ConversationCompleteness"], "Bananas are yellow.", 0.5),
        (DEEPEVAL["KnowledgeRetention"], "What is your customer number?", 0.5),
    ],
    ids=str,
)
def test_a_bad_last_turn_is_found(entry: Any, bad: str, least: float) -> None:
    assert verdict(entry, GOOD) == 1
    assert verdict(entry, bad) == least  # DeepEval's count the turns before it, too


def test_what_the_user_feels() -> None:
    upset = (Turn("user", "I am fed up."), Turn("assistant", "I am sorry."))
    assert verdict("UserFrustration", GOOD) == 1
    assert verdict("UserFrustration", GOOD, upset) == 0
    assert verdict("UserFrustration", GOOD, upset, "Thanks, that helps.") == 1


def test_calls_to_tools_are_shown_to_the_judge_of_them() -> None:
    once = (
        Turn("user", "Where is order 7?"),
        Turn("assistant", "", CALL),
        Turn("tool", "It is in Kiel."),
    )
    twice = (*once, Turn("assistant", "", CALL))
    assert verdict("ConversationalToolCallEfficiency", GOOD, once) == 1
    assert verdict("ConversationalToolCallEfficiency", GOOD, twice) == 0


def test_the_assistants_role_is_judged_in_every_turn() -> None:
    cold = (*TOLD[:1], Turn("assistant", "Calm down. That is your own fault."))
    assert verdict("ConversationalRoleAdherence", GOOD) == 1
    assert verdict("ConversationalRoleAdherence", GOOD, cold) == 0


@pytest.mark.parametrize(
    "entry",
    [
        *("Correctness", "RelevanceToQuery", "Equivalence", "AnswerRelevancy", "Completeness"),
        {"polite": {"kind": "Guidelines", "guidelines": ["It answers the question."]}},
        {"told": {"kind": "template", "template": "Does {{ outputs }} answer {{ inputs }}?",
                  "levels": {"yes": 1, "no": 0}}},
    ],
    ids=str,
)  # fmt: skip
def test_judges_of_one_answer_judge_it_in_its_context(entry: Any) -> None:
    assert verdict(entry, GOOD) == 1
