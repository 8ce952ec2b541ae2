"""Nothing judged is never a score: every metric that is shipped or taken by name, one by one.

A test asks the frameworks for all that they have: one that is added to them has to be listed here.
"""

from __future__ import annotations

import functools
import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from marker_judge import question
from pydantic import BaseModel
from stub_wire import Say, StubWire

from processing.base.errors import ConfigError
from processing.calls.paid_store import Shelf
from processing.calls.spend import Spend
from processing.config.judge import Judge, silence_libraries
from processing.config.scorer_kinds import IMPLIED_KIND
from processing.config.scorer_numbers import number_of, number_range
from processing.config.scorers import parse_scorer
from processing.dataset.judged_answer import JudgedAnswer
from processing.dataset.rows import make_row
from processing.judges.verdict import JudgeError
from processing.scorers.asked_once import PaidVerdicts
from processing.scorers.build import BuiltScorer, build_scorers
from processing.scorers.kept_verdict import numbered

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore:.*same direction:DeprecationWarning"),
]

LEVELS = {"good": 1, "bad": 0}
TEMPLATES = {
    "coherence": {"template": "Is {{ outputs }} good?", "levels": LEVELS},
    "by_template": {
        "kind": "template",
        "template": "Is {{ outputs }} {{ expectations }}?",
        "levels": LEVELS,
    },
}
OPTIONS: dict[str, dict[str, Any]] = {
    "domain_terminology": {"terms": ["nose"]},
    "GEval": {"evaluation_steps": ["Look."], "evaluation_params": ["actual_output"]},
    "GEvalOfCriteria": {
        "metric": "GEval",
        "criteria": "Is it good?",
        "evaluation_params": ["actual_output", "expected_output"],
    },
    "ConversationalGEval": {"criteria": "Is it good?"},
    "Misuse": {"domain": "health"},
    "NonAdvice": {"advice_types": ["medical"]},
    "PatternMatch": {"pattern": ".*"},
    "PromptAlignment": {"prompt_instructions": ["Be brief.", "Be kind.", "Be clear."]},
    "RoleViolation": {"role": "nurse"},
}
GUIDELINES = {"guidelines": ["Be kind."]}
BY_GUIDELINES = ("Guidelines", "ConversationalGuidelines")
TOLD = {"name": "Ann"}
"""What the user has told, for DeepEval's KnowledgeRetention."""
PASSAGES = ("Pinch the nose.", "Lean forward.", "Wait ten minutes.")
BY_THE_JUDGE = {"ContextualRecall", "ContextualRelevancy", "ContextRecall"}
"""The judge itself takes the text apart, and says how many parts there are by its verdicts."""


FRAMEWORKS = {
    "DeepEval": (
        *("AnswerRelevancy", "Bias", "ContextualPrecision", "ContextualRecall"),
        *("ContextualRelevancy", "ConversationCompleteness", "ConversationalGEval", "ExactMatch"),
        *("Faithfulness", "GEval", "GEvalOfCriteria", "Hallucination", "KnowledgeRetention"),
        *("Misuse", "NonAdvice", "PIILeakage", "PatternMatch", "PromptAlignment"),
        *("RoleViolation", "Summarization", "Toxicity", "TurnRelevancy"),
    ),
    "RAGAS": (
        *("AnswerAccuracy", "BleuScore", "CHRFScore", "ContextEntityRecall", "ContextPrecision"),
        *("ContextPrecisionWithReference", "ContextPrecisionWithoutReference", "ContextRecall"),
        *("ContextRelevance", "ContextUtilization", "DomainSpecificRubrics", "ExactMatch"),
        *("FactualCorrectness", "Faithfulness", "NoiseSensitivity", "QuotedSpansAlignment"),
        *("ResponseGroundedness", "RougeScore", "RubricsScoreWithReference"),
        *("RubricsScoreWithoutReference", "SQLSemanticEquivalence", "StringPresence"),
        "SummaryScore",
    ),
}
"""Every metric that builds: to collect the tests must not import the frameworks, 8 s a worker."""


