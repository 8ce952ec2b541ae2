"""A streamed answer: its parts put together, and when its tokens came.

Source: SageMaker Runtime API reference, InvokeEndpointWithResponseStream. A part is as many bytes
as were there: half an event, or several. Times are those of the part that brought a token's last
byte, since nothing tells when the model made it.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from processing.endpoint.body_bytes import LONGEST_BODY, decoded
from processing.endpoint.event_reader import EventReader
from processing.endpoint.event_stream import has_token

LONGEST_SECONDS = 900.0
"""Of a whole stream, which SageMaker itself ends sooner; each part is waited for apart."""


@dataclass(frozen=True)
class TokenTimes:
    """Milliseconds from sending to the first and to the last part that had a token.

    Both are None where no event had one: the server answers in one piece, or in a form that has no
    events.
    """

    first_ms: float | None = None
    last_ms: float | None = None

    def inter_token_ms(self, tokens: int | None) -> float | None:
        """Mean time between two of so many output tokens: (last - first) / (tokens - 1).

        As NVIDIA's GenAI-Perf defines inter-token latency, and vLLM the time per output token. None
        where there are not two tokens, nobody says how many there are, or all came in one part: a
        server or proxy that holds a stream back would seem to be endlessly quick.
        """
        if self.first_ms is None or self.last_ms is None or not tokens or tokens < 2:
            return None
        took = self.last_ms - self.first_ms
        return took / (tokens - 1) if took > 0 else None


class EventStream(Protocol):
    """botocore's."""

    def __iter__(self) -> Any: ...
    def close(self) -> None: ...


def read_stream(stream: EventStream, start: float) -> tuple[bytes, TokenTimes]:
    """The whole body and its tokens' times; `start` is when it was sent, by `time.perf_counter`.

    The body is longer than LONGEST_BODY where more was sent than is read. Raises whatever botocore
    does where the stream breaks, and TimeoutError for one that does not end: what came until then
    is no answer.
    """
    body, times = bytearray(), _Watch(start)
    with contextlib.closing(stream):
        for part in _parts(stream):
            body += part
            times.saw(part)
            if len(body) > LONGEST_BODY:
                break
            if time.perf_counter() - start > LONGEST_SECONDS:
                raise TimeoutError(f"the stream has not ended after {LONGEST_SECONDS:.0f} s")
    return bytes(body), times.found()


def _parts(stream: Iterable[Mapping[str, Any]]) -> Iterable[bytes]:
    for event in stream:
        part = event.get("PayloadPart")
        if part is not None:
            yield part.get("Bytes") or b""


class _Watch:
    """Notes when tokens come. What it cannot read is left to who reads the whole body."""

    def __init__(self, start: float) -> None:
        self._start = start
        self._reader: EventReader | None = EventReader(decoded)
        self._first: float | None = None
        self._last: float | None = None

    def saw(self, part: bytes) -> None:
        now = (time.perf_counter() - self._start) * 1000
        if self._reader is None:
            return
        try:
            events = self._reader.feed(part)
        except (ValueError, RecursionError):
            self._reader = None
            return
        if any(map(has_token, events)):
            self._first = now if self._first is None else self._first
            self._last = now

    def found(self) -> TokenTimes:
        return TokenTimes(self._first, self._last) if self._reader else TokenTimes()
