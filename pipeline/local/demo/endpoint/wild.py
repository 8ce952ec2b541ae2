"""What containers and gateways have been seen to answer instead of a plain body, drawn by a seed.

    PUT /_demo/endpoints/NAME {"wild": 1, "faults": {"seed": 7}}

Which call gets which is settled by a hash of (seed, request body, attempt number for that body), as
faults are. The call log counts every habit by name.
"""

import gzip
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.local.demo.endpoint.payloads import Completion, Prompt, UnreadableRequest
from pipeline.local.demo.faults import fraction

THOUGHT = "Let me think about what was asked before I say anything."


@dataclass(frozen=True)
class Habit:
    """`body` makes the response of a 200. `answers`: there is an answer in it. `cut`: at the limit.

    `error`: the code of an error of the service's instead of a body.
    """

    body: Callable[[Completion, str], Any] | None = None
    answers: bool = True
    cut: bool = False
    error: str = ""


def _said(done: Completion, content: Any, finish: str = "stop", **message: Any) -> dict[str, Any]:
    whole = {"role": "assistant", "content": content, **message}
    usage = {"prompt_tokens": done.prompt_tokens, "completion_tokens": done.tokens}
    return {"choices": [{"index": 0, "message": whole, "finish_reason": finish}], "usage": usage}


def _half(done: Completion) -> str:
    return done.text[: len(done.text) // 2 + 1]


def _part(done: Completion) -> dict[str, str]:
    return {"type": "text", "text": done.text}


def _events(done: Completion, _: str) -> bytes:
    deltas = [{"reasoning_content": THOUGHT}, {"content": _half(done)},
              {"content": done.text[len(_half(done)) :]}]  # fmt: skip
    chunks: list[dict[str, Any]] = [{"choices": [{"delta": delta}]} for delta in deltas]
    chunks.append({"choices": [{"delta": {}, "finish_reason": "stop"}]})
    lines = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]
    return "".join([*lines, "data: [DONE]\n\n"]).encode()


HABITS: Mapping[str, Habit] = {
    "plain": Habit(lambda d, _: _said(d, d.text)),
    "parts": Habit(lambda d, _: _said(d, [_part(d)])),
    "one part": Habit(lambda d, _: _said(d, _part(d))),
    "parts with thinking": Habit(
        lambda d, _: _said(d, [{"type": "thinking", "thinking": THOUGHT}, _part(d)])
    ),
    "reasoning_content": Habit(lambda d, _: _said(d, d.text, reasoning_content=THOUGHT)),
    "think tags": Habit(lambda d, _: _said(d, f"<think>\n{THOUGHT}\n</think>\n\n{d.text}")),
    "lone think tag": Habit(lambda d, _: _said(d, f"{THOUGHT}\n</think>\n\n{d.text}")),
    "usage as text": Habit(lambda d, _: {**_said(d, d.text), "usage": "n/a"}),
    "counts as text": Habit(lambda d, _: {**_said(d, d.text), "usage": {"prompt_tokens": "9"}}),
    "lists in lists": Habit(lambda d, _: [[{"generated_text": d.text}]]),
    "details as list": Habit(lambda d, _: {"generated_text": d.text, "details": [1]}),
    "responses": Habit(
        lambda d, _: {"output": [{"type": "reasoning", "summary": []},
                                 {"type": "message", "content": [_part(d)]}]}
    ),
    "JSON in JSON": Habit(lambda d, _: json.dumps(_said(d, d.text))),
    "events": Habit(_events),
    "gzip": Habit(lambda d, _: gzip.compress(json.dumps(_said(d, d.text)).encode())),
    "half an emoji": Habit(lambda d, _: _said(d, f"{d.text} \ud83d")),
    "cut": Habit(lambda d, _: _said(d, _half(d), "length"), cut=True),
    "cut by TGI": Habit(
        lambda d, _: {"generated_text": _half(d), "details": {"finish_reason": "length"}}, cut=True
    ),
    "cut while thinking": Habit(
        lambda d, _: _said(d, None, "length", reasoning_content=THOUGHT), answers=False, cut=True
    ),
    "cut in think tags": Habit(
        lambda d, _: _said(d, f"<think>\n{THOUGHT}", "length"), answers=False, cut=True
    ),
    "null": Habit(lambda d, _: _said(d, None), answers=False),
    "tool call": Habit(lambda d, _: _said(d, None, tool_calls=[{"id": "1"}]), answers=False),
    "no choices": Habit(lambda *_: {"choices": []}, answers=False),
    "error in a 200": Habit(lambda *_: {"error": {"message": "CUDA out of memory"}}, answers=False),
    "HTML": Habit(lambda *_: b"<html><h1>502 Bad Gateway</h1></html>", answers=False),
    "two answers": Habit(
        lambda *_: b'{"choices": [{"message": {"content": "yes", "content": "no"}}]}',
        answers=False,
    ),
    "NaN": Habit(lambda *_: b'{"choices": [{"message": {"content": NaN}}]}', answers=False),
    "throttled": Habit(answers=False, error="ThrottlingException"),
    "overloaded": Habit(answers=False, error="ServiceUnavailable"),
    "out of memory": Habit(answers=False, error="ModelError"),
}  # fmt: skip


@dataclass
class Wild:
    """Draws habits for one endpoint; it remembers how often it has been asked the same."""

    share: float
    seed: int
    _attempts: Counter[bytes] = field(default_factory=Counter)

    def habit(self, request: bytes) -> str:
        """By name; empty where the call is to be answered as usual."""
        self._attempts[request] += 1
        where = f"{self.seed}/{self._attempts[request]}/{request.hex()}"
        if fraction(f"wild/{where}") >= self.share:
            return ""
        return list(HABITS)[int(fraction(f"habit/{where}") * len(HABITS))]


def wild_body(name: str, prompt: Prompt, done: Completion, model: str) -> bytes:
    """The response. Raises UnreadableRequest for a template, whose form only its owner knows."""
    if prompt.format == "template":
        raise UnreadableRequest("wild is for the formats chat and text_generation")
    body = HABITS[name].body
    assert body is not None, "a habit that is an error has no body"
    made = body(done, model)
    return made if isinstance(made, bytes) else json.dumps(made).encode()