def _entry(kind: str, metric: str) -> dict[str, Any]:
    return {"scorer": {"kind": kind, "metric": metric, **OPTIONS.get(metric, {})}}


@functools.cache
def entries() -> dict[str, Any]:
    """Every scorer by its name in the tests, as an entry that builds with a judge."""
    own = {
        name: {**(GUIDELINES if kind in BY_GUIDELINES else {}), **OPTIONS.get(name, {})}
        for name, kind in IMPLIED_KIND.items()
        if kind not in FRAMEWORKS
    }
    named = {name: {name: options} for name, options in (own | TEMPLATES).items()}
    named = {name: entry for name, entry in named.items() if _parses(entry)}
    for kind, metrics in FRAMEWORKS.items():
        named |= {f"{kind}'s {metric}": _entry(kind, metric) for metric in metrics}
    return named


def _parses(entry: dict[str, Any]) -> bool:
    try:
        parse_scorer(entry)
    except (ConfigError, TypeError, ValueError):
        return False
    return True


def _builds(entry: dict[str, Any]) -> bool:
    try:
        build_scorers(
            [parse_scorer(entry)], Judge(model="openai:/none", base_url="http://127.0.0.1/v1")
        )
    except (ConfigError, TypeError, ValueError, NotImplementedError):
        return False
    return True


def judged() -> list[str]:
    return [name for name, entry in entries().items() if parse_scorer(entry).uses_judge]


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("processing.scorers.asked_once.FIRST_PAUSE_SECONDS", 0.0001)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "scorer" in metafunc.fixturenames:
        metafunc.parametrize("scorer", list(entries()))
    if "judged_scorer" in metafunc.fixturenames:
        metafunc.parametrize("judged_scorer", judged())


def replies(texts: list[str], verdicts: int, leaf: Callable[[str, dict[str, Any]], Any]) -> Say:
    """Fills each schema: lists of `texts`, so many verdicts, and for anything else `leaf`'s."""

    def say(_prompt: str, schema: type[BaseModel] | None) -> str:
        assert schema is not None
        whole = schema.model_json_schema()
        return json.dumps(filled(whole, whole))

    def filled(part: dict[str, Any], whole: dict[str, Any]) -> dict[str, Any]:
        return {name: value(name, field, whole) for name, field in part["properties"].items()}

    def value(name: str, field: dict[str, Any], whole: dict[str, Any]) -> Any:
        field = next((o for o in field.get("anyOf", []) if o.get("type") != "null"), field)
        if field.get("type") != "array":
            return leaf(name, field)
        items = field["items"]
        if "$ref" in items:
            part = whole["$defs"][items["$ref"].rpartition("/")[2]]
            return [filled(part, whole) for _ in range(verdicts)]
        if name != "answers":
            return texts
        said = leaf(name, items)
        ragas_s = whole["title"] == "AnswersGenerated" and said == "yes"
        return ["1" if ragas_s else said] * verdicts

    return say


def good(name: str, field: dict[str, Any]) -> Any:
    """What a judge says that finds nothing wrong."""
    said: dict[str, Any] = {
        "data": TOLD,
        "score": 1,
        "rating": 2,
        "attributed": 1,
        "equivalent": True,
    }
    if name == "verdict":
        return 1 if field.get("type") == "integer" else "yes"
    if name in ("result", "answers"):
        return field.get("enum", ["yes"])[0]
    return said.get(name, "text")


def scored(built: BuiltScorer, **changes: Any) -> float:
    """The number that a row gets. Raises JudgeError where it gets none."""
    given = question(changes.pop("answer", "Pinch the nose."), context=PASSAGES, **changes)
    number = number_of(built.spec, numbered(built, built.score(given)).value)
    assert number is not None
    return number


