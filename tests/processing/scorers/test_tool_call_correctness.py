"""Tool calls against those expected: by MLflow's rule, or its judge; nothing is ever called."""

from __future__ import annotations

from typing import Any

import pytest
from stub_wire import StubWire, says

from processing.config.judge import Judge
from processing.config.scorers import parse_scorer
from processing.dataset.expectations import FurtherExpectations
from processing.dataset.turns import ToolCall
from processing.judges.verdict import JudgeError, Question
from processing.scorers.build import build_scorers
from processing.scorers.kept_verdict import numbered

JUDGE = Judge.model_validate({"model": "bedrock:/a-model", "retry_seconds": 0})
ROME, OSLO = (ToolCall("weather", f'{{"city": "{city}"}}') for city in ("Rome", "Oslo"))
MAP = ToolCall("map", "{}")
TOOL = {"type": "function", "function": {"name": "weather", "description": "Of a city."}}


def asked(
    called: list[ToolCall], expected: list[ToolCall] | None, tools: Any = (), text: str = ""
) -> Question:
    wanted = None if expected is None else tuple(expected)
    further = FurtherExpectations(expected_tool_calls=wanted)
    return Question(
        "Weather?", text, "", further=further, tool_calls=tuple(called), tools=tuple(tools)
    )


def verdict(question: Question, **options: Any) -> tuple[Any, str]:
    [built] = build_scorers([parse_scorer({"ToolCallCorrectness": options})], JUDGE)
    feedback = numbered(built, built.score(question))
    return feedback.value, str(feedback.rationale)


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> StubWire:
    made = StubWire(says(result="yes", rationale="They match."))
    monkeypatch.setattr("processing.judges.service._wire", lambda _: made)
    return made


@pytest.mark.parametrize(
    ("called", "expected", "ordered", "value", "why"),
    [
        ([ROME], [ROME], False, "yes", "as expected"),
        ([ToolCall("weather", '{ "city":"Rome" }', "id")], [ROME], False, "yes", "as expected"),
        ([OSLO], [ROME], False, "no", 'misses weather({"city": "Rome"}); has weather({"city": "O'),
        ([OSLO], [ToolCall("weather", "")], False, "yes", "it calls weather"),
        ([MAP, ROME], [ROME, MAP], False, "yes", "as expected"),
        ([MAP, ROME], [ROME, MAP], True, "no", "the order is map({}), weather"),
        ([ROME, ROME], [ROME], False, "no", "has weather"),
        ([ROME, ROME, MAP], [ROME, MAP, MAP], False, "no", "misses map({}); has weather"),
        ([], [ROME], False, "no", "it calls no tool, and should call weather"),
        ([ROME], [], False, "no", "it should call no tool, and calls weather"),
        ([], [], False, "yes", "it calls no tool, and should call none"),
        ([ToolCall("weather", '{"city": ')], [ROME], False, "no", "of weather are no JSON object"),
        ([ToolCall("weather", "[1]")], [ROME], False, "no", "are no JSON object: no JSON object"),
        ([ROME], None, False, "not applicable", "nobody says which tools"),
    ],
)
def test_an_exact_match_asks_no_judge(
    called: list[ToolCall],
    expected: list[ToolCall] | None,
    ordered: bool,
    value: str,
    why: str,
) -> None:
    options = {"should_exact_match": True, "should_consider_ordering": ordered}
    said, rationale = verdict(asked(called, expected), **options)
    assert said == value
    assert why in rationale


def test_a_judge_compares_in_mlflow_s_words(wire: StubWire) -> None:
    schema = {
        "type": "object",
        "properties": {"at": {"type": ["string", "null"]}, "zoom": {"type": "integer"}},
        "required": ["at"],
    }
    anthropic = {"name": "map", "input_schema": schema}
    said, _ = verdict(asked([ROME], [OSLO], [TOOL, anthropic, {"odd": 1}]))
    assert said == "yes"
    [prompt] = wire.prompts
    assert "Tool Call 1: weather\n  Input Arguments: {'city': 'Rome'}" in prompt
    assert 'Expected Tool Call 1: weather\n  Arguments: {"city": "Oslo"}' in prompt
    assert "- weather: Of a city." in prompt
    assert "- map\n    - at (required)\n    - zoom (optional): " in prompt
    assert "<request>\nWeather?\n</request>" in prompt


def test_what_is_beyond_doubt_costs_no_call(wire: StubWire) -> None:
    broken = ToolCall("weather", "{")
    for question in (asked([], [ROME]), asked([ROME], []), asked([broken], [ROME])):
        assert verdict(question)[0] == "no"
    assert wire.prompts == []


def test_scorers_of_texts_have_nothing_to_judge_in_a_call_alone(wire: StubWire) -> None:
    [built] = build_scorers([parse_scorer("Safety")], JUDGE)
    with pytest.raises(JudgeError, match="no text"):
        built.score(asked([ROME], [ROME]))
    assert wire.prompts == []
