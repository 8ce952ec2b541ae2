"""Streamed answers: put together whatever their parts, measured, and never half an answer.

The endpoint is the demo server over HTTP in SageMaker's event stream, with its bad habits.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from running_aws import ConfigWriter

from processing.base.errors import ConfigError
from processing.calls.paid_store import Shelf
from processing.calls.spend import Spend
from processing.config.endpoint import Endpoint
from processing.config.file import load_config
from processing.config.thresholds import threshold_parameters
from processing.dataset.rows import make_row
from processing.endpoint import client as endpoint_module
from processing.endpoint.answers import Answer, AnswerDesk, answer_rows
from processing.endpoint.body_bytes import document_in
from processing.endpoint.client import Call, MeasuredModel, ask, endpoint_rate_limit, runtime_client
from processing.endpoint.payload import read_reply, request_body
from processing.endpoint.reply import UnusableReply
from processing.endpoint.streamed import TokenTimes, read_stream
from processing.evaluation.measurements import measure

ROW = make_row("How many hours of sleep do most adults need each night?", "Seven or more.")
CHAT, TEXT = (
    Endpoint(name="qa", stream=True),
    Endpoint(name="qa", format="text_generation", stream=True),
)
Streamer = Callable[..., tuple[Call, int]]


@pytest.fixture
def streamed(server: str, monkeypatch: pytest.MonkeyPatch) -> Streamer:
    """streamed(streaming, endpoint keys...) -> the call, and how often the server was asked."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", server)
    monkeypatch.setattr(endpoint_module, "FIRST_PAUSE_SECONDS", 0.01)

    def asked(
        streaming: dict[str, Any] | None = None, shape: str = "lmi", **keys: Any
    ) -> tuple[Call, int]:
        behaviour = {
            "faults": {"latency_ms": 0, "jitter_ms": 0, **keys.pop("faults", {})},
            "streaming": streaming or {},
            "text_generation": shape,
            "passages": keys.pop("passages", 0),
        }
        httpx.put(f"{server}/_demo/endpoints/qa", json=behaviour).raise_for_status()
        httpx.delete(f"{server}/_demo/calls")
        endpoint = Endpoint(name="qa", stream=True, **keys)
        body = request_body(endpoint, ROW)
        call = ask(client(endpoint), endpoint, body, endpoint_rate_limit(endpoint))
        return call, httpx.get(f"{server}/_demo/calls").json()["total"]

    return asked


def client(endpoint: Endpoint) -> Any:
    return runtime_client(endpoint, boto3.Session("x", "x", region_name="us-east-1"))


FORMATS = [("chat", "lmi"), ("text_generation", "lmi"), ("text_generation", "tgi")]


@pytest.mark.slow
@pytest.mark.parametrize(("form", "shape"), FORMATS)
def test_a_stream_is_the_answer_in_whole_with_its_tokens_and_times(
    streamed: Streamer, form: str, shape: str
) -> None:
    call, asked = streamed({"first_ms": 60, "token_ms": 4}, shape, format=form)
    assert call.error is None
    assert call.reply is not None
    assert "seven hours" in call.reply.text.casefold()
    assert call.reply.stop_reason in ("stop", "eos_token")
    tokens = call.reply.output_tokens or 0
    assert tokens > 5
    assert asked == 1
    assert call.ttft_ms is not None
    assert call.inter_token_ms is not None
    assert 60 <= call.ttft_ms < call.latency_ms
    assert call.ttft_ms + call.inter_token_ms * (tokens - 1) <= call.latency_ms
    assert call.tokens_per_second == pytest.approx(tokens / call.latency_ms * 1000)


@pytest.mark.slow
@pytest.mark.parametrize(("form", "shape"), FORMATS)
def test_the_passages_of_a_stream_are_read_whichever_event_has_them(
    streamed: Streamer, form: str, shape: str
) -> None:
    path = "choices[0].message.context.citations" if form == "chat" else "passages"
    call, _ = streamed({}, shape, format=form, response={"context": path}, passages=3)
    assert call.reply is not None, call.error
    assert call.reply.retrieved is not None
    assert not call.reply.retrieved.problem
    assert len(call.reply.retrieved.passages) == 3
    assert "seven hours" in call.reply.text.casefold()


