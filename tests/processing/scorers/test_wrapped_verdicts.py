"""Whatever a judge's server leaves around a verdict, every framework reads the same verdict."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from every_judge import ENTRIES, ROW, fitting, name_of
from marker_judge import MarkerJudge, question
from stub_wire import StubWire

from processing.base.errors import ConfigError
from processing.config.scorers import parse_scorer
from processing.judges.verdict import JudgeError
from processing.scorers.build import BuiltScorer
from processing.scorers.deepeval_checks import METRICS
from processing.scorers.mlflow_judges import JUDGES
from processing.scorers.ragas_metrics import _metric_class

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore:.*same direction:DeprecationWarning"),
]

OTHER = '{"result": "no", "verdict": "no", "rating": 0}'
WRAPPERS = {
    "<think> block": f"<think>\nhm {{x}} {OTHER}\n</think>\n@",
    "</think> only": f"It is {OTHER}.\n</think>\n@",
    "<thinking> (Nova)": "<thinking>hm</thinking>\n@",
    "channels": f"<|channel|>analysis<|message|>{OTHER}<|end|>@",
    "intro and fence": "Here it is:\n```json\n@\n```",
    "fence and outro": "```json\n@\n```\nHope this helps.",
    "fence on one line": "```json @ ```",
    "commentary after": "@\n\nNote: short answer.",
    "byte order mark": "\ufeff@",
    "list of one": "[@]",
}


def test_every_metric_that_asks_a_judge_is_tried_here() -> None:
    from ragas.metrics import collections

    tried = {name_of(entry).rstrip("_") for entry in ENTRIES}
    assert tried >= METRICS | set(JUDGES) - {"Guidelines"}
    for name in (name for name in vars(collections) if name[0].isupper()):
        entry = {name: {"kind": "RAGAS"}}
        with contextlib.suppress(ConfigError):
            spec = parse_scorer(entry)
            _metric_class(spec)
            assert not spec.uses_judge or name in tried | {"InstanceSpecificRubrics"}


@pytest.mark.parametrize("wrapper", WRAPPERS.values(), ids=WRAPPERS)
@pytest.mark.parametrize("entry", ENTRIES, ids=name_of)
def test_a_wrapped_verdict_is_the_verdict(
    wire: StubWire, build: Callable[..., BuiltScorer], entry: Any, wrapper: str
) -> None:
    wire.say = fitting
    built = build(entry)
    plain = built.score(ROW)
    calls = len(wire.prompts)
    wire.say = lambda *asked: wrapper.replace("@", fitting(*asked))
    wrapped = built.score(ROW)
    assert (wrapped.value, wrapped.rationale) == (plain.value, plain.rationale)
    assert len(wire.prompts) == 2 * calls


@pytest.mark.parametrize("entry", ENTRIES, ids=name_of)
def test_two_verdicts_that_differ_are_no_verdict(
    wire: StubWire, build: Callable[..., BuiltScorer], entry: Any
) -> None:
    wire.say = lambda *asked: f"{fitting(*asked)}\nOr rather:\n{OTHER}"
    with pytest.raises(JudgeError, match="two JSON objects that differ"):
        build(entry).score(ROW)


@pytest.mark.parametrize("entry", ENTRIES, ids=name_of)
def test_a_verdict_within_the_thoughts_is_none(
    wire: StubWire, build: Callable[..., BuiltScorer], entry: Any
) -> None:
    wire.say = lambda *asked: f"<think>It says:\n{fitting(*asked)}\n"
    with pytest.raises(JudgeError, match="only thoughts and no verdict"):
        build(entry).score(ROW)


TOLD = {"kind": "template", "template": "Is {{ outputs }} right?", "levels": {"yes": 1, "no": 0}}
YES: list[Any] = [
    "yes",
    "Yes.",
    "**yes**",
    '"yes"',
    "`YES`",
    " yes\n",
    True,
    "true",
    "True.",
    1,
    "1",
]
NO: list[Any] = ["no", "No.", "**no**", "NO", False, "false", 0, "0"]


@pytest.mark.parametrize(
    ("word", "value"), [*((word, "yes") for word in YES), *((word, "no") for word in NO)]
)
@pytest.mark.parametrize("entry", ["Safety", {"told": TOLD}], ids=name_of)
def test_a_word_is_read_as_it_is_meant(
    wire: StubWire, build: Callable[..., BuiltScorer], entry: Any, word: Any, value: str
) -> None:
    for document in (
        {"result": word, "rationale": "fine"},
        {"Result": word, "Rationale": "fine"},
        {"result": word, "rationale": None},
        {"result": word, "rationale": {"because": "fine"}},
        word,
    ):
        wire.say = lambda *_, document=document: json.dumps(document)
        assert build(entry).score(question("GOODROW-1")).value == value


@pytest.mark.parametrize(
    "document",
    [
        {"result": "yes", "Result": "no"},
        {"result": "yes and no"},
        {"result": "yes, but"},
        {"result": "maybe"},
        {"result": ""},
        {"result": None},
        {"result": 2},
        {"result": ["yes"]},
        {"rationale": "yes"},
        ["yes", "no"],
        "not yes",
        None,
    ],
    ids=json.dumps,
)
@pytest.mark.parametrize("entry", ["Safety", {"told": TOLD}], ids=name_of)
def test_a_word_that_is_not_plain_is_no_verdict(
    wire: StubWire, build: Callable[..., BuiltScorer], entry: Any, document: Any
) -> None:
    wire.say = lambda *_: json.dumps(document)
    with pytest.raises(JudgeError, match="the judge answered"):
        build(entry).score(question("GOODROW-1"))


def test_levels_are_read_by_their_own_words(
    wire: StubWire, build: Callable[..., BuiltScorer]
) -> None:
    levels = {"1": 1, "2": 2, "3": 3}
    built = build({"stars": {**TOLD, "levels": levels}})
    for word, level in ((2, "2"), ("**3**", "3"), ("1.", "1"), (3.0, "3")):
        wire.say = lambda *_, word=word: json.dumps({"result": word, "rationale": "r"})
        assert built.score(question("GOODROW-1")).value == level
    for word in (True, "yes", 4, 2.5):
        wire.say = lambda *_, word=word: json.dumps({"result": word, "rationale": "r"})
        with pytest.raises(JudgeError, match="none of 1, 2, 3"):
            built.score(question("GOODROW-1"))


def converse(*content: dict[str, Any], stop: str = "end_turn") -> bytes:
    message = {"role": "assistant", "content": content}
    return json.dumps({"output": {"message": message}, "stopReason": stop}).encode()


def chat(**message: Any) -> bytes:
    return json.dumps({"choices": [{"message": message, "finish_reason": "stop"}]}).encode()


YES_TEXT = '{"result": "yes", "rationale": "r"}'
NO_TEXT = '{"result": "no", "rationale": "r"}'
THOUGHT = {"reasoningContent": {"reasoningText": {"text": f"It says {YES_TEXT}"}}}


def tool(text: str) -> dict[str, Any]:
    return {"toolUse": {"toolUseId": "1", "name": "verdict", "input": json.loads(text)}}


@pytest.mark.parametrize(
    "body",
    [
        converse(THOUGHT, {"text": NO_TEXT}),
        converse(THOUGHT, tool(NO_TEXT)),
        converse({"text": f"<thinking>{YES_TEXT}</thinking>"}, tool(NO_TEXT)),
        converse({"text": "I take the tool."}, tool(NO_TEXT)),
        converse(tool(NO_TEXT), tool(NO_TEXT)),
        chat(content=NO_TEXT, reasoning_content=YES_TEXT, reasoning=YES_TEXT),
        chat(
            content=[{"type": "thinking", "thinking": YES_TEXT}, {"type": "text", "text": NO_TEXT}]
        ),
    ],
)
def test_reasoning_blocks_of_a_body_are_no_verdict(
    judge: MarkerJudge, build: Callable[..., BuiltScorer], body: bytes
) -> None:
    judge.raw = body
    bedrock = b"output" in body
    built = build("Safety") if bedrock else build("Safety", "openai:/m", base_url=judge.url)
    assert built.score(question("GOODROW-1")).value == "no"


@pytest.mark.parametrize(
    "body",
    [
        converse(THOUGHT),
        converse({"text": NO_TEXT}, tool(YES_TEXT)),
        converse(tool(NO_TEXT), tool(YES_TEXT)),
        chat(content=None, reasoning_content=YES_TEXT),
        chat(content="", reasoning=YES_TEXT),
        chat(content=[{"type": "reasoning", "text": YES_TEXT}]),
    ],
)
def test_reasoning_alone_or_two_blocks_that_differ_are_no_verdict(
    judge: MarkerJudge, build: Callable[..., BuiltScorer], body: bytes
) -> None:
    judge.raw = body
    bedrock = b"output" in body
    built = build("Safety") if bedrock else build("Safety", "openai:/m", base_url=judge.url)
    with pytest.raises(JudgeError, match="the judge answered"):
        built.score(question("GOODROW-1"))
