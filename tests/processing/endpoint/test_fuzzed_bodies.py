"""Bodies of every form and of none, by the hundred; by the ten thousand with

pytest tests/processing -k fuzzed --hypothesis-profile ten-thousand --timeout 0
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from processing.config.endpoint import Endpoint
from processing.endpoint.payload import read_reply
from processing.endpoint.reply import Reply, UnusableReply
from processing.endpoint.separation import separated

WRONG = "WRONG"
"""Stands wherever no answer stands: in reasoning, errors, settings, calls of tools."""

SAYING = ("content", "text", "generated_text", "generation", "outputText", "output_text", "parts",
          "output", "completion", "delta", "message", "choices", "candidates", "results",
          "generations", "generated_texts", "outputs", "predictions", "answer")  # fmt: skip
SILENT = ("reasoning_content", "reasoning", "thinking", "reasoningContent", "error", "errors",
          "tool_calls", "function_call", "usage", "id", "model", "detail", "name", "input",
          "signature", "logprobs", "image_url", "system_fingerprint")  # fmt: skip
FACTS = {
    "type": ["text", "message", "reasoning", "thinking", "tool_use", "error", "output_text", 7],
    "role": ["assistant", "user", "system", None, 1],
    "finish_reason": ["stop", "length", "error", "content_filter", None, 7, []],
    "stop_reason": ["max_tokens", "end_turn", {}],
    "usage": ["n/a", [], 7, {"prompt_tokens": "9"}, {"completion_tokens": -1}, {"input_tokens": 3}],
    "details": [[{"generated_tokens": 1}], "x", {"generated_tokens": 4, "finish_reason": 1}],
    "thought": [True, False, "yes"],
    "object": ["chat.completion", "error"],
}
SAID_NOWHERE: list[Any] = [
    WRONG,
    [WRONG],
    {"text": WRONG},
    {"content": [{"text": WRONG}]},
    [{"type": "summary_text", "text": WRONG}],
    {"reasoningText": {"text": WRONG}},
    [[{"message": {"content": WRONG}}]],
]
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([10**400, -(10**30), 0]),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["RIGHT", "", " ", "\ud83d", "\ufeff", "{", "[1"]),
    st.sampled_from([f"<think>{WRONG}</think>RIGHT", '{"choices": [{"text": "RIGHT"}]}']),
)


def _objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(
        {},
        optional={
            **dict.fromkeys(SAYING, inner),
            **{key: st.sampled_from(SAID_NOWHERE) for key in SILENT},
            **{key: st.sampled_from(values) for key, values in FACTS.items()},
        },
    )


def _likely(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """The forms that servers give, with anything in the place of the content."""
    return st.one_of(
        inner.map(lambda x: {"choices": [{"message": {"role": "assistant", "content": x}}]}),
        inner.map(lambda x: {"choices": [{"text": x, "finish_reason": "length"}]}),
        inner.map(lambda x: [{"generated_text": x}]),
        inner.map(lambda x: {"output": {"message": {"content": [x]}}, "stopReason": "end_turn"}),
        inner.map(lambda x: {"content": [{"type": "thinking", "thinking": WRONG}, x]}),
        inner.map(lambda x: {"answer": x}),
    )


documents = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | _objects(inner) | _likely(inner),
    max_leaves=12,
)  # fmt: skip
raw = st.one_of(
    documents.map(lambda d: json.dumps(d).encode()),
    documents.map(lambda d: json.dumps(d, ensure_ascii=False).encode("utf-8", "surrogatepass")),
    st.tuples(documents, st.integers(0, 200)).map(lambda p: json.dumps(p[0]).encode()[: p[1]]),
    st.lists(documents, max_size=4).map(
        lambda events: b"".join(b"data: " + json.dumps(e).encode() + b"\n\n" for e in events)
    ),
    st.binary(max_size=60),
    st.binary(max_size=40).map(lambda b: b"\x1f\x8b\x08" + b),
)
endpoints = st.sampled_from(
    [
        Endpoint(name="e"),
        Endpoint(name="e", reasoning="keep"),
        Endpoint(name="e", format="text_generation"),
        *(
            Endpoint.model_validate(
                {
                    "name": "e",
                    "format": "template",
                    "request": {"q": "{question}"},
                    "response": {"answer": path, "input_tokens": "usage.prompt_tokens",
                                 "error": "error", "stop_reason": "finish_reason"},
                }
            )
            for path in ("answer", "content[?type=='text'].text", "join('', answer)", "max(answer)")
        ),
    ]
)  # fmt: skip


@pytest.mark.slow
@settings(deadline=None)
@given(endpoint=endpoints, body=raw)
@example(Endpoint(name="e"), b'{"choices": [{"message": {"content": {"type": "text"}}}]}')
def test_fuzzed_a_body_is_an_answer_or_a_reason(endpoint: Endpoint, body: bytes) -> None:
    try:
        reply = separated(endpoint, read_reply(endpoint, body))
    except UnusableReply as unusable:
        reason = str(unusable)
    else:
        _require_answer(reply)
        if endpoint.reasoning == "strip" and endpoint.format != "template":
            assert WRONG not in reply.text
        return
    assert 0 < len(reason) < 600


def _require_answer(reply: Reply) -> None:
    assert reply.text.strip()
    reply.text.encode()  # fit to be stored
    reply.reasoning.encode()
    for count in (reply.input_tokens, reply.output_tokens):
        assert count is None or (type(count) is int and count >= 0)
    assert reply.text.casefold() not in ("true", "false", "null", "none", "nan", "infinity", "inf")
