"""An OpenAI-compatible server behind an endpoint, called as SageMaker Runtime through boto3."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError
from openai_stub import ANSWER, OpenAiStub, openai_served

from pipeline.local.demo.endpoint.hosting import DemoHosting

MakeEndpoint = Callable[..., str]
CHAT = {"messages": [{"role": "user", "content": "How long should I sleep?"}], "max_tokens": 9}
NOBODY = "http://127.0.0.1:9"


@pytest.fixture
def stub() -> Iterator[OpenAiStub]:
    with openai_served() as served:
        yield served


def invoke(runtime: Any, name: str, body: Any) -> dict[str, Any]:
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    answered = runtime.invoke_endpoint(EndpointName=name, Body=sent, ContentType="application/json")
    return {**answered, "Body": answered["Body"].read()}


def refused(runtime: Any, name: str, body: Any = CHAT) -> dict[str, Any]:
    with pytest.raises(ClientError) as raised:
        invoke(runtime, name, body)
    return dict(raised.value.response)


@pytest.mark.parametrize("end", ["", "/", "/v1", "/v1/"])
def test_the_answer_is_the_servers_own(
    runtime: Any, endpoint: MakeEndpoint, stub: OpenAiStub, end: str
) -> None:
    answered = invoke(runtime, endpoint(server=stub.url + end), {**CHAT, "model": "mine"})
    assert json.loads(answered["Body"]) == ANSWER
    assert answered["InvokedProductionVariant"] == "AllTraffic"
    assert stub.asked == [("/v1/chat/completions", {**CHAT, "model": "mine"})]
    said = answered["ResponseMetadata"]["HTTPHeaders"]["x-demo"]
    assert said == f"passed on to {stub.url}"  # it is a model, and the demo's header says otherwise


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (CHAT, "/v1/chat/completions"),
        ({"prompt": "Sleep is", "max_tokens": 9}, "/v1/completions"),
        ({**CHAT, "prompt": "ours"}, "/v1/chat/completions"),
    ],
)
def test_a_body_without_a_model_gets_the_first_one_that_the_server_lists(
    runtime: Any, endpoint: MakeEndpoint, stub: OpenAiStub, body: dict[str, Any], path: str
) -> None:
    invoke(runtime, endpoint(server=stub.url), body)
    assert stub.asked == [(path, {**body, "model": "stub-1"})]


def test_another_model_than_before_is_found(
    runtime: Any, endpoint: MakeEndpoint, stub: OpenAiStub
) -> None:
    name = endpoint(server=stub.url)
    invoke(runtime, name, CHAT)
    stub.models, stub.status = ["stub-3"], 404
    refused(runtime, name)
    stub.status = 200
    invoke(runtime, name, CHAT)
    assert [asked["model"] for _, asked in stub.asked] == ["stub-1", "stub-1", "stub-3"]


def test_a_stream_is_passed_on_in_parts(
    runtime: Any, endpoint: MakeEndpoint, stub: OpenAiStub
) -> None:
    asked = {"EndpointName": endpoint(server=stub.url), "Body": json.dumps(CHAT).encode()}
    parts = runtime.invoke_endpoint_with_response_stream(**asked)["Body"]
    assert json.loads(b"".join(part["PayloadPart"]["Bytes"] for part in parts)) == ANSWER
    stub.status = 503
    with pytest.raises(ClientError, match="Received server error \\(503\\)"):
        runtime.invoke_endpoint_with_response_stream(**asked)


@pytest.mark.parametrize("models", [None, []])
@pytest.mark.parametrize("body", [CHAT, b"no JSON", b"[1]", b"[" * 100_000, b"\xff", b""])
def test_what_cannot_be_named_is_passed_on_as_it_is(
    runtime: Any, endpoint: MakeEndpoint, stub: OpenAiStub, models: Any, body: Any
) -> None:
    stub.models = models
    invoke(runtime, endpoint(server=stub.url), body)
    assert stub.asked == [("/v1/chat/completions", [1] if body == b"[1]" else body)]


@pytest.mark.parametrize("content_type", ["text/event-stream", "text/plain; charset=utf-8"])
def test_an_answer_of_another_type_comes_as_it_is(
    runtime: Any, endpoint: MakeEndpoint, stub: OpenAiStub, content_type: str
) -> None:
    stub.body, stub.content_type = b"data: {\xff}\n\n", content_type
    answered = invoke(runtime, endpoint(server=stub.url), CHAT)
    assert (answered["Body"], answered["ContentType"]) == (stub.body, content_type)


@pytest.mark.parametrize(
    ("status", "side"), [(400, "client"), (401, "client"), (429, "client"), (503, "server")]
)
def test_an_error_of_the_servers_is_sagemakers_model_error(
    runtime: Any, endpoint: MakeEndpoint, stub: OpenAiStub, status: int, side: str
) -> None:
    stub.status, stub.body = status, b'{"error": {"message": "the context is 2048 tokens"}}'
    told = refused(runtime, endpoint(server=stub.url))
    assert told["Error"]["Code"] == "ModelError"
    assert told["OriginalStatusCode"] == status
    assert told["OriginalMessage"] == stub.body.decode()
    assert told["Error"]["Message"].startswith(
        f'Received {side} error ({status}) from primary with message "{stub.body.decode()}"'
    )


def test_an_answer_that_does_not_come_in_time(
    runtime: Any, endpoint: MakeEndpoint, stub: OpenAiStub
) -> None:
    stub.seconds = 0.5
    told = refused(runtime, endpoint(server=stub.url, server_seconds=0.05))
    assert (told["Error"]["Code"], told["OriginalStatusCode"]) == ("ModelError", 0)
    assert "Your invocation timed out" in told["Error"]["Message"]


def test_a_server_that_is_gone_is_named(runtime: Any, endpoint: MakeEndpoint) -> None:
    told = refused(runtime, endpoint(server=NOBODY))
    assert (told["Error"]["Code"], told["OriginalStatusCode"]) == ("ModelError", 502)
    assert f"no answer from {NOBODY}" in told["OriginalMessage"]


def test_an_answer_that_cannot_be_unpacked_is_a_model_error(
    runtime: Any, endpoint: MakeEndpoint, stub: OpenAiStub
) -> None:
    stub.headers = {"Content-Encoding": "gzip"}
    assert refused(runtime, endpoint(server=stub.url))["OriginalStatusCode"] == 502


def test_it_is_not_slowed_down_and_can_be_made_to_fail(
    runtime: Any, endpoint_url: str, stub: OpenAiStub
) -> None:
    route = f"{endpoint_url}/_demo/endpoints/served"
    httpx.put(route, json={"server": stub.url}).raise_for_status()
    faults = httpx.get(route).json()["faults"]
    assert (faults["latency_ms"], faults["jitter_ms"]) == (0, 0)
    httpx.put(route, json={"server": stub.url, "faults": {"throttle": 1}}).raise_for_status()
    assert refused(runtime, "served")["Error"]["Code"] == "ThrottlingException"
    assert httpx.delete(route).status_code == 200
    assert stub.asked == []


def test_a_candidate_s_environment_may_name_the_server(
    runtime: Any, endpoint_url: str, stub: OpenAiStub
) -> None:
    host = DemoHosting(endpoint_url)
    host.start("candidate-7", {"DEMO_SERVER": stub.url})
    assert json.loads(invoke(runtime, "candidate-7", CHAT)["Body"]) == ANSWER
    host.stop("candidate-7")
    assert refused(runtime, "candidate-7")["Error"]["Code"] == "ValidationError"


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ({"server": "127.0.0.1:8000"}, "is no http(s) address"),
        ({"server": "http://"}, "is no http(s) address"),
        ({"server": "http://127.0.0.1:none"}, "is no http(s) address"),
        ({"server": "http://[::1"}, "is no http(s) address"),
        ({"server": "http://a server:8000"}, "is no http(s) address"),
        ({"server": "http://me:secret@127.0.0.1:8000"}, "leave them out"),
        ({"server": "http://127.0.0.1:8000/v1?key=1"}, "has a query or fragment"),
        ({"server": NOBODY, "wild": 0.5}, "not with a server"),
        ({"server": NOBODY, "faults": {"malformed": 0.5}}, "not with a server"),
    ],
)
def test_what_makes_no_sense_is_refused(
    endpoint_url: str, behaviour: dict[str, Any], reason: str
) -> None:
    made = httpx.put(f"{endpoint_url}/_demo/endpoints/bad", json=behaviour)
    assert made.status_code == 400
    assert reason in made.text
