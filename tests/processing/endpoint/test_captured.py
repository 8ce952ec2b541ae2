"""Captured calls become rows, whatever state SageMaker's files are in and whatever they hold."""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from processing.base.clean_text import has_text
from processing.base.errors import DatasetError
from processing.config.dataset import Dataset
from processing.config.endpoint import Endpoint
from processing.dataset.capture_files import BrokenRecordError, read_call
from processing.dataset.manifest import Manifest
from processing.dataset.redaction import Redactor
from processing.dataset.rows import Row
from processing.dataset.shards import read_share
from processing.endpoint.captured import messages_in
from processing.endpoint.given import given_answers
from processing.prepare_dataset import prepare

CHAT = Endpoint(name="live")
NOW = dt.datetime.now(dt.UTC)
HOUR = NOW - dt.timedelta(hours=1)


def chat(question: str, **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": question}], **more}


def said(text: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    usage = {"prompt_tokens": 7, "completion_tokens": 3}
    return {"choices": [{"message": message, "finish_reason": "stop"}], "usage": usage}


def payload(body: Any, encoding: str = "JSON") -> dict[str, Any]:
    text = body if isinstance(body, str) else json.dumps(body)
    data = base64.b64encode(text.encode()).decode() if encoding == "BASE64" else text
    return {"observedContentType": "application/json", "data": data, "encoding": encoding}


def record(
    event: str, request: Any, answer: Any, encoding: str = "JSON", time: dt.datetime = HOUR
) -> str:
    captured = {"endpointInput": {"mode": "INPUT", **payload(request, encoding)}}
    if answer is not None:
        captured["endpointOutput"] = {"mode": "OUTPUT", **payload(answer, encoding)}
    about = {"eventId": event, "inferenceTime": f"{time:%Y-%m-%dT%H:%M:%SZ}"}
    return json.dumps({"captureData": captured, "eventMetadata": about, "eventVersion": "0"})


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="captured")
        yield client


def put(s3: Any, *lines: str, variant: str = "AllTraffic", time: dt.datetime = HOUR) -> None:
    number = len(s3.list_objects_v2(Bucket="captured").get("Contents", []))
    key = f"calls/live/{variant}/{time:%Y/%m/%d/%H}/{number}.jsonl"
    s3.put_object(Bucket="captured", Key=key, Body="\n".join(lines))


def rows_of(
    folder: Path, endpoint: Endpoint = CHAT, **dataset: Any
) -> tuple[Manifest, tuple[Row, ...]]:
    source = {"source": "capture://live?hours=3&s3=s3://captured/calls", **dataset}
    section = Dataset.model_validate(source)
    manifest = prepare(
        section,
        config=folder / "evaluation.yaml",
        inputs=folder / "none",
        output=folder / "out",
        shards=1,
        endpoint=endpoint,
    )
    return manifest, tuple(read_share(folder / "out", manifest, whole=True).rows)


def test_each_call_is_one_row_whatever_the_files_are_like(s3: Any, tmp_path: Path) -> None:
    good = [
        record(f"e{n}", chat(f"What is {n}?"), said(f"It is {n}."), "BASE64") for n in range(18)
    ]
    put(s3, *good[:9])
    put(s3, *good[8:], good[0][: len(good[0]) // 2], variant="blue/one-model")
    put(s3, record("late", chat("Is it old?"), said("Yes."), time=NOW - dt.timedelta(hours=9)))
    put(s3, record("again", chat("What is 3?"), said("It is 3.")))
    s3.put_object(Bucket="captured", Key="calls/live/AllTraffic/readme.txt", Body="x")
    manifest, rows = rows_of(tmp_path)
    assert {row.question for row in rows} == {f"What is {n}?" for n in range(18)}
    assert (manifest.counts.written, manifest.counts.duplicates) == (18, 1)
    assert manifest.unusable_by_reason == {"broken record": 1}
    assert {row.slices["variant"] for row in rows} == {"AllTraffic", "blue/one-model"}
    answers = given_answers(CHAT, rows)
    assert {answer.text for answer in answers} == {f"It is {n}." for n in range(18)}
    [first] = [answer for answer in answers if answer.row.question == "What is 0?"]
    assert first.request == chat("What is 0?")
    assert first.latency_ms is None
    assert first.call.reply is not None
    assert (first.call.reply.input_tokens, first.call.reply.output_tokens) == (7, 3)


def test_calls_without_an_answer_close_the_door_only_where_they_are_many(
    s3: Any, tmp_path: Path
) -> None:
    answered = [record(f"e{n}", chat(f"What is {n}?"), said("It is.")) for n in range(9)]
    put(s3, *answered, record("x", chat("And?"), None))
    manifest, _ = rows_of(tmp_path)
    assert manifest.unusable_by_reason == {"no answer captured": 1}
    put(s3, record("y", chat("And then?"), None))
    with pytest.raises(DatasetError, match="2 of 11 rows are unusable"):
        rows_of(tmp_path)
    _, asked = rows_of(tmp_path, answers="ask")
    assert {row.given for row in asked} == {None}
    assert len(asked) == 11, "whoever asks again needs no captured answer"


def test_an_error_or_nothing_in_the_answer_is_a_row_without_one(s3: Any, tmp_path: Path) -> None:
    stream = "".join(
        f"data: {json.dumps({'choices': [{'delta': {'content': part}}]})}\n\n" for part in "ok!"
    )
    put(
        s3,
        record("error", chat("One?"), {"error": "out of memory"}),
        record("empty", chat("Two?"), said("  ")),
        record("thought", chat("Three?"), said("<think>hm</think>Three.")),
        record("events", chat("Four?"), f"{stream}data: [DONE]\n\n", "BASE64"),
    )
    _, rows = rows_of(tmp_path)
    found = {a.row.question: (a.text, a.call.error, a.reasoning) for a in given_answers(CHAT, rows)}
    assert "out of memory" in str(found["One?"][1])
    assert "the answer is empty" in str(found["Two?"][1])
    assert found["Three?"] == ("Three.", None, "hm")
    assert found["Four?"][0] == "ok!"


def test_a_share_is_the_same_calls_whatever_else_was_captured(s3: Any, tmp_path: Path) -> None:
    calls = [record(f"e{n}", chat(f"What is {n}?"), said(f"It is {n}.")) for n in range(200)]
    put(s3, *calls[:100])
    _, few = rows_of(tmp_path, sample_share=0.3)
    put(s3, *calls[100:])
    _, more = rows_of(tmp_path, sample_share=0.3)
    assert {row.row_id for row in few} <= {row.row_id for row in more}
    assert 35 <= len(more) <= 85
    _, others = rows_of(tmp_path, sample_share=0.3, seed=1)
    assert {row.row_id for row in others} != {row.row_id for row in more}


@pytest.mark.slow
def test_nothing_personal_is_written_by_prepare_dataset(s3: Any, tmp_path: Path) -> None:
    question = 'I am "ann@example.org",\nmy IBAN is DE89 3704 0044 0532 0130 00, 10.1.2.3?'
    answer = "Ann, your card 4111 1111 1111 1111 is blocked; write to bob@example.com."
    put(s3, record("e", chat(question), said(answer)))
    put(s3, record("f", chat("Is it 12:30?"), said("No.")))
    manifest, rows = rows_of(tmp_path, redact=["email", "iban", "credit_card", "ip"])
    text = (tmp_path / "out" / "dataset.jsonl").read_text()
    for personal in ("ann@", "bob@", "DE89", "4111", "10.1.2.3"):
        assert personal not in text
    assert "[email]" in text
    assert {row.question for row in rows} >= {"Is it 12:30?"}
    [note] = [note for note in manifest.notes if note.startswith("redacted")]
    assert "3 email, 2 iban, 1 credit_card, 2 ip" in note


def test_an_endpoint_without_capture_or_calls_is_told(s3: Any, tmp_path: Path) -> None:
    assert s3
    with pytest.raises(DatasetError, match=r"nothing was captured from .* take more hours"):
        rows_of(tmp_path)
    with pytest.raises(DatasetError, match=r"endpoint cannot be described.*s3=s3://bucket/prefix"):
        rows_of(tmp_path, source="capture://gone")


USER = [{"role": "user", "content": "Why?"}]
TALK = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes?"}, *USER]


@pytest.mark.parametrize(
    ("request_body", "messages"),
    [
        ({"messages": TALK, "max_tokens": 9}, TALK),
        ({"messages": [{**USER[0], "refusal": None, "audio": None}]}, USER),
        ({"inputs": "Why?", "parameters": {}}, USER),
        ({"inputs": ["Why?"]}, USER),
        ({"prompt": "Why?"}, USER),
        ("Why?", USER),
        ({"rows": [1]}, []),
        ({"inputs": "  "}, []),
        ([1], []),
    ],
)
def test_what_was_asked_is_read_out_of_the_request(request_body: Any, messages: Any) -> None:
    assert messages_in(CHAT, request_body) == messages


@pytest.mark.slow
def test_a_conversation_is_a_row_with_its_history(s3: Any, tmp_path: Path) -> None:
    unfinished = {"messages": TALK[:2]}
    put(s3, record("e", {"messages": TALK}, said("So.")), record("f", unfinished, said("So.")))
    manifest, [row] = rows_of(tmp_path, max_unusable_share=0.5)
    assert (row.question, [turn.content for turn in row.history]) == ("Why?", ["Hi", "Yes?"])
    assert manifest.unusable_by_reason == {"the conversation does not end with the user": 1}


@given(st.text(min_size=1), st.text())
def test_a_templates_question_is_what_stands_in_its_place(question: str, system: str) -> None:
    endpoint = Endpoint.model_validate(
        {
            "name": "live",
            "format": "template",
            "system_prompt": "x",
            "request": {"in": [{"q": "Q: {question}\nA:"}], "sys": "{system_prompt}"},
            "response": {"answer": "out"},
        }
    )
    body = {"in": [{"q": f"Q: {question}\nA:"}], "sys": system}
    asked = [{"role": "user", "content": question}] if has_text(question) else []
    assert messages_in(endpoint, body) == asked


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_no_line_breaks_the_reader(line: bytes) -> None:
    try:
        read_call(line)
    except BrokenRecordError as error:
        reason, detail = error.args
        assert reason == "broken record"
        assert detail


@given(st.text())
def test_redaction_finds_nothing_in_what_it_has_redacted(text: str) -> None:
    redactor = Redactor(["email", "iban", "credit_card", "ip"], [])
    once = redactor.text(f"{text} a.b@example.org ")
    assert "example.org" not in once
    assert redactor.text(once) == once


def test_telephone_numbers_are_found_by_googles_library() -> None:
    pytest.importorskip("phonenumbers", reason="LEFT OUT: make installs the locked requirements")
    redactor = Redactor(["phone"], ["DE", "US"])
    text = "Call +44 20 8366 1177, 030 123456 or (650) 253-0000 on 2026-11-27, order 12345678."
    assert redactor.text(text) == "Call [phone], [phone] or [phone] on 2026-11-27, order 12345678."
