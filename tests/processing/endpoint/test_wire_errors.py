"""Whatever comes over the wire, asking ends in a call with an answer or with a reason."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import boto3
import pytest
from loopback_server import serving

from processing.config.endpoint import Endpoint
from processing.endpoint import client as endpoint_module
from processing.endpoint.client import ask, endpoint_rate_limit, runtime_client

OK = json.dumps({"generated_text": "hi"}).encode()
MODEL_ERROR = {"x-amzn-errortype": "ModelError"}


class Wire(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    status: ClassVar[int] = 200
    headers_: ClassVar[dict[str, str]] = {}
    body: ClassVar[bytes] = b""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(self.status)
        for name, value in {"content-length": str(len(self.body)), **self.headers_}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(self.body)
        self.close_connection = True

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def wire() -> Iterator[str]:
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Wire)) as url:
        yield url


def error(document: Any, status: int = 424, **headers: str) -> tuple[int, dict[str, str], bytes]:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return status, {**MODEL_ERROR, **headers}, body


CASES: dict[str, tuple[tuple[int, dict[str, str], bytes], str]] = {
    "a body shorter than it says": ((200, {"content-length": "999"}, OK[:-2]), "is not JSON"),
    "chunks that are none": (
        (200, {"transfer-encoding": "chunked", "content-length": ""}, b"zz\r\n"),
        "Error",
    ),
    "gzip that is none": ((200, {"content-encoding": "gzip"}, b"\x1f\x8b\x08x"), "unusable answer"),
    "empty": ((200, {}, b""), "unusable answer"),
    "no content": ((204, {"content-length": "0"}, b""), "unusable answer"),
    "see other": ((303, {"location": "/elsewhere"}, b""), "303"),
    "a page": (
        (503, {"content-type": "text/html"}, b"<html>Service Unavailable</html>"),
        "503: <html>Service Unavailable</html>",
    ),
    "nothing": ((500, {}, b""), "500"),
    "not UTF-8": ((500, {}, b"\xff\xfe\x00"), "500: \ufffd\ufffd"),
    "a list": (error([1, 2], 500), "ModelError"),
    "a text": (error("CUDA", 500), 'ModelError 0: "CUDA"'),
    "message null": (error({"Message": None, "OriginalStatusCode": 400}), "ModelError 400"),
    "message in parts": (
        error({"Message": {"a": [1]}, "OriginalStatusCode": 400}),
        'ModelError 400: {"Message": {"a": [1]}',
    ),
    "message": (
        error({"Message": "Received client error (400)", "OriginalStatusCode": 400}),
        "Received client error (400)",
    ),
    "status as text": (error({"Message": "x", "OriginalStatusCode": "many"}), "ModelError"),
    "status as null": (error({"Message": "x", "OriginalStatusCode": None}), "ModelError 0"),
    "deep": (error(b"[" * 100_000, 500), "ModelError 0: [["),
}


@pytest.mark.parametrize(("answer", "why"), CASES.values(), ids=CASES)
def test_asking_ends_with_a_reason(
    wire: str,
    answer: tuple[int, dict[str, str], bytes],
    why: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", wire)
    monkeypatch.setattr(endpoint_module, "FIRST_PAUSE_SECONDS", 0.001)
    Wire.status, Wire.headers_, Wire.body = answer
    session = boto3.Session(
        region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    endpoint = Endpoint(name="qa", format="text_generation", timeout_seconds=2, retry_seconds=0)
    call = ask(runtime_client(endpoint, session), endpoint, {}, endpoint_rate_limit(endpoint))
    assert call.reply is None
    assert why in str(call.error)
    assert "\n" not in str(call.error)
    assert 0 < len(str(call.error)) < 1_000
