"""A judge on loopback whose verdict depends on the marker in the prompt, and on nothing else.

GOODROW-7 in the prompt gives a good verdict, BADROW-7 a bad one, and the marker is in the reason.
It speaks Bedrock's Converse and OpenAI's chat completions, and answers by the request's schema.
"""

from __future__ import annotations

import contextlib
import json
import random
import re
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from processing.dataset.expectations import FurtherExpectations
from processing.dataset.turns import ToolCall
from processing.judges.verdict import Question

MARKER = re.compile(r"\b(GOOD|BAD)ROW-\d+\b")


@dataclass
class Received:
    """One request: its path as it was on the wire, its headers in small letters, its JSON."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class MarkerJudge:
    """`failing` is the HTTP status and error code of every answer, `saying` their text, `raw` their
    whole body, a letter every `drip_seconds`.

    `refuses`: keys of a request that it calls invalid, in its `words` for it.
    """

    url: str = ""
    received: list[Received] = field(default_factory=list)
    failing: tuple[int, str] | None = None
    saying: str | None = None
    raw: bytes | None = None
    drip_seconds: float = 0.0
    slow_seconds: float = 0.0
    jitter_seconds: float = 0.0
    refuses: list[str] = field(default_factory=list)
    words: dict[str, str] = field(default_factory=dict)
    well_again: threading.Event = field(default_factory=threading.Event, repr=False)

    def answer(self, prompt: str, schema: dict[str, Any] | None) -> str:
        if self.saying is not None:
            return self.saying
        self.well_again.wait(self.slow_seconds + random.uniform(0, self.jitter_seconds))
        found = MARKER.search(prompt)
        marker = found[0] if found else "no marker"
        good = found is None or found[1] == "GOOD"
        asks_for_faults = re.search(r"\b(biased|toxic)\b", prompt, re.IGNORECASE) is not None
        wanted = schema or YES_NO
        return json.dumps(_Filler(wanted, good, marker, asks_for_faults).filled(wanted))


YES_NO = {"properties": {"result": {"type": "string"}, "rationale": {"type": "string"}}}


@dataclass(frozen=True)
class _Filler:
    """Fills a JSON schema. `whole` is the schema with its `$defs`."""

    whole: dict[str, Any]
    good: bool
    marker: str
    asks_for_faults: bool

    def filled(self, part: dict[str, Any]) -> dict[str, Any]:
        properties = part.get("properties", {})
        return {name: self._value(name, self._resolved(properties[name])) for name in properties}

    def _resolved(self, part: dict[str, Any]) -> dict[str, Any]:
        options = [option for option in part.get("anyOf", []) if option.get("type") != "null"]
        part = options[0] if options else part
        if "$ref" not in part:
            return part
        return dict(self.whole["$defs"][part["$ref"].rpartition("/")[2]])

    def _value(self, name: str, part: dict[str, Any]) -> Any:
        if part.get("type") == "array":
            items = self._resolved(part["items"])
            return [self.filled(items) if items.get("type") == "object" else self.marker]
        if name == "score":
            return 10 * self.good
        if name == "verdict" and part.get("type") == "integer":
            return int(self.good)
        if name == "verdict":
            return "yes" if self.good != self.asks_for_faults else "no"
        if name == "result":
            return part.get("enum", ["yes", "no"])[0 if self.good else -1]
        return self.marker


def serve(judge: MarkerJudge) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet: two would wait 40 ms for each other

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            headers = {name.lower(): value for name, value in self.headers.items()}
            judge.received.append(Received(self.path, headers, body))
            if judge.failing is not None:
                status, code = judge.failing
                self._reply(status, {"message": f"told to fail: {code}"}, code)
            elif judge.raw is not None:
                self._send(200, judge.raw)
            elif refused := [form for form in judge.refuses if form in body]:
                message = judge.words.get(refused[0], f"{refused[0]} is not supported")
                answer = {"message": message, "error": {"message": message}}
                self._reply(400, answer, "ValidationException")
            elif self.path.endswith("/chat/completions"):
                self._reply(200, _openai(judge, body))
            else:
                self._reply(200, _converse(judge, body))

        def _reply(self, status: int, document: dict[str, Any], code: str = "") -> None:
            self._send(status, json.dumps(document).encode(), code)

        def _send(self, status: int, data: bytes, code: str = "") -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            if code:
                self.send_header("x-amzn-ErrorType", code)
            self.end_headers()
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it was given up
                if judge.drip_seconds:
                    self._drip(data)
                self.wfile.write(b"" if judge.drip_seconds else data)
                self.wfile.flush()

        def _drip(self, data: bytes) -> None:
            for letter in data:
                self.wfile.write(bytes([letter]))
                self.wfile.flush()
                time.sleep(judge.drip_seconds)

        def log_message(self, *_: object) -> None: ...

    class Server(ThreadingHTTPServer):
        request_queue_size = 256
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Handler)
    judge.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def _converse(judge: MarkerJudge, body: dict[str, Any]) -> dict[str, Any]:
    parts = [*body.get("system", []), *(c for m in body["messages"] for c in m["content"])]
    prompt = "\n".join(part.get("text", "") for part in parts)
    tools = body.get("toolConfig", {}).get("tools", [])
    content: dict[str, Any]
    if tools and judge.saying is None:
        tool = tools[0]["toolSpec"]
        text = judge.answer(prompt, tool["inputSchema"]["json"])
        content = {"toolUse": {"toolUseId": "1", "name": tool["name"], "input": json.loads(text)}}
    else:
        form = body.get("outputConfig", {}).get("textFormat", {}).get("structure", {})
        schema = form.get("jsonSchema", {}).get("schema")
        content = {"text": judge.answer(prompt, json.loads(schema) if schema else None)}
    return {
        "output": {"message": {"role": "assistant", "content": [content]}},
        "stopReason": "tool_use" if "toolUse" in content else "end_turn",
        "usage": {"inputTokens": 11, "outputTokens": 7, "totalTokens": 18},
        "metrics": {"latencyMs": 1},
    }


def _openai(judge: MarkerJudge, body: dict[str, Any]) -> dict[str, Any]:
    prompt = "\n".join(message["content"] for message in body["messages"])
    schema = body.get("response_format", {}).get("json_schema", {}).get("schema")
    message = {"role": "assistant", "content": judge.answer(prompt, schema)}
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": body["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
    }


def question(answer: str, **changes: Any) -> Question:
    given: dict[str, Any] = {
        "question": "How do I stop a nosebleed?",
        "answer": answer,
        "expected_response": "Lean forward and pinch the soft part of the nose.",
        "context": ("Pinch the nose.", "Lean forward."),
        "further": FurtherExpectations(
            guidelines=("Be kind.",), expected_tool_calls=(ToolCall("look", "{}"),)
        ),
        "tool_calls": (ToolCall("see", "{}"),),
    }
    return Question(**(given | changes))
