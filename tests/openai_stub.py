"""An OpenAI-compatible server of the tests' own, which remembers what it was asked."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from loopback_server import serving

ANSWER = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "choices": [
        {
            "index": 0,
            "finish_reason": "stop",
            "message": {"role": "assistant", "content": "At least seven hours."},
        }
    ],
    "usage": {"prompt_tokens": 31, "completion_tokens": 7, "total_tokens": 38},
    "timings": {"of this server alone": 1.5},
}


@dataclass
class OpenAiStub:
    """`models`: what it lists (None: it has no such route). `asked`: (path, body) of each call."""

    url: str = ""
    models: list[str] | None = field(default_factory=lambda: ["stub-1", "stub-2"])
    status: int = 200
    body: bytes = json.dumps(ANSWER).encode()
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0
    asked: list[tuple[str, Any]] = field(default_factory=list)


@contextmanager
def openai_served() -> Iterator[OpenAiStub]:
    stub = OpenAiStub()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            listed = {"object": "list", "data": [{"id": name} for name in stub.models or []]}
            here = self.path == "/v1/models" and stub.models is not None
            self._send(200 if here else 404, json.dumps(listed).encode(), "application/json")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            try:
                stub.asked.append((self.path, json.loads(body)))
            except (ValueError, RecursionError):
                stub.asked.append((self.path, body))
            time.sleep(stub.seconds)
            self._send(stub.status, stub.body, stub.content_type)

        def _send(self, status: int, body: bytes, content_type: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            for name, value in stub.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as stub.url:
        yield stub
