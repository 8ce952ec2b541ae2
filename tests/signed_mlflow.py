"""What stands before an MLflow server in SageMaker: it lets through what is signed, and only that.

A request has to carry the App's (or tracking server's) ARN and a Signature Version 4 for it, which
is computed anew here, by botocore, over what has arrived.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from loopback_server import serving

REGION = "us-east-1"
ACCOUNT = f"arn:aws:sagemaker:{REGION}:123456789012"
APP = f"{ACCOUNT}:mlflow-app/app-ABCDEFGH1234"
TRACKING_SERVER = f"{ACCOUNT}:mlflow-tracking-server/evaluations"
HEADER = {APP: "x-sm-mlflow-app-arn", TRACKING_SERVER: "x-mlflow-sm-tracking-server-arn"}
SERVICE = {APP: "sagemaker", TRACKING_SERVER: "sagemaker-mlflow"}

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<day>\d{8})/(?P<region>[^/]+)"
    r"/(?P<service>[^/]+)/aws4_request, SignedHeaders=(?P<headers>[^,]+), Signature=(?P<sign>\w+)"
)
PRESIGNED_UPLOAD = "/api/2.0/mlflow/artifacts/presigned-upload-url"
"""What sagemaker-mlflow asks an App for (its s3_presigned_artifact_repo)."""

_HOP_BY_HOP = {"connection", "host", "content-length", "transfer-encoding", "keep-alive"}


class Refused(Exception):
    """Why the signature is none, as AWS would say 403."""


@dataclass
class SignedMlflow:
    """Forwards to `target` what is signed for `arn` with the credentials.

    `uploads`: an address of S3, to which the App signs uploads; without it, it signs none.
    """

    arn: str
    url: str = ""
    target: str = ""
    uploads: str = ""
    access_key: str = "testing"
    secret_key: str = "testing"
    token: str | None = None
    passed: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def check(self, method: str, path: str, headers: dict[str, str], body: bytes) -> None:
        """Raise Refused unless the request is signed for this App."""
        found = _AUTHORIZATION.fullmatch(headers.get("authorization", ""))
        if not found:
            raise Refused("no Signature Version 4")
        signed = found["headers"].split(";")
        expected = {
            "key": self.access_key,
            "region": REGION,
            "service": SERVICE[self.arn],
            "day": datetime.now(UTC).strftime("%Y%m%d"),
        }
        for name, value in expected.items():
            if found[name] != value:
                raise Refused(f"{name} is {found[name]}, not {value}")
        required = {"host", "x-amz-date", HEADER[self.arn]} | (
            {"x-amz-security-token"} if self.token else set()
        )
        if missing := required - set(signed):
            raise Refused(f"not signed: {missing}")
        if headers[HEADER[self.arn]] != self.arn:
            raise Refused("another ARN")
        if self.token and headers["x-amz-security-token"] != self.token:
            raise Refused("another security token")
        sent = datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        if abs(datetime.now(UTC) - sent) > timedelta(minutes=5):
            raise Refused("too old")
        digest = hashlib.sha256(body).hexdigest()
        if headers.get("x-amz-content-sha256", digest) != digest:
            raise Refused("another body")
        request = AWSRequest(
            method=method,
            url=f"{self.url}{path}",
            data=body,
            headers={name: headers[name] for name in signed},
        )
        request.context["timestamp"] = headers["x-amz-date"]
        signer = SigV4Auth(Credentials(self.access_key, self.secret_key), SERVICE[self.arn], REGION)
        text = signer.string_to_sign(request, signer.canonical_request(request))
        if signer.signature(text, request) != found["sign"]:
            raise Refused("the signature does not match")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    app: SignedMlflow
    forward: httpx.Client

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        called = f"{self.command} {self.path.partition('?')[0]}"
        try:
            self.app.check(self.command, self.path, headers, body)
        except Refused as reason:
            self.app.refused.append(f"{called}: {reason}")
            self._answer(403, f'{{"message": "{reason}"}}'.encode(), "application/json")
            return
        self.app.passed.append(called)
        if self.path == PRESIGNED_UPLOAD:
            if not self.app.uploads:
                self._answer(404, b"{}", "application/json")
                return
            asked = json.loads(body)
            address = f"{self.app.uploads}/{asked['run_id']}/{asked['path']}?X-Amz-Signature=ours"
            self._answer(200, json.dumps({"presigned_url": address}).encode(), "application/json")
            return
        reply = self.forward.request(
            self.command,
            f"{self.app.target}{self.path}",
            content=body,
            headers={k: v for k, v in headers.items() if k not in _HOP_BY_HOP},
        )
        self._answer(reply.status_code, reply.content, reply.headers.get("content-type", ""))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _handle

    def _answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: what matters is in `passed` and `refused`."""


@contextmanager
def signed_mlflow(arn: str, target: str = "") -> Iterator[SignedMlflow]:
    """Serve on loopback within the block."""
    app = SignedMlflow(arn, target=target)
    with httpx.Client(timeout=60) as client:
        handler = type("Handler", (_Handler,), {"app": app, "forward": client})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        with serving(server) as app.url:
            yield app
