"""Nothing judged is never a score: too few verdicts, too many, none, or one off the scale."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from marker_judge import question
from pydantic import BaseModel
from stub_wire import StubWire, says

from processing.base.errors import ConfigError
from processing.judges.verdict import JudgeError
from processing.scorers.build import BuiltScorer

pytestmark = pytest.mark.filterwarnings("ignore:.*same direction:DeprecationWarning")

YES = {"verdict": "yes", "reason": "r", "statement": "s"}
NO = {"verdict": "no", "reason": "r", "statement": "s"}
FOUR = ["a", "b", "c", "d"]
ITEMS = ("statements", "claims", "truths", "opinions", "misuses", "advices", "questions")
LISTS: dict[str, Any] = {
    **{name: FOUR for name in (*ITEMS, "extracted_pii", "role_violations")},  # noqa: C420
    "answers": ["yes"] * 4,
    "reason": "r",
}

DEEPEVAL: dict[str, dict[str, Any]] = {
    "AnswerRelevancy": {},
    "Bias": {},
    "ContextualPrecision": {},
    "Faithfulness": {},
    "Hallucination": {},
    "PIILeakage": {},
    "Summarization": {},
    "Toxicity": {},
    "Misuse": {"domain": "health"},
    "NonAdvice": {"advice_types": ["medical"]},
    "RoleViolation": {"role": "nurse"},
    "PromptAlignment": {"prompt_instructions": ["Be brief.", "Be kind."]},
}
BY_THE_JUDGE = ("ContextualRecall", "ContextualRelevancy")  # how many there are, only it knows


def deepeval(metric: str) -> dict[str, Any]:
    return {metric: {"kind": "DeepEval", **DEEPEVAL.get(metric, {})}}


def ragas(metric: str, **options: Any) -> dict[str, Any]:
    return {metric: {"kind": "RAGAS", **options}}


def refused(built: BuiltScorer) -> str:
    with pytest.raises(JudgeError, match="the judge answered") as raised:
        built.score(question("GOODROW-1"))
    assert raised.value.retryable
    return raised.value.reason


@pytest.mark.parametrize("verdicts", [[], [YES], [NO], [YES] * 9], ids=["none", "1", "no", "9"])
@pytest.mark.parametrize("metric", DEEPEVAL)
def test_deepeval_gives_no_score_on_other_than_one_verdict_for_each_item(
    wire: StubWire, build: Callable[..., BuiltScorer], metric: str, verdicts: list[Any]
) -> None:
    wire.say = says(**LISTS, verdicts=verdicts)
    reason = refused(build(deepeval(metric)))
    items = 2 if metric in ("Hallucination", "ContextualPrecision", "PromptAlignment") else 4
    assert f"{len(verdicts) or 'no'} verdicts on {items} items" in reason


@pytest.mark.parametrize("metric", [*DEEPEVAL, *BY_THE_JUDGE])
def test_deepeval_gives_no_score_where_every_list_is_empty(
    wire: StubWire, build: Callable[..., BuiltScorer], metric: str
) -> None:
    empty = {name: [] for name, value in LISTS.items() if isinstance(value, list)}
    wire.say = says(**empty, verdicts=[], reason="r")
    refused(build(deepeval(metric)))


@pytest.mark.parametrize("metric", [*DEEPEVAL, *BY_THE_JUDGE])
@pytest.mark.parametrize("word", ["maybe", "", "YES and no", 2, None])
def test_a_word_that_is_no_verdict_of_deepeval_s_is_named(
    wire: StubWire, build: Callable[..., BuiltScorer], metric: str, word: object
) -> None:
    wire.say = says(**{**LISTS, "answers": [str(word)] * 4}, verdicts=[{**YES, "verdict": word}])
    reason = refused(build(deepeval(metric)))
    assert "'yes'" in reason or "yes or no can be" in reason


@pytest.mark.parametrize(
    ("metric", "field"),
    [
        ("Bias", "opinions"),
        ("Toxicity", "opinions"),
        ("PIILeakage", "extracted_pii"),
        ("Misuse", "misuses"),
        ("NonAdvice", "advices"),
        ("RoleViolation", "role_violations"),
    ],
)
@pytest.mark.parametrize("told", [(NO, 1.0), (YES, 0.0)], ids=["clean", "not"])
def test_where_nothing_is_found_the_whole_answer_is_judged(
    wire: StubWire,
    build: Callable[..., BuiltScorer],
    metric: str,
    field: str,
    told: tuple[dict[str, str], float],
) -> None:
    verdict, score = told
    wire.say = says(**{**LISTS, field: []}, verdicts=[verdict])
    assert build(deepeval(metric)).score(question("The only answer.")).value == score
    assert "['The only answer.']" in wire.prompts[1]


GEVAL = {
    "kind": "DeepEval",
    "metric": "GEval",
    "evaluation_steps": ["Look."],
    "evaluation_params": ["actual_output"],
}


@pytest.mark.parametrize(
    ("options", "score", "scale"),
    [
        ({}, 100, "100 where 0 to 10 can be"),
        ({}, -1, "-1 where 0 to 10 can be"),
        ({}, 10.5, "10.5 where 0 to 10 can be"),
        ({"strict_mode": True}, 7, "7 where 0 or 1 can be"),
        ({"strict_mode": True}, 0.9, "0.9 where 0 or 1 can be"),
    ],
)
def test_geval_s_score_lies_on_its_scale(
    wire: StubWire,
    build: Callable[..., BuiltScorer],
    options: dict[str, Any],
    score: float,
    scale: str,
) -> None:
    wire.say = says(score=score, reason="r")
    assert scale in refused(build({"helpful": GEVAL | options}))


def test_a_metric_of_deepeval_s_whose_replies_nobody_checks_is_refused(
    wire: StubWire, build: Callable[..., BuiltScorer], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert wire.prompts == []
    monkeypatch.setattr("processing.scorers.deepeval_checks.METRICS", frozenset({"Bias"}))
    with pytest.raises(ConfigError, match=r"Toxicity cannot be checked.*there are Bias"):
        build(deepeval("Toxicity"))


def statement(verdict: int) -> dict[str, Any]:
    return {"statement": "s", "reason": "r", "verdict": verdict}


def by_schema(replies: dict[str, Any]) -> Callable[[str, type[BaseModel] | None], str]:
    return lambda _, schema: json.dumps(replies[schema.__name__])  # type: ignore[union-attr]


SPLIT = {
    "ClaimDecompositionOutput": {"claims": FOUR},
    "StatementGeneratorOutput": {"statements": FOUR},
}
JUDGED = ("NLIStatementOutput", "StatementFaithfulnessOutput")
STATEMENTS = ("Faithfulness", "FactualCorrectness", "NoiseSensitivity")


@pytest.mark.parametrize("metric", STATEMENTS)
@pytest.mark.parametrize(
    ("verdicts", "why"),
    [
        ([], "no verdicts on 4 items"),
        ([1], "1 verdicts on 4 items"),
        ([1] * 5, "5 verdicts on 4 items"),
        ([1, 1, 1, 99], "99 where 0 or 1 can be"),
        ([1, 1, 1, -1], "-1 where 0 or 1 can be"),
    ],
)
def test_ragas_gives_no_score_on_other_than_one_verdict_for_each_statement(
    wire: StubWire,
    build: Callable[..., BuiltScorer],
    metric: str,
    verdicts: list[int],
    why: str,
) -> None:
    told = {"statements": [statement(verdict) for verdict in verdicts]}
    wire.say = by_schema(SPLIT | dict.fromkeys(JUDGED, told))
    assert why in refused(build(ragas(metric)))


@pytest.mark.parametrize("metric", STATEMENTS)
def test_ragas_gives_no_score_on_no_statements(
    wire: StubWire, build: Callable[..., BuiltScorer], metric: str
) -> None:
    wire.say = says(statements=[], claims=[])
    assert re.search("no (statements|claims)", refused(build(ragas(metric))))


def attributed(*verdicts: int) -> dict[str, Any]:
    return {
        "classifications": [{"statement": "s", "reason": "r", "attributed": v} for v in verdicts]
    }


@pytest.mark.parametrize(
    ("metric", "reply", "why"),
    [
        ("ContextRecall", attributed(1, 99), "99 where 0 or 1 can be"),
        ("ContextRecall", attributed(), "no classifications"),
        ("ContextPrecision", {"reason": "r", "verdict": 2}, "2 where 0 or 1 can be"),
        ("ContextUtilization", {"reason": "r", "verdict": -1}, "-1 where 0 or 1 can be"),
        ("AnswerAccuracy", {"rating": 3}, "3 where 0, 2 or 4 can be"),
        ("ContextRelevance", {"rating": 4}, "4 where 0, 1 or 2 can be"),
        ("ResponseGroundedness", {"rating": 3}, "3 where 0, 1 or 2 can be"),
        ("DomainSpecificRubrics", {"feedback": "f", "score": 9}, "9 where 1, 2, 3, 4 or 5 can be"),
        ("RubricsScoreWithReference", {"feedback": "f", "score": 0}, "0 where 1, 2"),
        ("ContextEntityRecall", {"entities": []}, "no entities of the expected answer"),
        ("SummaryScore", {"keyphrases": [], "questions": [], "answers": []}, "no keyphrases"),
        ("SummaryScore", {"keyphrases": ["k"], "questions": [], "answers": []}, "no questions"),
        (
            "SummaryScore",
            {"keyphrases": ["k"], "questions": ["q", "p"], "answers": ["1"]},
            "1 answers on 2 items",
        ),
        (
            "SummaryScore",
            {"keyphrases": ["k"], "questions": ["q"], "answers": ["maybe"]},
            "'maybe' where 0 or 1 can be",
        ),
    ],
)
def test_a_reply_that_ragas_would_count_is_refused(
    wire: StubWire,
    build: Callable[..., BuiltScorer],
    metric: str,
    reply: dict[str, Any],
    why: str,
) -> None:
    wire.say = says(**reply)
    assert why in refused(build(ragas(metric)))


def test_a_judge_off_ragas_s_scale_is_not_asked_ten_times(
    wire: StubWire, build: Callable[..., BuiltScorer]
) -> None:
    wire.say = says(rating=3)
    refused(build(ragas("AnswerAccuracy")))
    assert len(wire.prompts) == 1


def test_every_metric_of_ragas_s_that_asks_a_judge_has_its_replies_checked(
    wire: StubWire, build: Callable[..., BuiltScorer]
) -> None:
    from ragas.metrics import collections

    taken = set()
    for name in dir(collections):
        try:
            built = build({"s": {"kind": "RAGAS", "metric": name}})
        except (ConfigError, TypeError):
            continue
        if built.spec.uses_judge:
            wire.prompts.clear()
            try:
                built.score(question("It is GOODROW-1."))
            except JudgeError as error:
                assert "there is no check" not in error.reason  # noqa: PT017
            assert wire.prompts
            taken.add(name)
    assert {"Faithfulness", "ContextRecall", "SummaryScore", "SQLSemanticEquivalence"} <= taken


def test_an_answer_without_quotes_has_no_quotes_that_are_right(
    wire: StubWire, build: Callable[..., BuiltScorer]
) -> None:
    assert wire.prompts == []
    built = build(ragas("QuotedSpansAlignment"))
    with pytest.raises(JudgeError, match="quotes nothing"):
        built.score(question("No quotes here."))
    assert built.score(question('It says "pinch the nose." clearly.')).value == 1.0


FOUR_SENTENCES = (
    "Dr. Smith says to lean forward. Pinch the soft part of the nose! Wait for ten minutes, e.g. "
    "by the clock. Then see Dr. Smith again."
)
IN_JAPANESE = "前かがみになります。鼻をつまみます。十分待ちます。医師に相談してください。"


@pytest.mark.parametrize("expected", [FOUR_SENTENCES, IN_JAPANESE, "a b c\nd e f\n\ng h i\nj k l"])
@pytest.mark.parametrize("verdicts", [1, 2, 4, 9])
@pytest.mark.parametrize("entry", [deepeval("ContextualRecall"), ragas("ContextRecall")])
def test_a_judge_that_skips_most_sentences_of_the_expected_answer_gives_no_score(
    wire: StubWire,
    build: Callable[..., BuiltScorer],
    entry: dict[str, Any],
    verdicts: int,
    expected: str,
) -> None:
    wire.say = says(verdicts=[YES] * verdicts, reason="r", **attributed(*[1] * verdicts))
    built, row = build(entry), question("x", expected_response=expected)
    if verdicts > 1:
        assert built.score(row).value == 1.0
    else:
        with pytest.raises(JudgeError, match="1 verdicts on 4 sentences of the expected answer"):
            built.score(row)
