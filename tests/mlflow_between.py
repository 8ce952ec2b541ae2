"""What stands before an MLflow server: it sees each request, and may hold it back or cut it off."""

from __future__ import annotations

import base64
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
from loopback_server import serving

PATIENCE_SECONDS = 0.7
"""So long a request waits for the other client's; what only one of them asks goes on alone."""

SPAN_INGEST = "/v1/traces"

_HOP_BY_HOP = {"connection", "host", "content-length", "transfer-encoding", "keep-alive"}

Hook = Callable[[str], bool]
"""Called with a request's kind, e.g. `runs/create`; false cuts the connection off."""

Refuse = Callable[[str, bytes], HTTPStatus | None]
"""Called with a request's kind and body; the status that it is refused with, if it is."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    target: str
    forward: httpx.Client
    hook: tuple[Hook]
    refuse: tuple[Refuse]
    login: str

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.partition("?")[0]
        kind = path.partition("/mlflow/")[2] or path
        basic = f"Basic {base64.b64encode(self.login.encode()).decode()}"
        if self.login and self.headers.get("Authorization") != basic:
            self._answer(HTTPStatus.UNAUTHORIZED, "text/plain", b"You are not authenticated.")
            return
        if not self.hook[0](kind):
            self.close_connection = True
            return
        if status := self.refuse[0](kind, body):
            self._answer(status, "text/html", b"<html>refused</html>")
            return
        kept = {k: v for k, v in self.headers.items() if k.lower() not in _HOP_BY_HOP}
        reply = self.forward.request(
            self.command, f"{self.target}{self.path}", content=body, headers=kept
        )
        self._answer(reply.status_code, reply.headers.get("content-type", ""), reply.content)

    def _answer(self, status: int, kind: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _handle

    def log_message(self, format: str, *args: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: a client has gone away, as each does at its end."""


@contextmanager
def mlflow_between(
    target: str,
    hook: Hook = lambda _: True,
    refuse: Refuse = lambda *_: None,
    *,
    login: str = "",
) -> Iterator[str]:
    """Its address. `login`: USER:PASSWORD, without which nobody is let in."""
    with httpx.Client(timeout=60, limits=httpx.Limits(max_connections=100)) as client:
        attributes = {"target": target, "forward": client, "hook": (hook,), "refuse": (refuse,)}
        attributes["login"] = login
        server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), attributes))
        with serving(server) as address:
            yield address


def in_lockstep() -> Hook:
    """Two clients' requests of one kind are let through together.

    Whatever one of them would find, or make, the other is about to find and make as well: a race
    that comes up now and then between two executions comes up here each time.
    """
    kinds = (
        *("experiments/get-by-name", "experiments/create", "experiments/get", "runs/create"),
        *("runs/log-inputs", "registered-models/get", "registered-models/create"),
        *("model-versions/search", "model-versions/create", "registered-models/search"),
    )
    gates = defaultdict[str, threading.Barrier](lambda: threading.Barrier(2))

    def wait(kind: str) -> bool:
        if kind in kinds:
            try:
                gates[kind].wait(PATIENCE_SECONDS)
            except threading.BrokenBarrierError:
                gates[kind].reset()
        return True

    return wait


def dying_at(kind: str, after: int = 0) -> Hook:
    """From the request of that kind on, of which `after` are served, nothing is answered."""
    dead = threading.Event()
    seen: list[str] = []

    def serve(asked: str) -> bool:
        if asked.startswith(kind):
            seen.append(asked)
            if len(seen) > after:
                dead.set()
        return not dead.is_set()

    return serve


def refusing(kind: str, status: HTTPStatus = HTTPStatus.NOT_FOUND) -> Refuse:
    """A server that does not know requests of that kind, or may not take them."""
    return lambda asked, _: status if asked.startswith(kind) else None


def refusing_several_traces(asked: str, body: bytes) -> HTTPStatus | None:
    """A server that takes the spans of one trace at a time."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    if asked != SPAN_INGEST:
        return None
    [sent] = ExportTraceServiceRequest.FromString(body).resource_spans
    traces = {span.trace_id for scope in sent.scope_spans for span in scope.spans}
    return HTTPStatus.BAD_REQUEST if len(traces) > 1 else None
