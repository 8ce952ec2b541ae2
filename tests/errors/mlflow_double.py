"""A test double of an MLflow server of the second major version: no verdicts on traces."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from loopback_server import serving

_INFO = {"run_id": "a" * 32, "experiment_id": "1", "status": "RUNNING", "artifact_uri": "x"}
_ANSWERS = {
    "/api/2.0/mlflow/experiments/get-by-name": {
        "experiment": {"experiment_id": "1", "name": "x", "lifecycle_stage": "active"}
    },
    "/api/2.0/mlflow/experiments/get": {
        "experiment": {"experiment_id": "1", "name": "x", "lifecycle_stage": "active"}
    },
    "/api/2.0/mlflow/runs/create": {"run": {"info": _INFO, "data": {}}},
    "/api/2.0/mlflow/runs/get": {"run": {"info": _INFO, "data": {}}},
    "/api/2.0/mlflow/runs/update": {"run_info": _INFO},
    "/api/2.0/mlflow/runs/log-batch": {},
    "/api/2.0/mlflow/traces": {"traces": []},
}


class _Handler(BaseHTTPRequestHandler):
    def _serve(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.partition("?")[0]
        status, body = 404, b"<html>Not Found</html>"
        if path == "/version":
            status, body = 200, b"2.16.2"
        elif path in _ANSWERS:
            status, body = 200, json.dumps(_ANSWERS[path]).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = _serve

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def old_mlflow() -> Iterator[str]:
    """Its address."""
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), _Handler)) as address:
        yield address
