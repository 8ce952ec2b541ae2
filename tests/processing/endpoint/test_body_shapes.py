"""What an endpoint answers is read by what it is: where it is plain what is meant, the answer; else
that one row's reason names what came instead. No body is a traceback.
"""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from processing.config.endpoint import Endpoint
from processing.endpoint.payload import read_reply
from processing.endpoint.reply import Reply, UnusableReply
from processing.endpoint.separation import separated


def chat(content: Any, finish: Any = "stop", **message: Any) -> dict[str, Any]:
    """OpenAI's chat completion."""
    choice = {"message": {"role": "assistant", "content": content, **message}}
    return {"choices": [{**choice, "finish_reason": finish}]}


def template(answer: str = "answer", **paths: str) -> Endpoint:
    response = {"answer": answer, **paths}
    return Endpoint.model_validate(
        {"name": "e", "format": "template", "request": {"q": "{question}"}, "response": response}
    )


def read(document: Any, endpoint: Endpoint | None = None) -> Reply:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return read_reply(endpoint or Endpoint(name="e"), body)


TEXT = {"type": "text", "text": "hi"}
THOUGHT = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]}
HI: dict[str, Any] = {
    "text": chat("hi"),
    "a part": chat(TEXT),
    "parts": chat([{"type": "text", "text": "h"}, {"type": "text", "text": "i"}]),
    "parts in a list": chat([[TEXT]]),
    "a list of one text": chat(["hi"]),
    "refusal": chat(None, refusal="hi"),
    "delta": {"choices": [{"delta": {"content": "hi"}}]},
    "message as text": {"choices": [{"message": "hi"}]},
    "completions": {"choices": [{"text": "hi", "finish_reason": "stop"}]},
    "usage as text": chat("hi") | {"usage": "n/a"},
    "usage as list": chat("hi") | {"usage": [1]},
    "counts as text": chat("hi") | {"usage": {"prompt_tokens": "9", "completion_tokens": None}},
    "counts as float": chat("hi") | {"usage": {"prompt_tokens": 9.5, "completion_tokens": -1}},
    "counts as bool": chat("hi") | {"usage": {"prompt_tokens": True, "completion_tokens": 10**30}},
    "error is null": chat("hi") | {"error": None},
    "JSON text": json.dumps(chat("hi")),
    "list of one": [chat("hi")],
    "TGI": {"generated_text": "hi", "details": None},
    "TGI details as list": {"generated_text": "hi", "details": [{"generated_tokens": 1}]},
    "TGI details as text": {"generated_text": "hi", "details": "none"},
    "pipeline": [{"generated_text": "hi"}],
    "list in list": [[{"generated_text": "hi"}]],
    "pipeline chat": [
        {
            "generated_text": [
                {"role": "user", "content": "what?"},
                {"role": "assistant", "content": "hi"},
            ]
        }
    ],
    "JumpStart": [[{"generation": {"role": "assistant", "content": "hi"}}]],
    "JumpStart texts": {"generated_texts": ["hi"]},
    "Llama on Bedrock": {"generation": "hi", "stop_reason": "stop"},
    "Titan": {"results": [{"outputText": "hi", "completionReason": "FINISH"}]},
    "Mistral on Bedrock": {"outputs": [{"text": "hi", "stop_reason": "stop"}]},
    "Converse": {"output": {"message": {"content": [{"text": "hi"}]}}, "stopReason": "end_turn"},
    "messages": {"type": "message", "role": "assistant", "content": [TEXT]},
    "responses": {
        "reasoning": {"effort": "high", "summary": "auto"},
        "output": [
            THOUGHT,
            {"type": "message", "role": "assistant", "content": [{**TEXT, "type": "output_text"}]},
        ],
    },
    "Gemini": {"candidates": [{"content": {"parts": [{"text": "hi"}], "role": "model"}}]},
    "Ollama": {"message": {"role": "assistant", "content": "hi"}, "done_reason": "stop"},
    "-Infinity elsewhere": b'{"choices": [{"message": {"content": "hi"}, "logprob": -Infinity}]}',
    "gzip": gzip.compress(json.dumps(chat("hi")).encode()),
    "the same key twice": b'{"choices": [{"message": {"content": "hi", "content": "hi"}}]}',
}


@pytest.mark.parametrize("format_", ["chat", "text_generation"])
@pytest.mark.parametrize("body", HI.values(), ids=HI)
def test_the_answer_is_found_in_every_server_s_form(body: Any, format_: Any) -> None:
    reply = read(body, Endpoint(name="e", format=format_))
    assert (reply.text, reply.input_tokens) == ("hi", None)
    assert reply.output_tokens is None