@pytest.mark.slow
@pytest.mark.parametrize(("form", "shape"), FORMATS)
@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("model-stream-error", "ModelStreamError: the demo endpoint's model went"),
        ("internal-stream-failure", "InternalStreamFailure: demo fault"),
        ("reset", "ProtocolError: Response ended prematurely"),
        ("unfinished", "ends before the answer does"),
        ("error", "CUDA out of memory"),
    ],
)
def test_half_an_answer_is_an_error_that_is_asked_again(
    streamed: Streamer, form: str, shape: str, how: str, said: str
) -> None:
    call, asked = streamed({"breaks": 1, "breaks_as": how}, shape, format=form, retry_seconds=0.5)
    assert call.reply is None
    assert said in str(call.error)
    assert asked == call.attempts > 1
    assert call.tokens_per_second is None


def test_a_stream_that_breaks_now_and_then_ends_in_an_answer(streamed: Streamer) -> None:
    call, asked = streamed({"breaks": 0.8}, retry_seconds=60, faults={"seed": 2})
    assert call.error is None
    assert "hours" in str(call.said and call.said.text)
    assert asked == call.attempts > 1


@pytest.mark.slow
@pytest.mark.parametrize("malformed_as", ["not-json", "truncated", "empty", "error-inside"])
def test_a_body_that_is_no_stream_and_no_answer_is_an_error(
    streamed: Streamer, malformed_as: str
) -> None:
    faults = {"malformed": 1.0, "malformed_as": malformed_as}
    call, _ = streamed(format="text_generation", faults=faults)
    assert str(call.error).startswith("unusable answer")


@pytest.mark.slow
@pytest.mark.parametrize("status", [400, 503])
def test_an_error_before_the_stream_begins_is_the_container_s(
    streamed: Streamer, status: int
) -> None:
    faults = {"fail": 1.0, "model_error_status": status}
    call, asked = streamed(faults=faults, retry_seconds=0.2)
    assert f"ModelError {status}" in str(call.error)
    assert (asked > 1) == (status == 503)


def parts_of(body: bytes, size: int) -> Any:
    class Stream:
        closed = False

        def __iter__(self) -> Iterator[dict[str, Any]]:
            for start in range(0, len(body), size):
                yield {"PayloadPart": {"Bytes": body[start : start + size]}}

        def close(self) -> None:
            self.closed = True

    return Stream()


def chunks(*deltas: Any, finish: str | None = "stop", end: str = "\n\n") -> str:
    made = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    made += [{"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]}] * bool(finish)
    return "".join(f"data: {json.dumps(each, ensure_ascii=False)}{end}" for each in made)


DONE = "data: [DONE]\n\n"
USAGE = 'data: {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}\n\n'
GRUESSE = [{"role": "assistant", "content": ""}, {"content": "Grüße "}, {}, {"content": "🙂é"}]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 10_000])
@pytest.mark.parametrize("end", ["\n\n", "\r\n\r\n", "\r\r"])
def test_parts_may_be_cut_anywhere(size: int, end: str) -> None:
    text = f": ping{end}data:{end}event: message{end}" + chunks(*GRUESSE, end=end) + USAGE + DONE
    stream = parts_of(text.encode(), size)
    body, times = read_stream(stream, time.perf_counter())
    reply = read_reply(CHAT, body)
    assert (reply.text, reply.output_tokens, reply.stop_reason) == ("Grüße 🙂é", 2, "stop")
    assert times.first_ms is not None
    assert stream.closed


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (chunks(*GRUESSE, finish=None), "ends before the answer does"),
        (chunks({"content": "Hel"}, finish=None).removeprefix("data: "), "ends before"),
        ('{"token": {"text": "Hel"}}', "ends before the answer does"),
        ('{"token": {"text": "Hel"}}\n{"token": {"text": "lo"}}\n', "ends before the answer does"),
        ('{"token": {"text": "Hel"}}\n{"tok', "is not JSON"),
        (chunks({"content": "Hel"}, finish=None)[:-9], "is not JSON"),
        (chunks({"content": "Hel"}, finish=None) + 'data: {"error": "overloaded"}\n\n' + DONE,
         "overloaded"),
        (chunks(*GRUESSE, finish="error"), "finish_reason is 'error'"),
        ('{"outputs": ["This"]}\n{"outputs": ["opportunity"]}\n', "cannot be read"),
        ("", "is not JSON"),
        (DONE, "answer is empty"),
    ],
)  # fmt: skip
def test_what_does_not_end_as_an_answer_does_is_none(text: str, why: str) -> None:
    with pytest.raises(UnusableReply, match=why):
        read_reply(CHAT, text.encode())