def test_the_sweep_is_of_all_that_the_frameworks_have() -> None:
    silence_libraries()
    import deepeval.metrics
    from ragas.metrics import collections

    all_names = {
        "DeepEval": [name.removesuffix("Metric") for name in dir(deepeval.metrics)],
        "RAGAS": dir(collections),
    }
    all_names["DeepEval"].append("GEvalOfCriteria")
    for kind, names in all_names.items():
        assert {name for name in names if _builds(_entry(kind, name))} == set(FRAMEWORKS[kind])
    assert {"Safety", "is_brief", "domain_terminology"} <= set(entries())


def test_what_a_judge_that_is_content_says_is_a_score(
    wire: StubWire, build: Callable[..., BuiltScorer], judged_scorer: str
) -> None:
    """Else the tests below would find errors that have other reasons."""
    wire.say = replies(["a", "b", "c"], 3, good)
    scored(build(entries()[judged_scorer]))


BLANK = ["", " \n", "\u200b", "\ufeff", "\u2060\u200d", "\u3164", "\u00ad", "\u0301", "\x00"]


def test_an_answer_without_text_is_an_error_and_asks_nobody(
    wire: StubWire, build: Callable[..., BuiltScorer], scorer: str
) -> None:
    wire.say = replies(["a"], 1, good)
    built = build(entries()[scorer])
    for blank in BLANK:
        if scorer in ("rougeL_fmeasure", "BleuScore", "domain_terminology"):
            assert scored(built, answer=blank) == 0, ascii(blank)  # nothing of the expected one
            continue
        if scorer == "ToolCallCorrectness":
            assert scored(built, answer=blank, tool_calls=()) == 0  # one is expected
            continue
        with pytest.raises(JudgeError, match="the answer has no text"):
            pytest.fail(f"{blank!a} scored {scored(built, answer=blank)}")
        assert wire.prompts == [], ascii(blank)


@pytest.mark.parametrize("blank", ["", "\u200b"], ids=ascii)
def test_an_expected_answer_without_text_scores_nothing_that_compares_with_it(
    wire: StubWire, build: Callable[..., BuiltScorer], scorer: str, blank: str
) -> None:
    wire.say = replies(["a", "b", "c"], 3, good)
    built = build(entries()[scorer])
    told = []
    for expected in (blank, "Lean forward.", "Quite another."):
        wire.prompts.clear()
        try:
            number = scored(built, expected_response=expected)
        except (JudgeError, AssertionError):
            number = None
        told.append((number, tuple(wire.prompts)))
    if told[0][0] is not None:
        assert told[0] == told[1] == told[2]


def test_a_context_without_text_is_an_error_of_what_judges_against_it(
    wire: StubWire, build: Callable[..., BuiltScorer], scorer: str
) -> None:
    wire.say = replies(["a", "b", "c"], 3, good)
    built = build(entries()[scorer])
    contexts: list[tuple[str, ...] | None] = [None, (), ("",), (" ", "\u200b")]
    for context in contexts if built.spec.needs_context else []:
        with pytest.raises(JudgeError, match="this row has none"):
            built.score(question("Pinch the nose.", context=context))
        assert wire.prompts == [], ascii(context)


def test_empty_lists_score_nothing(
    wire: StubWire, build: Callable[..., BuiltScorer], judged_scorer: str
) -> None:
    wire.say = replies([], 0, good)
    built = build(entries()[judged_scorer])
    if asked_for(build(entries()[judged_scorer]), wire):
        with pytest.raises(JudgeError):
            scored(built)


def test_nothing_that_the_user_told_is_nothing_to_retain(
    wire: StubWire, build: Callable[..., BuiltScorer]
) -> None:
    wire.say = replies([], 0, lambda name, field: None if name == "data" else good(name, field))
    with pytest.raises(JudgeError, match="nothing in the conversation to judge by"):
        scored(build({"KnowledgeRetention": {"kind": "DeepEval"}}))