@pytest.mark.parametrize(
    ("body", "counts"),
    [
        (chat("hi") | {"usage": {"prompt_tokens": 3, "completion_tokens": 2}}, (3, 2)),
        ({"generated_text": "hi", "details": {"generated_tokens": 2}}, (None, 2)),
        ({"content": "hi", "usage": {"input_tokens": 3, "output_tokens": 2}}, (3, 2)),
        ({"output": "hi", "usage": {"inputTokens": 3, "outputTokens": 2}}, (3, 2)),
        ({"generation": "hi", "prompt_token_count": 3, "generation_token_count": 2}, (3, 2)),
    ],
)
def test_tokens_are_counted_under_every_server_s_names(body: Any, counts: Any) -> None:
    reply = read(body)
    assert (reply.input_tokens, reply.output_tokens) == counts


@pytest.mark.parametrize("number", [42, 1.5, 0, -3])
def test_a_number_is_the_text_that_it_is_written_with(number: float) -> None:
    for body in (chat(number), {"generated_text": number}):
        assert read(body).text == str(number)
    assert read({"answer": number}, template()).text == str(number)


@pytest.mark.parametrize(
    ("body", "reasoning"),
    [
        (chat("hi", reasoning_content="hm"), "hm"),
        (chat("hi", reasoning="hm"), "hm"),
        (chat([{"type": "thinking", "thinking": "hm", "signature": "x"}, TEXT]), "hm"),
        (
            {
                "output": {
                    "message": {
                        "content": [
                            {"reasoningContent": {"reasoningText": {"text": "hm"}}},
                            {"text": "hi"},
                        ]
                    }
                }
            },
            "hm",
        ),
        ({"output": [THOUGHT, {"type": "message", "content": [TEXT]}]}, "hm"),
        ({"candidates": [{"content": {"parts": [{"text": "hm", "thought": True}, TEXT]}}]}, "hm"),
        (chat("hi", reasoning_content={"odd": 1}), ""),
    ],
)
def test_what_the_server_gives_apart_is_reasoning_and_no_answer(body: Any, reasoning: str) -> None:
    reply = read(body)
    assert (reply.text, reply.reasoning) == ("hi", reasoning)


UNUSABLE: dict[str, tuple[Any, str]] = {
    "bool": (chat(True), "true, which is neither"),
    "NaN": (b'{"choices": [{"message": {"content": NaN}}]}', "NaN, which is neither"),
    "numbers": (chat([0.1, 0.9]), "a list of 2 that are no parts"),
    "two texts": (chat(["a", "b"]), "a list of 2 that are no parts"),
    "tool": (chat(None, tool_calls=[{"id": "1"}]), "no text, but tool_calls"),
    "tool part": (chat([{"type": "tool_use", "name": "f"}]), "no text, but tool_use"),
    "image": (chat([{"type": "image_url", "image_url": {"url": "x"}}]), "no text, but image_url"),
    "null": (chat(None), "the answer is empty"),
    "blank": (chat("  \n"), "the answer is empty"),
    "no choice": ({"choices": []}, "choices is empty"),
    "choice without": ({"choices": [{}]}, "no answer in"),
    "choices null": ({"choices": None}, "the answer is empty"),
    "text": ("hi", "no answer in"),
    "number": (7, "no answer in"),
    "null body": (None, "no answer in"),
    "list": ([], "no answer in"),
    "other keys": ({"reply": "hi"}, "is endpoint.format right?"),
    "a score": ({"predictions": [0.9]}, "predictions has 0.9"),
    "embedding": ({"outputs": [[0.1, 0.2]]}, "a list of 2 that are no parts"),
    "error": ({"error": {"message": "CUDA out of memory"}}, "CUDA out of memory"),
    "error beside": (chat("hi") | {"error": "overloaded"}, "overloaded"),
    "error in the choice": ({"choices": [{"error": {"code": 502}, "text": "h"}]}, "502"),
    "error object": ({"object": "error", "message": "too long"}, "too long"),
    "error type": ({"type": "error", "message": "too long"}, "too long"),
    "error message": ({"code": 503, "message": "Worker died."}, "Worker died."),
    "Lambda": ({"errorMessage": "timed out", "errorType": "x"}, "timed out"),
    "finish_reason error": (chat("hi", finish="error"), "finish_reason is 'error'"),
    "LMI error": (
        {"generated_text": "h", "details": {"finish_reason": "error"}},
        "finish_reason is 'error'",
    ),
    "filter": (chat("", finish="content_filter"), "a content filter stopped the model"),
    "plain text": (b"hi there", "is not JSON: b'hi there'"),
    "HTML": (b"<html>Bad Gateway</html>", "is not JSON"),
    "empty": (b"", "is not JSON"),
    "latin-1": ('{"generated_text": "é"}'.encode("latin-1"), "is not UTF-8"),
    "cut gzip": (gzip.compress(b"x" * 99)[:-9], "gzip"),
    "no gzip": (b"\x1f\x8b\x08nonsense", "gzip"),
    "two answers": (
        b'{"choices": [{"message": {"content": "yes", "content": "no"}}]}',
        "the key 'content' stands twice",
    ),
    "digits": (b'{"generated_text": ' + b"9" * 5_000 + b"}", "cannot be read"),
    "deep": (b'{"choices":' + b"[" * 100_000, "nested too deeply"),
    "deep content": (chat([[[[[[[[[[[[[[[[[[["x"]]]]]]]]]]]]]]]]]]]), "nested too deeply"),
}


