"""Anthropic, Azure OpenAI and Gemini at one address, as their wire protocols have it.

Each takes its own key and no other; the verdicts are the demo judge's. Sources: the API references
of Anthropic ("Messages"), Azure OpenAI ("Chat completions") and Gemini ("generateContent").
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from loopback_server import serving

from pipeline.local.demo.judge.rules import JudgeRequest
from pipeline.local.demo.judge.verdicts import judge

Document = dict[str, Any]


@dataclass
class Providers:
    """`keys` by provider; `asked` has a provider for each call that brought the right one, and
    `azure_versions` the versions of its API that Azure was asked by.
    """

    keys: Mapping[str, str]
    url: str = ""
    asked: list[str] = field(default_factory=list)
    azure_versions: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class _Provider:
    path: re.Pattern[str]
    header: str
    answer: Callable[[Document], Document]


def _verdict(prompt: str, schema: Document | None) -> str:
    return json.dumps(judge(JudgeRequest("", prompt, schema))[1])


def _anthropic(asked: Document) -> Document:
    text = asked["messages"][-1]["content"][0]["text"]
    said = _verdict(text, (asked.get("output_format") or {}).get("schema"))
    return {
        **{"id": "msg_1", "type": "message", "role": "assistant", "model": asked["model"]},
        "content": [{"type": "text", "text": said}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 20, "output_tokens": 10},
    }


def _azure(asked: Document) -> Document:
    schema = asked.get("response_format", {}).get("json_schema", {}).get("schema")
    said = _verdict(asked["messages"][-1]["content"], schema)
    message = {"role": "assistant", "content": said}
    return {
        **{"id": "1", "object": "chat.completion", "created": 0, "model": "x"},
        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        "usage": {"prompt_tokens": 20, "completion_tokens": 10, "total_tokens": 30},
    }


def _gemini(asked: Document) -> Document:
    schema = asked.get("generationConfig", {}).get("response_json_schema")
    said = _verdict(asked["contents"][-1]["parts"][0]["text"], schema)
    content = {"role": "model", "parts": [{"text": said}]}
    return {
        "candidates": [{"content": content, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {"promptTokenCount": 20, "candidatesTokenCount": 10,
                          "totalTokenCount": 30},
    }  # fmt: skip


_PROVIDERS = {
    "anthropic": _Provider(re.compile("/v1/messages"), "x-api-key", _anthropic),
    "azure": _Provider(
        re.compile(r"/openai/deployments/[^/]+/chat/completions\?api-version=(?P<version>\S+)"),
        "api-key",
        _azure,
    ),
    "gemini": _Provider(re.compile(r"/models/[^/]+:generateContent"), "x-goog-api-key", _gemini),
}


@contextmanager
def providers_served(keys: Mapping[str, str]) -> Iterator[Providers]:
    stub = Providers(keys)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, answer = self._answer(asked)
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _answer(self, asked: Document) -> tuple[int, Document]:
            for name, provider in _PROVIDERS.items():
                if found := provider.path.fullmatch(self.path):
                    if self.headers.get(provider.header) != stub.keys[name]:
                        return 401, {"error": {"message": "no such key"}}
                    stub.asked.append(name)
                    stub.azure_versions |= {*found.groupdict().values()}
                    return 200, provider.answer(asked)
            return 404, {"error": {"message": f"no such path: {self.path}"}}

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as stub.url:
        yield stub
