"""What is sent to an endpoint holds a row's texts as they are, whatever they imitate."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing.calls.rate_limit import RateLimit
from processing.config.endpoint import Endpoint
from processing.dataset.rows import make_row
from processing.endpoint.client import ask
from processing.endpoint.payload import read_reply, request_body
from processing.endpoint.reply import UnusableReply

PLACEHOLDERS = [
    *("{question}", "{context}", "{system_prompt}", "{{question}}", "{{ context }}", "${question}"),
    *("%(question)s", "$context", "<question>", "{% raw %}", "{0}", "{}", "\\g<0>", "\\1"),
]
text = st.lists(st.sampled_from([*PLACEHOLDERS, "a", " "]), min_size=1, max_size=6).map("".join)
FORMATS: list[dict[str, Any]] = [
    {"format": "chat"},
    {"format": "text_generation"},
    {
        "format": "template",
        "request": {"ask": ["Q {question} C {context} S {system_prompt}"]},
        "response": {"answer": "text"},
    },
]


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form["format"])
@given(question=text, context=text, system=text)
def test_values_are_put_in_in_one_pass(
    form: dict[str, Any], question: str, context: str, system: str
) -> None:
    endpoint = Endpoint.model_validate(
        {
            "name": "e",
            "prompt": "Q {question} C {context} S {system_prompt}",
            "system_prompt": system,
            **form,
        }
    )
    body = request_body(endpoint, make_row(f"[{question}]", "x", context=(f"[{context}]",)))
    wanted = f"Q [{question}] C [{context}] S {system}"
    sent = {
        "chat": lambda: body["messages"][-1]["content"],
        "text_generation": lambda: body["inputs"].removeprefix(f"{system}\n\n"),
        "template": lambda: body["ask"][0],
    }[endpoint.format]()
    assert sent == wanted
    if endpoint.format == "chat":
        assert body["messages"][0] == {"role": "system", "content": system}


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form["format"])
def test_half_an_emoji_in_an_answer_is_replaced_and_the_rest_stays_as_it_came(
    form: dict[str, Any],
) -> None:
    said = r"cafe\u0301 \ud83d\ude00, cut \ud83d"
    bodies = {
        "chat": '{"choices": [{"message": {"content": "%s"}}]}',
        "text_generation": '{"generated_text": "%s"}',
        "template": '{"text": "%s"}',
    }
    endpoint = Endpoint.model_validate({"name": "e", **form})
    body = (bodies[endpoint.format] % said).encode()
    assert read_reply(endpoint, body).text == "cafe\u0301 😀, cut \ufffd"
    assert read_reply(endpoint, b"\xef\xbb\xbf" + body).text.startswith("cafe")


@pytest.mark.parametrize(
    "body",
    [b"[" * 100_000, b'{"a":' * 100_000, b'{"choices": ' + b"[" * 900 + b"]" * 900 + b"}",
     b'{"choices": ' + b"9" * 5_000 + b"}"],
    ids=["lists", "objects", "deep-choices", "digits"],
)  # fmt: skip
def test_a_body_that_cannot_be_read_is_no_answer(body: bytes) -> None:
    with pytest.raises(UnusableReply):
        read_reply(Endpoint(name="e"), body)


def test_a_body_that_is_too_long_is_refused_by_its_length_and_asked_for_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Client:
        def invoke_endpoint(self, **_: object) -> dict[str, Any]:
            return {"Body": BytesIO(b"x" * 1000)}

    monkeypatch.setattr("processing.endpoint.invocation.LONGEST_BODY", 10)
    call = ask(Client(), Endpoint(name="e"), {}, RateLimit(1))
    assert call.error == "unusable answer: a body of more than 10 bytes"
    assert call.attempts == 1