def test_items_without_text_score_nothing(
    wire: StubWire, build: Callable[..., BuiltScorer], judged_scorer: str
) -> None:
    """Three statements that say nothing are no statements."""
    wire.say = replies(["", " ", "\u200b"], 3, good)
    built = build(entries()[judged_scorer])
    if "texts" in asked_for(build(entries()[judged_scorer]), wire):
        with pytest.raises(JudgeError, match=r"without text|no \w+"):
            scored(built)


def test_one_verdict_fewer_scores_nothing(
    wire: StubWire, build: Callable[..., BuiltScorer], judged_scorer: str
) -> None:
    wire.say = replies(["a", "b", "c"], 2, good)
    built = build(entries()[judged_scorer])
    by_the_judge = getattr(built.spec.options, "metric", "") in BY_THE_JUDGE
    if "verdicts" in asked_for(build(entries()[judged_scorer]), wire) and not by_the_judge:
        with pytest.raises(JudgeError, match=r"2 (verdicts|answers) on 3 items"):
            scored(built)


def asked_for(built: BuiltScorer, wire: StubWire) -> set[str]:
    """Which lists the metric asks its judge for: of texts, of verdicts."""
    lists: set[str] = set()
    say, content = wire.say, replies(["a", "b", "c"], 3, good)

    def noting(prompt: str, schema: type[BaseModel] | None) -> str:
        reply = content(prompt, schema)
        for name, value in json.loads(reply).items():
            if isinstance(value, list):
                texts = isinstance(value[0], str) and name != "answers"
                lists.add("texts" if texts else "verdicts")
        return reply

    wire.say = noting
    scored(built)
    wire.say = say
    return lists


OFF_SCALE: dict[str, Any] = {"99": 99, "maybe": "maybe", "-1": -1, "half": 0.5}


@pytest.mark.parametrize("odd", OFF_SCALE.values(), ids=OFF_SCALE)
def test_a_verdict_off_its_scale_is_asked_for_once_more_and_is_then_an_error(
    wire: StubWire,
    build: Callable[..., BuiltScorer],
    judged_scorer: str,
    odd: Any,
) -> None:
    said = []

    def leaf(name: str, field: dict[str, Any]) -> Any:
        if good(name, field) in ("text", TOLD):
            return good(name, field)
        said.append(name)
        return str(odd) if field.get("type") == "string" else odd

    wire.say = replies(["a", "b", "c"], 3, leaf)
    built = build(entries()[judged_scorer])
    paid = PaidVerdicts({built.definition: Shelf(Path("/dev/null"))}, Spend({}))
    row = make_row("How do I stop a nosebleed?", "Pinch it.", list(PASSAGES))
    record = paid.record(built, row, JudgedAnswer("Pinch the nose."))
    if set(said) == {"score"} and odd == 0.5 and built.spec.kind == "DeepEval":
        assert record["value"] == 0.05  # a number on GEval's scale
        return
    if not said:
        return  # the judge lists entities, and gives no verdict
    assert re.search(r"can be|none of|neither|should be|scale", record["error"])
    assert max(Counter(wire.prompts).values()) == 2


ODD: list[Any] = [-1, 0, 0.5, 1, 1.0000000000000004, 2, 3, 4, 5, 7, 10, 11, 99, 100, 1e308]
ODD += [True, False, None, "yes", "no", "1", "maybe", "", [], {}]


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whatever_the_judge_says_the_number_is_on_the_scale(
    wire: StubWire, build: Callable[..., BuiltScorer], judged_scorer: str, data: st.DataObject
) -> None:
    def leaf(name: str, field: dict[str, Any]) -> Any:
        odd = data.draw(st.sampled_from([*ODD, good, good, good, good]))
        return good(name, field) if odd is good else odd

    wire.say = replies(["a", "b", "c"], 3, leaf)
    built = build(entries()[judged_scorer])
    try:
        number = scored(built)
    except JudgeError:
        return
    low, high = number_range(built.spec)
    assert low <= number <= high