def test_of_several_choices_the_first_is_the_answer() -> None:
    other = 'data: {"choices": [{"index": 1, "delta": {"content": "no"}}]}\n\n'
    text = other + chunks({"content": "yes"}, finish=None) + other + chunks({"content": "!"})
    assert read_reply(CHAT, text.encode()).text == "yes!"


def test_json_lines_without_details_count_their_tokens() -> None:
    lines = [{"token": {"text": "a"}}, {"token": {"text": "b"}, "generated_text": "ab"}]
    body = "\n".join(map(json.dumps, lines)).encode()
    assert read_reply(TEXT, body).output_tokens == 2
    assert document_in(b'{"generated_text": "one"}\n') == {"generated_text": "one"}


def test_times_that_tell_nothing_are_none() -> None:
    assert TokenTimes(10.0, 40.0).inter_token_ms(4) == 10
    assert TokenTimes(10.0, 40.0).inter_token_ms(1) is None
    assert TokenTimes(10.0, 40.0).inter_token_ms(None) is None
    assert TokenTimes(10.0, 10.0).inter_token_ms(4) is None  # held back, and then all at once
    assert TokenTimes().inter_token_ms(4) is None
    whole = b'{"choices": [{"message": {"content": "all at once"}}]}'
    assert read_stream(parts_of(whole, 5), time.perf_counter()) == (whole, TokenTimes())


@pytest.mark.slow
def test_the_metrics_of_streams_say_their_n_and_an_answer_without_times_is_missing(
    server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", server)
    httpx.put(f"{server}/_demo/endpoints/qa", json={"faults": {"latency_ms": 0, "jitter_ms": 0}})
    httpx.delete(f"{server}/_demo/calls")

    shelf = Shelf(tmp_path / "answers.jsonl")

    def answers(**keys: Any) -> list[Answer]:
        endpoint = Endpoint(name="qa", stream=True, concurrency=2, **keys)
        desk = AnswerDesk(
            client=client(endpoint),
            endpoint=endpoint,
            model=MeasuredModel("arn:endpoint", "model", "arn:model", "1"),
            shelf=shelf,
            spend=Spend({}),
            rate_limit=endpoint_rate_limit(endpoint),
        )
        return answer_rows(desk, [make_row(f"How much sleep, {i}?", "7 hours.") for i in range(4)])

    first, again = answers(), answers()
    assert httpx.get(f"{server}/_demo/calls").json()["total"] == 4
    assert [a.call.ttft_ms for a in again] == [a.call.ttft_ms for a in first]
    metrics = measure(first, stream=True)
    for name in ("ttft_p95_ms", "inter_token_p99_ms", "tokens_per_second_p5"):
        assert (metrics[name].n, metrics[name].errors) == (4, 0)
        assert metrics[name].load == "2 at once, fixed; no warm-up calls"
    assert metrics["tokens_per_second_mean"].higher_is_better
    whole = answers(parameters={"stream_options": None})  # no usage is asked for, and some comes
    assert measure(whole, stream=True)["ttft_p50_ms"].n == 4


def test_thresholds_of_streams_are_parameters_and_need_a_stream(write_config: ConfigWriter) -> None:
    bounds = {"ttft_p95_ms": {"max": 800}, "tokens_per_second_p5": {"min": 20}}
    config = load_config(write_config(endpoint={"stream": True}, thresholds=bounds))
    names = [parameter.name for parameter in threshold_parameters(config.thresholds)]
    assert {"MaxTtftP95Ms", "MinTokensPerSecondP5"} <= set(names)
    with pytest.raises(ConfigError, match=r"ttft_p95_ms: is measured of a stream: set endpoint"):
        load_config(write_config(thresholds=bounds))


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"format": "template", "request": {"q": "{question}"}, "response": {"answer": "a"}},
         "stream: true is for the formats chat and text_generation"),
        ({"parameters": {"stream": False}}, "parameters.stream is false"),
    ],
)  # fmt: skip
def test_a_stream_that_could_not_be_read_is_refused(
    write_config: ConfigWriter, keys: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        load_config(write_config(endpoint={"stream": True, **keys}))