@pytest.mark.parametrize("format_", ["chat", "text_generation"])
@pytest.mark.parametrize(("body", "why"), UNUSABLE.values(), ids=UNUSABLE)
def test_what_is_no_answer_says_what_it_is(body: Any, why: str, format_: Any) -> None:
    with pytest.raises(UnusableReply) as raised:
        read(body, Endpoint(name="e", format=format_))
    assert why in str(raised.value)
    assert len(str(raised.value)) < 400


@pytest.mark.parametrize(
    ("endpoint", "body", "why"),
    [
        (template("join(' ', answers)"), {"answers": None}, "endpoint.response.answer cannot be"),
        (template(error="contains(e, 'x')"), {"answer": "x"}, "endpoint.response.error cannot be"),
        (template("to_number(a)"), {"a": "9" * 5_000}, "endpoint.response.answer"),
        (template(), {"answer": True}, "endpoint.response.answer finds true"),
        (template(), {"answer": {"a": 1}}, "finds no text"),
        (template("answers[*]"), {"answers": ["a", "b"]}, "a list of 2 that are no parts"),
        (template(error="e"), {"answer": "x", "e": "overloaded"}, "overloaded"),
    ],
)
def test_a_template_s_reason_names_its_key(endpoint: Endpoint, body: Any, why: str) -> None:
    with pytest.raises(UnusableReply, match=r"endpoint\.response|e says") as raised:
        read(body, endpoint)
    assert why in str(raised.value)


def test_a_template_reads_why_the_model_stopped_and_what_it_thought() -> None:
    endpoint = template(
        stop_reason="why", reasoning="thought", input_tokens="length(n)", output_tokens="n"
    )
    reply = read({"answer": ["hi"], "why": "length", "thought": "hm", "n": 7}, endpoint)
    assert reply == Reply("hi", None, 7, "hm", "length")
    assert reply.cut


def stream(*events: Any, end: bytes = b"data: [DONE]\n\n") -> bytes:
    return b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events) + end


def delta(finish: str | None = None, **said: str | None) -> dict[str, Any]:
    return {"choices": [{"delta": said, "finish_reason": finish}]}


def test_a_stream_of_events_is_the_text_that_it_adds_up_to() -> None:
    usage = {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}
    body = stream(
        delta(role="assistant", content=None),
        delta(reasoning_content="hm"),
        delta(content="h"),
        delta("length", content="i"),
        usage,
    )
    assert read(b": keep-alive\n\n" + body) == Reply("hi", 3, 2, "hm", "length")
    assert read(body.replace(b"\n", b"\r\n")).text == "hi"
    last = {"generated_text": "hi", "details": {"finish_reason": "eos_token"}}
    tgi = stream({"token": {"text": "h"}}, last, end=b"")
    assert read(tgi, Endpoint(name="e", format="text_generation")).text == "hi"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (stream(delta(content="h"), end=b""), "ends before the answer does"),
        (stream(delta(content="h"), {"error": "CUDA"}), "CUDA"),
        (stream({"token": {"text": "h"}}), "ends before the answer does"),
        (b"data: {not json}\n\n", "is not JSON"),
        (stream(7), "turn streaming off"),
        (stream(delta("stop")), "the answer is empty"),
    ],
)
def test_a_stream_that_gives_no_whole_answer_is_none(body: bytes, why: str) -> None:
    with pytest.raises(UnusableReply, match=why):
        read(body)


def test_reasoning_without_an_answer_names_the_token_limit() -> None:
    for body in (
        chat(None, "length", reasoning_content="hm"),
        chat("<think>hm", "length"),
        {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"},
         "output": [THOUGHT]},
    ):  # fmt: skip
        with pytest.raises(UnusableReply) as raised:
            read(body)
        assert "only reasoning came" in str(raised.value)
        assert "raise max_tokens in endpoint.parameters" in str(raised.value)
        assert raised.value.final  # the same again would cost the same
        assert raised.value.reply
        assert raised.value.reply.reasoning == "hm"
        assert raised.value.reply.cut


@pytest.mark.parametrize("content", ["<think>\nhm\n</think>\n\nhi", "hm</think>hi"])
def test_thoughts_within_the_text_are_kept_apart_unless_they_are_to_stay(content: str) -> None:
    strip = Endpoint(name="e")
    came = read(chat(content), strip)
    assert came.text == content  # what is stored is what came
    apart = separated(strip, came)
    assert (apart.text, apart.reasoning) == ("hi", "hm")
    keep = Endpoint(name="e", reasoning="keep")
    assert separated(keep, read(chat(content), keep)).text == content
