"""Answers that call tools: read in every server's form, kept as written, and never empty."""

from __future__ import annotations

import json
from typing import Any

import pytest

from processing.config.endpoint import Endpoint
from processing.dataset.expectations import further_of
from processing.dataset.given_answers import GivenAnswer, given_answer_of
from processing.dataset.tool_calls import NotCallsError, expected_calls_in
from processing.dataset.turns import ToolCall
from processing.endpoint.payload import read_reply
from processing.endpoint.reply import Reply, UnusableReply

CHAT = Endpoint(name="e")
ROME = ToolCall("weather", '{"city": "Rome"}', "c1")


def openai(arguments: str = ROME.arguments, **message: Any) -> dict[str, Any]:
    call = {"id": "c1", "type": "function"}
    call |= {"function": {"name": "weather", "arguments": arguments}}  # type: ignore[dict-item]
    told = {"role": "assistant", "content": None, "tool_calls": [call], **message}
    return {"choices": [{"message": told, "finish_reason": "tool_calls"}]}


def read(body: Any, endpoint: Endpoint = CHAT) -> Reply:
    return read_reply(endpoint, body if isinstance(body, bytes) else json.dumps(body).encode())


ANTHROPIC = {
    "content": [{"type": "tool_use", "id": "c1", "name": "weather", "input": {"city": "Rome"}}],
    "stop_reason": "tool_use",
}
CONVERSE_CALL = {"toolUse": {"toolUseId": "c1", "name": "weather", "input": {"city": "Rome"}}}
CONVERSE = {"output": {"message": {"role": "assistant", "content": [CONVERSE_CALL]}}}
GEMINI_CALL = {"functionCall": {"id": "c1", "name": "weather", "args": {"city": "Rome"}}}
GEMINI = {"candidates": [{"content": {"role": "model", "parts": [GEMINI_CALL]}}]}
RESPONSES_CALL = {"type": "function_call", "call_id": "c1", "name": "weather"}
RESPONSES = {"output": [{**RESPONSES_CALL, "arguments": ROME.arguments}]}
PIECES: list[dict[str, Any]] = [
    {"tool_calls": [{"index": 0, "id": "c1", "function": {"name": "weather", "arguments": ""}}]},
    {"tool_calls": [{"index": 0, "function": {"arguments": '{"city": '}}]},
    {"tool_calls": [{"index": 0, "function": {"arguments": '"Rome"}'}}]},
]
STREAM = b"".join(
    b"data: " + json.dumps({"choices": [{"delta": piece}]}).encode() + b"\n\n" for piece in PIECES
)


@pytest.mark.parametrize(
    "body",
    [
        openai(),
        openai(content=""),
        [openai()],
        ANTHROPIC,
        CONVERSE,
        GEMINI,
        RESPONSES,
        STREAM + b"data: [DONE]\n\n",
    ],
)
def test_an_answer_that_only_calls_a_tool_is_one(body: Any) -> None:
    told = read(body)
    assert (told.text, told.tool_calls) == ("", (ROME,))


def test_a_text_beside_the_calls_stays_and_older_forms_are_read() -> None:
    assert read(openai(content="I look.")).text == "I look."
    assert read(openai(content="I look.")).tool_calls == (ROME,)
    older = {"content": None, "function_call": {"name": "weather", "arguments": "{}"}}
    assert read({"choices": [{"message": older}]}).tool_calls == (ToolCall("weather", "{}"),)


@pytest.mark.parametrize("arguments", ['{"city": "Rome"', "Rome", "[1]", ""])
def test_arguments_are_kept_as_they_were_written_with_their_errors(arguments: str) -> None:
    assert read(openai(arguments)).tool_calls == (ToolCall("weather", arguments, "c1"),)


@pytest.mark.parametrize("calls", [[], [{}], [{"function": {}}], None, "search", [None]])
def test_no_call_and_no_text_is_no_answer(calls: Any) -> None:
    with pytest.raises(UnusableReply):
        read(openai(tool_calls=calls))


def test_a_template_names_where_they_are() -> None:
    template = Endpoint.model_validate(
        {
            "name": "e",
            "format": "template",
            "request": {"q": "{question}"},
            "response": {"answer": "text", "tool_calls": "calls"},
        }
    )
    assert read({"calls": [{"name": "weather", "args": {"city": "Rome"}}]}, template).tool_calls
    assert read({"text": "Sunny."}, template).tool_calls == ()


def test_a_given_answer_comes_back_with_its_calls() -> None:
    given = GivenAnswer("", tool_calls=(ROME,))
    assert given_answer_of(json.loads(json.dumps(given.known()))) == given


def test_expected_calls_are_read_and_come_back() -> None:
    told = [{"name": "weather", "arguments": {"city": "Rome"}}, {"function": {"name": "look"}}]
    calls = expected_calls_in(json.dumps(told), "it")
    assert calls == (ToolCall("weather", '{"city": "Rome"}'), ToolCall("look", ""))
    further = further_of({"expected_response": "", "expected_tool_calls": told})
    assert further.expected_tool_calls == calls
    assert further.given() == {"expected_tool_calls": [told[0], {"name": "look"}]}
    assert expected_calls_in([], "it") == ()
    assert expected_calls_in("", "it") is None


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("[", "no JSON"),
        ([{"arguments": {}}], "without a name"),
        (["look"], "without a name"),
        ([{"name": "look", "arguments": "{"}], "no JSON object"),
        ([{"name": "look", "arguments": [1]}], "no JSON object"),
    ],
)
def test_expected_calls_that_are_none_make_the_row_unusable(cell: Any, said: str) -> None:
    with pytest.raises(NotCallsError) as unusable:
        expected_calls_in(cell, "it")
    assert said in unusable.value.args[0]
