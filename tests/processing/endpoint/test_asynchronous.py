"""Answers by way of S3: found whenever they come, told when they never do, and paid for once.

The endpoint is the demo server over HTTP, S3 is moto's, each with its bad habits.
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
from botocore.awsrequest import AWSResponse
from moto.server import ThreadedMotoServer
from running_aws import ConfigWriter

from processing.base.errors import ConfigError, EndpointError
from processing.calls.paid_store import Shelf
from processing.calls.spend import Spend
from processing.config.endpoint import Endpoint
from processing.config.file import load_config
from processing.config.infrastructure import Infrastructure
from processing.dataset.rows import make_row
from processing.endpoint import client as endpoint_module
from processing.endpoint.answers import AnswerDesk
from processing.endpoint.client import (
    Call,
    MeasuredModel,
    ask,
    describe_model,
    endpoint_rate_limit,
    runtime_client,
)
from processing.endpoint.payload import request_body

ROW = make_row("How many hours of sleep do most adults need each night?", "Seven or more.")
BUCKET = "llm-evaluation-demo"
ROLE = "arn:aws:iam::123456789012:role/any"
HERE = Infrastructure(
    bucket=BUCKET, prefix="mine", pipeline_role=ROLE, job_role=ROLE, image="x", output_kms_key="k"
)
OUTPUT, FAILURE = f"s3://{BUCKET}/theirs/output", f"s3://{BUCKET}/theirs/failure"
Asker = Callable[..., tuple[Call, dict[str, int]]]


@pytest.fixture(scope="module")
def s3_address() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(s3_address: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_address)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    client = boto3.client("s3")
    client.create_bucket(Bucket=BUCKET)
    return client


@pytest.fixture
def asked(server: str, s3: Any, monkeypatch: pytest.MonkeyPatch) -> Asker:
    """asked(habits, ...) -> the call, and how the server's calls ended.

    `faults` are the container's; `waits`: seconds until a result counts as lost; `s3_habit` sees
    each request to S3, and may answer it.
    """
    assert s3
    monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", server)
    monkeypatch.setattr(endpoint_module, "FIRST_PAUSE_SECONDS", 0.01)

    def ask_once(
        habits: dict[str, Any] | None = None,
        *,
        waits: float | None = None,
        s3_habit: Callable[..., Any] | None = None,
        body: dict[str, Any] | None = None,
        faults: dict[str, Any] | None = None,
    ) -> tuple[Call, dict[str, int]]:
        behaviour = {
            "faults": {"latency_ms": 0, "jitter_ms": 0, **(faults or {})},
            "asynchronous": {"output": OUTPUT, "failure": FAILURE, **(habits or {})},
        }
        httpx.put(f"{server}/_demo/endpoints/qa", json=behaviour).raise_for_status()
        httpx.delete(f"{server}/_demo/calls")
        endpoint = Endpoint(name="qa", asynchronous=True, retry_seconds=5)
        if waits is not None:
            monkeypatch.setattr(type(endpoint.asynchronous), "longest_seconds", waits)
        client = runtime_client(endpoint, boto3.Session(), HERE)
        if s3_habit:
            client.s3.meta.events.register("before-send.s3", s3_habit)
        row = request_body(endpoint, ROW) | (body or {})
        call = ask(client, endpoint, row, endpoint_rate_limit(endpoint))
        return call, httpx.get(f"{server}/_demo/calls").json()["by_name"].get("qa", {})

    return ask_once


def refused(code: str, status: int, request: Any) -> AWSResponse:
    class Raw:
        def stream(self, **_: Any) -> Iterator[bytes]:
            yield f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()

    return AWSResponse(request.url, status, {}, Raw())


def keys(s3: Any, below: str) -> list[str]:
    return [e["Key"] for e in s3.list_objects_v2(Bucket=BUCKET, Prefix=below).get("Contents", [])]


@pytest.mark.slow
def test_an_answer_that_comes_late_and_twice_is_one_answer_and_its_wait_is_the_latency(
    asked: Asker, s3: Any
) -> None:
    begun = time.monotonic()
    call, ended = asked({"late_ms": 700, "twice": 1.0})
    took_ms = 1000 * (time.monotonic() - begun)
    assert call.error is None
    assert call.reply is not None
    assert "seven hours" in call.reply.text.casefold()
    assert ended == {"answered": 1}
    assert 700 <= call.latency_ms < took_ms
    assert "asynchronous, the wait in its queue included" in call.load
    assert keys(s3, "theirs/output")  # an endpoint's own results are its owner's
    assert keys(s3, "mine/") == []


@pytest.mark.slow
def test_a_large_request_stands_in_s3_for_as_long_as_it_takes(asked: Asker, s3: Any) -> None:
    seen: list[str] = []

    def look(request: Any, **_: Any) -> None:
        key = request.headers.get("x-amz-server-side-encryption-aws-kms-key-id")
        if "/mine/async/input/" in request.url:
            seen.append(f"{request.method} {(key or b'').decode()}".strip())

    call, _ = asked(body={"padding": "x" * 128_000}, s3_habit=look)
    assert call.reply is not None, call.error
    assert seen == ["PUT k", "DELETE"]
    assert keys(s3, "mine/") == []
    call, _ = asked({"inline": False}, s3_habit=look)  # a region that takes none inline
    assert call.reply is not None, call.error
    assert seen == ["PUT k", "DELETE"] * 2


@pytest.mark.parametrize("status", [400, 503])
def test_a_failure_is_the_row_s_error_in_the_container_s_words_and_not_paid_for_twice(
    asked: Asker, status: int
) -> None:
    call, ended = asked(faults={"fail": 1.0, "model_error_status": status})
    assert call.reply is None
    assert str(call.error).startswith("the asynchronous endpoint failed: Received")
    assert "the demo endpoint was told to fail" in str(call.error)
    assert ended == {"ModelError": 1}
    assert call.attempts == 1


@pytest.mark.slow
def test_hostile_words_of_a_failure_are_one_line_and_end(asked: Asker, s3: Any) -> None:
    def put_words(request: Any, **_: Any) -> None:
        if request.method == "GET" and "theirs/failure" in request.url:
            key = request.url.partition(f"{BUCKET}/")[2]
            words = b"\x1b[2J\xff<script>\r\n" + b"A" * 9000
            s3.put_object(Bucket=BUCKET, Key=key, Body=words)

    call, _ = asked({"lost": 1.0}, s3_habit=put_words)
    assert "\n" not in str(call.error)
    assert "\x1b" not in str(call.error)
    assert len(str(call.error)) < 700


@pytest.mark.slow
def test_neither_answer_nor_failure_is_an_error_that_says_so(asked: Asker) -> None:
    call, ended = asked({"lost": 1.0, "failure": None}, waits=0.5)
    assert "neither an answer nor a failure came within" in str(call.error)
    assert "has no S3FailurePath" in str(call.error)
    assert call.attempts == 1
    assert ended == {"answered": 1}


@pytest.mark.slow
def test_a_throttled_call_is_made_again(asked: Asker) -> None:
    call, _ = asked({"throttled": 0.8})
    assert call.reply is not None, call.error
    assert call.attempts > 1


@pytest.mark.slow
def test_403_without_the_right_to_list_is_waited_for(asked: Asker) -> None:
    denied: list[str] = []

    def no_list(request: Any, **_: Any) -> Any:
        if "list-type" in request.url:
            return refused("AccessDenied", 403, request)
        if request.method == "GET" and "/theirs/" in request.url and len(denied) < 4:
            denied.append(request.url)
            return refused("AccessDenied", 403, request)
        return None

    call, _ = asked(s3_habit=no_list)
    assert call.reply is not None, call.error
    assert len(denied) == 4


@pytest.mark.slow
def test_a_result_that_may_not_be_read_ends_at_once(asked: Asker) -> None:
    def no_read(request: Any, **_: Any) -> Any:
        reads = request.method == "GET" and "list-type" not in request.url
        return refused("AccessDenied", 403, request) if reads else None

    call, ended = asked(s3_habit=no_read)
    assert "the result is there and cannot be read" in str(call.error)
    assert "s3:GetObject" in str(call.error)
    assert ended == {"answered": 1}


@pytest.mark.slow
def test_s3_that_is_down_for_a_while_costs_no_answer(asked: Asker) -> None:
    down: list[str] = []

    def unavailable(request: Any, **_: Any) -> Any:
        if len(down) < 4:
            down.append(request.url)
            return refused("SlowDown", 503, request)
        return None

    call, ended = asked(s3_habit=unavailable)
    assert call.reply is not None, call.error
    assert ended == {"answered": 1}


def test_the_wrong_kind_of_call_is_refused_by_name_before_anything_is_asked(
    s3_address: str,
) -> None:
    described = {
        "EndpointStatus": "InService",
        "EndpointArn": "arn",
        "EndpointConfigName": "c",
        "AsyncInferenceConfig": {"OutputConfig": {}},
    }

    class Sagemaker:
        def describe_endpoint(self, **_: Any) -> dict[str, Any]:
            return described

    assert s3_address
    with pytest.raises(EndpointError, match="is asynchronous and refuses real-time calls: write"):
        describe_model(Sagemaker(), Endpoint(name="qa"))
    del described["AsyncInferenceConfig"]
    with pytest.raises(EndpointError, match=r"is a real-time endpoint .*take asynchronous out"):
        describe_model(Sagemaker(), Endpoint(name="qa", asynchronous=True))


def test_an_answer_from_a_queue_is_not_kept_as_one_of_a_real_time_call(tmp_path: Path) -> None:
    def key(**keys: Any) -> str:
        endpoint = Endpoint(name="qa", **keys)
        limit = endpoint_rate_limit(endpoint)
        model = MeasuredModel("arn", "model", "package", "revision")
        shelf = Shelf(tmp_path / "answers.jsonl")
        return AnswerDesk(None, endpoint, model, shelf, Spend({}), limit).key({"q": 1})

    assert key() != key(asynchronous=True)
    assert key() == key(asynchronous=False)


@pytest.mark.parametrize(
    ("endpoint", "said"),
    [
        ({"asynchronous": True, "stream": True}, "stream: true and asynchronous"),
        ({"asynchronous": {}, "variant": "a"}, "variant: and asynchronous"),
        ({"asynchronous": {"queue_seconds": 5}}, "endpoint.asynchronous.queue_seconds"),
        ({"asynchronous": {"seconds": 5}}, "endpoint.asynchronous.seconds"),
        ({"asynchronous": "yes"}, "endpoint.asynchronous"),
    ],
)
def test_what_cannot_be_is_refused(
    write_config: ConfigWriter, endpoint: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError) as refusal:
        load_config(write_config(endpoint=endpoint))
    assert said in str(refusal.value), json.dumps(str(refusal.value))


@pytest.mark.slow
def test_what_an_instance_works_on_at_once_is_of_asynchronous_candidates(
    write_config: ConfigWriter,
) -> None:
    candidate = {"instance_type": "ml.g5.xlarge", "invocations_per_instance": 4}
    with pytest.raises(ConfigError, match="write asynchronous: true into endpoint:"):
        load_config(write_config(candidate=candidate, infrastructure={"model_role": ROLE}))
