"""Takes a stream of events apart as its bytes come: server-sent events, and JSON lines.

Bytes may end anywhere, within a line or a character: SageMaker aligns its parts with neither.
Sources: WHATWG HTML, section 9.2 (server-sent events); djl-serving, lmi_input_output_schema.md
(JSON lines, one for each token).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

_LINE_END = re.compile(rb"\r\n|\n|\r(?!\Z)")
"""A carriage return that came last may be half of a line's end."""

_FIELDS = (b"event:", b"id:", b"retry:")


class EventReader:
    """`decode` reads an event's JSON, and raises ValueError where it is none."""

    def __init__(self, decode: Callable[[bytes], Any]) -> None:
        self._decode = decode
        self._rest = b""
        self._data: list[bytes] = []

    def feed(self, part: bytes) -> list[Any]:
        """The events that this part ends: JSON documents, and None for OpenAI's `[DONE]`."""
        *lines, self._rest = _LINE_END.split(self._rest + part)
        return [event for line in lines for event in self._line(line)]

    def close(self) -> list[Any]:
        """The last event, where the stream ends without the line that ends an event."""
        rest, self._rest = self._rest.rstrip(b"\r"), b""
        return [event for line in (rest, b"") for event in self._line(line)]

    def _line(self, line: bytes) -> Iterator[Any]:
        if line.startswith(b"data:"):
            self._data.append(line.removeprefix(b"data:").removeprefix(b" "))
        elif not line.strip():
            if self._data:
                text, self._data = b"\n".join(self._data), []
                yield from self._event(text)
        elif not line.startswith((b":", *_FIELDS)):
            yield self._decode(line)

    def _event(self, text: bytes) -> Iterator[Any]:
        """Data that is empty keeps a connection alive."""
        if text.strip() == b"[DONE]":
            yield None
        elif text.strip():
            yield self._decode(text)
