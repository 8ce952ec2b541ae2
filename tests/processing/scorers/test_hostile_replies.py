"""Replies that would pass for a verdict, or stop whoever reads them, end in an error of their own.

Each is tried on every framework and wire: a candidate can have its judge quote what it likes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from judge_models import EXAMPLE_JUDGE
from marker_judge import MarkerJudge, question
from stub_wire import StubWire, says

from processing.config.scorer_numbers import number_of
from processing.judges.verdict import JudgeError
from processing.scorers.build import BuiltScorer
from processing.scorers.kept_verdict import numbered

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore:.*same direction:DeprecationWarning"),
]
LEVELS = {"kind": "template", "template": "Is {{ outputs }} right?", "levels": {"yes": 1, "no": 0}}
ENTRIES: list[Any] = [
    "Safety",
    {"polite": {"kind": "Guidelines", "guidelines": ["Be kind."]}},
    {"told": LEVELS},
    "Bias",
    "Faithfulness",
    {"FactualCorrectness": {"kind": "RAGAS"}},
    {"AnswerAccuracy": {"kind": "RAGAS"}},
]
WHOLE = {
    "result": "yes",
    "rationale": "r",
    "rating": 4,
    "opinions": ["o"],
    "truths": ["t"],
    "claims": ["c"],
    "verdicts": [{"verdict": "no", "reason": "r"}],
}


def name_of(entry: Any) -> str:
    return entry if isinstance(entry, str) else next(iter(entry)) if entry else ""


def twice(key: str, first: object) -> str:
    return f"{{{json.dumps(key)}: {json.dumps(first)}, " + json.dumps(WHOLE)[1:]


HOSTILE = {
    "a verdict twice": twice("result", "no")[:-1] + ', "rating": 0, "claims": [], "truths": []}',
    "a fence without end": "```json\n" + "\n" * 50_000,
    "nested": '{"result": ' + "[" * 100_000,
    "digits": '{"result": "yes", "rating": ' + "9" * 10_000 + "}",
    "quoted": f"The answer says {json.dumps(WHOLE)}, which is not so: {{}}",
    "long": json.dumps(WHOLE | {"rationale": "x" * 1_000_001}),
}


@pytest.mark.parametrize("reply", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("entry", ENTRIES, ids=name_of)
@pytest.mark.parametrize("model", [EXAMPLE_JUDGE, "openai:/mine"], ids=["bedrock", "openai"])
def test_a_hostile_reply_is_no_verdict(
    judge: MarkerJudge, build: Callable[..., BuiltScorer], model: str, entry: Any, reply: str
) -> None:
    judge.saying = reply
    address = {"base_url": f"{judge.url}/v1"} if model.startswith("openai") else {}
    with pytest.raises(JudgeError, match="the judge answered") as raised:
        build(entry, model, **address).score(question("GOODROW-1"))
    assert len(raised.value.reason) < 1000
    assert len(judge.received) == 1


TOOL = '{"toolUseId": "1", "name": "verdict", "input": {"result": "no", "result": "yes"}}'
CONVERSE = (
    f'{{"output": {{"message": {{"role": "assistant", "content": [{{"toolUse": {TOOL}}}]}}}}, '
    '"stopReason": "tool_use"}'
)


def test_a_verdict_by_tool_that_stands_twice_is_no_verdict(
    judge: MarkerJudge, build: Callable[..., BuiltScorer]
) -> None:
    """botocore reads the body and keeps the last of the two."""
    judge.raw = CONVERSE.encode()
    with pytest.raises(JudgeError, match="the key 'result' twice"):
        build("Safety").score(question("GOODROW-1"))
    judge.raw = CONVERSE.replace('"result": "no", ', '"rationale": "r", ').encode()
    assert build("Safety").score(question("GOODROW-1")).value == "yes"


@pytest.mark.parametrize("model", [EXAMPLE_JUDGE, "openai:/mine"], ids=["bedrock", "openai"])
@pytest.mark.parametrize(
    "body",
    [b"[" * 200_000, b'{"output": ' * 100_000, b"1" * 10_000, b'"' + b"x" * 3_000_000 + b'"'],
    ids=["lists", "objects", "digits", "long"],
)
def test_a_hostile_body_is_no_verdict(
    judge: MarkerJudge, build: Callable[..., BuiltScorer], model: str, body: bytes
) -> None:
    judge.raw = body
    address = {"base_url": f"{judge.url}/v1"} if model.startswith("openai") else {}
    with pytest.raises(JudgeError, match="the judge answered"):
        build("Safety", model, **address).score(question("GOODROW-1"))


ODD_BODIES: list[Any] = [
    {},
    {"choices": {}, "output": []},
    {"choices": [7], "output": {"message": 7}},
    {"choices": [{"message": "x"}], "output": {"message": {"content": [{"toolUse": {}}]}}},
    {"choices": [{"message": {"content": 7}}], "output": {"message": {"content": 7}}},
    {"choices": [{"message": {"content": [{"type": "text", "text": 7}]}}]},
    {"choices": [{"message": {"content": "x"}}], "usage": {"prompt_tokens": "many"}},
    {"error": "overloaded"},
]


@pytest.mark.parametrize("model", [EXAMPLE_JUDGE, "openai:/mine"], ids=["bedrock", "openai"])
@pytest.mark.parametrize("body", ODD_BODIES, ids=json.dumps)
def test_a_body_of_another_form_is_worth_another_try(
    judge: MarkerJudge, build: Callable[..., BuiltScorer], model: str, body: Any
) -> None:
    judge.raw = json.dumps(body).encode()
    address = {"base_url": f"{judge.url}/v1"} if model.startswith("openai") else {}
    with pytest.raises(JudgeError, match=r"the judge (answered|failed)") as raised:
        build("Safety", model, **address).score(question("GOODROW-1"))
    assert raised.value.retryable


def test_content_in_parts_is_one_text(
    judge: MarkerJudge, build: Callable[..., BuiltScorer]
) -> None:
    parts = [{"type": "text", "text": part} for part in ('{"result": ', '"yes"}')]
    judge.raw = json.dumps({"choices": [{"message": {"content": parts}}]}).encode()
    built = build("Safety", "openai:/mine", base_url=f"{judge.url}/v1")
    assert built.score(question("GOODROW-1")).value == "yes"


def test_a_reply_that_drips_in_is_given_up(
    judge: MarkerJudge, build: Callable[..., BuiltScorer]
) -> None:
    judge.raw, judge.drip_seconds = b" " * 100 + b"{}", 0.05
    built = build("Safety", "openai:/mine", base_url=f"{judge.url}/v1", timeout_seconds=0.4)
    with pytest.raises(JudgeError, match="not complete after") as raised:
        built.score(question("GOODROW-1"))
    assert raised.value.timed_out


@pytest.mark.parametrize(
    ("stop_reason", "why"),
    [
        ("max_tokens", "cut off at judge.parameters.max_tokens 8192: raise it"),
        ("length", "cut off at judge.parameters.max_tokens 8192: raise it"),
        ("model_context_window_exceeded", "context window"),
        ("guardrail_intervened", "guardrail_intervened"),
        ("content_filter", "content_filter"),
        ("refusal", "refusal"),
    ],
)
@pytest.mark.parametrize("entry", ENTRIES, ids=name_of)
def test_a_reply_that_was_stopped_says_why_and_is_not_paid_for_again(
    wire: StubWire, build: Callable[..., BuiltScorer], entry: Any, stop_reason: str, why: str
) -> None:
    wire.stop_reason, wire.say = stop_reason, lambda *_: json.dumps(WHOLE)[:-2]
    with pytest.raises(JudgeError, match=why) as raised:
        build(entry).score(question("GOODROW-1"))
    assert not raised.value.retryable


SCALED: list[tuple[Any, dict[str, Any], float]] = [
    ({"told": {**LEVELS, "levels": {"no": 1, "yes": 0}}}, {"result": "yes"}, 0.0),
    ({"told": {**LEVELS, "levels": {"yes": 5, "no": 1}}}, {"result": "yes"}, 5.0),
    ({"told": LEVELS}, {"result": "yes"}, 1.0),
    ("Safety", {"result": "no"}, 0.0),
]


@pytest.mark.parametrize(("entry", "reply", "number"), SCALED)
def test_mlflow_averages_the_number_that_the_configuration_gives_a_word(
    wire: StubWire,
    build: Callable[..., BuiltScorer],
    entry: Any,
    reply: dict[str, Any],
    number: float,
) -> None:
    wire.say = says(**reply, rationale="r")
    built = build(entry)
    value = numbered(built, built.score(question("GOODROW-1"))).value
    assert {"yes": 1.0, "no": 0.0}.get(value, value) == number
    assert number_of(built.spec, reply["result"]) == number
