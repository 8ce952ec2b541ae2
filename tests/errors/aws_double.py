"""A test double of AWS: it refuses the operations that it is told to, as AWS's wire format has it.

All other requests go on to an AWS that is there (the local AWS), or are answered with 501.
Status, code and message of each refusal are from AWS's API references and error messages.
"""

from __future__ import annotations

import http.client
import json
import urllib.parse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.sax.saxutils import escape

from loopback_server import serving

_REST = {"/invocations": "InvokeEndpoint", "/converse": "Converse"}
_QUERIES = {"location": "GetBucketLocation", "uploads": "CreateMultipartUpload"}


@dataclass(frozen=True)
class Refusal:
    """`members` are further members of the error, as S3's PermanentRedirect has them."""

    status: int
    code: str
    message: str
    members: Mapping[str, str] = field(default_factory=dict)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        operation = _operation(self.command, self.path, self.headers, body)
        self.server.asked.append(operation)
        refusals = self.server.refusals
        refusal = refusals.get(operation) or refusals.get("*")
        if refusal is None:
            self._pass_on(body)
            return
        self._answer(refusal.status, *_error(refusal, self.headers))

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _serve

    def _pass_on(self, body: bytes) -> None:
        if self.server.upstream is None:
            self._answer(501, {"Content-Type": "text/plain"}, b"nothing is behind this double")
            return
        address = urllib.parse.urlsplit(self.server.upstream)
        assert address.hostname is not None
        there = http.client.HTTPConnection(address.hostname, address.port, timeout=60)
        there.request(self.command, self.path, body, dict(self.headers))
        answer = there.getresponse()
        content = answer.read()
        kept = {k: v for k, v in answer.headers.items() if k.lower() not in _HOP_BY_HOP}
        if self.command == "HEAD":
            kept["Content-Length"] = answer.headers.get("Content-Length", "0")
        self._answer(answer.status, kept, content)
        there.close()

    def _answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


_HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "server", "date"}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    refusals: Mapping[str, Refusal]
    upstream: str | None
    asked: list[str]


def _operation(method: str, path: str, headers: Mapping[str, str], body: bytes) -> str:
    if target := headers.get("X-Amz-Target"):
        return target.rpartition(".")[2]
    form = urllib.parse.parse_qs(body.decode("latin-1"))
    if "Action" in form:
        return form["Action"][0]
    address = urllib.parse.urlsplit(path)
    for end, name in _REST.items():
        if address.path.endswith(end):
            return name
    for query, name in _QUERIES.items():
        if query in urllib.parse.parse_qs(address.query, keep_blank_values=True):
            return name
    kind = "Object" if "/" in address.path.strip("/") else "Bucket"
    return f"{method.title()}{kind}"  # PutObject, GetObject, HeadBucket, ...


def _error(refusal: Refusal, headers: Mapping[str, str]) -> tuple[dict[str, str], bytes]:
    scope = headers.get("Authorization", "")
    if "/s3/" in scope:
        members = {"Code": refusal.code, "Message": refusal.message, **refusal.members}
        inner = "".join(f"<{k}>{escape(v)}</{k}>" for k, v in members.items())
        return {"Content-Type": "application/xml"}, f"<Error>{inner}</Error>".encode()
    if "/iam/" in scope or "/sts/" in scope:
        inner = f"<Code>{refusal.code}</Code><Message>{escape(refusal.message)}</Message>"
        body = f"<ErrorResponse><Error>{inner}</Error></ErrorResponse>"
        return {"Content-Type": "text/xml"}, body.encode()
    body = json.dumps({"__type": refusal.code, "message": refusal.message, **refusal.members})
    return {"Content-Type": "application/json", "x-amzn-ErrorType": refusal.code}, body.encode()


@dataclass(frozen=True)
class AwsDouble:
    url: str
    asked: list[str]
    """The operations that were asked for, in order."""


@contextmanager
def aws_double(refusals: Mapping[str, Refusal], upstream: str | None = None) -> Iterator[AwsDouble]:
    """`refusals` by the operation's name; "*" is every operation that is not named."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.refusals, server.upstream, server.asked = refusals, upstream, []
    with serving(server) as address:
        yield AwsDouble(address, server.asked)
