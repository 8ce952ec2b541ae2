"""InvokeEndpointWithResponseStream of the demo endpoint, with the bad habits of real streams.

Parts end anywhere, within a line or a character, and one may hold several events; streams have
comments, roles and empty deltas in them; some end with CRLF. They break as told: `Streaming`.

Wire format: application/vnd.amazon.eventstream (Smithy, "Amazon Event Stream Specification").
Bodies: OpenAI's chat completion chunks; LMI's JSON lines and TGI's events.
"""

import asyncio
import binascii
import json
import re
import struct
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import httpx
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response, StreamingResponse

from pipeline.local.demo.calls import Answer
from pipeline.local.demo.endpoint.payloads import Completion, Prompt, TextGeneration
from pipeline.local.demo.faults import Share, fraction

Break = Literal["model-stream-error", "internal-stream-failure", "reset", "unfinished", "error"]
MEDIA_TYPE = "application/vnd.amazon.eventstream"
_STRING = 7
_MOST_HELD_BACK = 24
"""Bytes of a part that come with the next one."""


class Streaming(BaseModel):
    """How an endpoint streams. `breaks` is the share of streams that end half-way, as `breaks_as`.

    model-stream-error and internal-stream-failure are events of the service's; error is an object
    in the container's own words; unfinished ends in good order, and too soon.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    first_ms: float = Field(default=5, ge=0)
    token_ms: float = Field(default=1, ge=0)
    breaks: Share = 0
    breaks_as: Break | Literal["any"] = "any"

    def breaks_now(self, where: str) -> Break | None:
        """`where` settles it: the seed, the request, and how often that has come."""
        if fraction(f"break/{where}") >= self.breaks:
            return None
        if self.breaks_as != "any":
            return self.breaks_as
        kinds: tuple[Break, ...] = get_args(Break)
        return kinds[int(fraction(f"break as/{where}") * len(kinds))]


def message(payload: bytes, **headers: str) -> bytes:
    """One message of an event stream; `_` in a header's name stands for `-`."""
    named = b"".join(
        struct.pack("!B", len(name) + 1) + b":" + name.replace("_", "-").encode()
        + struct.pack("!BH", _STRING, len(value)) + value.encode()
        for name, value in headers.items()
    )  # fmt: skip
    prelude = struct.pack("!II", 16 + len(named) + len(payload), len(named))
    head = prelude + struct.pack("!I", binascii.crc32(prelude)) + named + payload
    return head + struct.pack("!I", binascii.crc32(head))


def payload_part(part: bytes) -> bytes:
    octets = "application/octet-stream"
    return message(part, event_type="PayloadPart", content_type=octets, message_type="event")


def exception(kind: str, **members: str) -> bytes:
    told = {"exception_type": kind, "content_type": "application/json"}
    return message(json.dumps(members).encode(), **told, message_type="exception")


_BROKEN = {
    "model-stream-error": exception(
        "ModelStreamError", Message="the demo endpoint's model went away", ErrorCode="StreamBroken"
    ),
    "internal-stream-failure": exception("InternalStreamFailure", Message="demo fault"),
}


def events(
    prompt: Prompt,
    done: Completion,
    model: str,
    shape: TextGeneration,
    told_first: Mapping[str, Any],
) -> list[bytes]:
    """The body in its pieces: one for each event, in the order in which they come.

    `told_first` comes with the first one, as passages that were retrieved do.
    """
    tokens = re.findall(r"\s*\S+", done.text) or [""]
    if prompt.format != "chat":
        return list(_token_lines(tokens, done, shape, told_first))
    end = b"\r\n" if fraction(f"crlf/{done.text}") < 0.5 else b"\n"
    made = [
        b": keep-alive" + end * 2,
        *(_data(each, end) for each in _chunks(tokens, done, model, told_first)),
    ]
    return [*made, b"data: [DONE]" + end * 2]


def _chunks(
    tokens: list[str], done: Completion, model: str, told_first: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": "", **told_first}, {}]
    deltas += [{"content": token} for token in tokens]
    base = {"id": "chatcmpl-demo", "object": "chat.completion.chunk", "model": model}
    for delta in deltas:
        yield {**base, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    last = {"index": 0, "delta": {}, "finish_reason": done.finish_reason}
    yield {**base, "choices": [last]}
    usage = {"prompt_tokens": done.prompt_tokens, "completion_tokens": done.tokens}
    yield {**base, "choices": [], "usage": usage}


def _token_lines(
    tokens: list[str], done: Completion, shape: TextGeneration, told_first: Mapping[str, Any]
) -> Iterator[bytes]:
    for number, token in enumerate(tokens, start=1):
        line: dict[str, Any] = {"token": {"id": number, "text": token, "log_prob": -0.5}}
        if number == 1:
            line |= told_first
        if number == len(tokens):
            reason = "eos_token" if done.finish_reason == "stop" else "length"
            details = {"finish_reason": reason, "generated_tokens": done.tokens}
            line |= {"generated_text": done.text, "details": details}
        text = json.dumps(line, ensure_ascii=False).encode()
        yield b"data:" + text + b"\n\n" if shape == "tgi" else text + b"\n"


def _data(chunk: Mapping[str, Any], end: bytes) -> bytes:
    return b"data: " + json.dumps(chunk, ensure_ascii=False).encode() + end * 2


@dataclass(frozen=True)
class PassedOn(Answer):
    """Another server's stream, each of its parts as it came."""

    parts: AsyncIterator[bytes] | None = None

    def response(self) -> Response:
        return StreamingResponse(self._messages(), media_type=MEDIA_TYPE, headers=self.headers)

    async def _messages(self) -> AsyncIterator[bytes]:
        assert self.parts is not None
        try:
            async for part in self.parts:
                yield payload_part(part)
        except httpx.RequestError:
            yield _BROKEN["model-stream-error"]


@dataclass(frozen=True)
class StreamedAnswer(Answer):
    """`pieces` come one after the other, and break off half-way if `broken` says how.

    `reset` cuts the connection.
    """

    pieces: tuple[bytes, ...] = ()
    streaming: Streaming = Streaming()  # noqa: RUF009 (frozen)
    broken: Break | None = None
    reset: Callable[[], None] = lambda: None

    def response(self) -> Response:
        return StreamingResponse(self._messages(), media_type=MEDIA_TYPE, headers=self.headers)

    async def _messages(self) -> AsyncIterator[bytes]:
        held = b""
        half = len(self.pieces) // 2 + 1
        await asyncio.sleep(self.streaming.first_ms / 1000)
        for piece in self.pieces[:half] if self.broken else self.pieces:
            await asyncio.sleep(self.streaming.token_ms / 1000)
            held += piece
            cut = len(held) - int(fraction(held.hex()) * _MOST_HELD_BACK)
            if cut > 0:
                yield payload_part(held[:cut])
                held = held[cut:]
        if self.broken == "error":
            said = json.dumps({"error": {"message": "CUDA out of memory", "code": 500}}).encode()
            held += b"data: " + said + b"\n\n" if held[:1] != b"{" else said + b"\n"
        if held:
            yield payload_part(held)
        if self.broken in _BROKEN:
            yield _BROKEN[self.broken]
        elif self.broken == "reset":
            self.reset()
