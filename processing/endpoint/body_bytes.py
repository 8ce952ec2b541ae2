"""A response's bytes as a JSON document, whatever came instead of one."""

from __future__ import annotations

import json
import zlib
from typing import Any

from processing.base.clean_text import storable
from processing.endpoint.event_reader import EventReader
from processing.endpoint.event_stream import is_chunk, merged
from processing.endpoint.reply import UnusableReply

LONGEST_BODY = 32_000_000
"""Bytes. SageMaker itself lets no response of more than 25 MB through."""

_GZIP = b"\x1f\x8b"
_EVENTS = (b"data:", b"event:", b"id:", b"retry:", b":")


def document_in(body: bytes, *, streamed: bool = False) -> Any:
    """`streamed`: one chunk alone is no answer, but a stream that was cut.

    Raises UnusableReply where the bytes are no JSON, or JSON that says two things at once."""
    if body.startswith(_GZIP):
        body = _unpacked(body)
    try:
        if body.lstrip().startswith(_EVENTS) or _is_json_lines(body, streamed=streamed):
            return storable(merged(_events(body)))
        return storable(decoded(body))
    except RecursionError as error:
        raise UnusableReply("the body is JSON nested too deeply to be read") from error
    except UnicodeDecodeError as error:
        raise UnusableReply(f"the body is not UTF-8: {body[:80]!r}") from error
    except json.JSONDecodeError as error:
        raise UnusableReply(f"the body is not JSON: {body[:80]!r}") from error
    except ValueError as error:  # a key twice, or more digits than Python makes a number of
        raise UnusableReply(f"the body cannot be read: {' '.join(str(error).split())}") from error


def decoded(text: bytes) -> Any:
    """Raises ValueError where it is no JSON, or says two things at once."""
    return json.loads(text, object_pairs_hook=_single_valued)


def _single_valued(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        for key, value in pairs:
            if value != document[key]:
                raise ValueError(f"the key {key[:40]!r} stands twice in one object")
    return document


def _is_json_lines(body: bytes, *, streamed: bool) -> bool:
    """Whether it is a stream of tokens, each an object on a line of its own."""
    first, _, rest = body.strip().partition(b"\n")
    if not first.startswith(b"{"):
        return False
    try:
        document = json.loads(first)
    except ValueError:
        return False
    return bool(rest) or (streamed and is_chunk(document))


def _events(body: bytes) -> list[Any]:
    reader = EventReader(decoded)
    return [*reader.feed(body.lstrip()), *reader.close()]


def _unpacked(body: bytes) -> bytes:
    try:
        reader = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        text = reader.decompress(body, LONGEST_BODY + 1)
    except zlib.error as error:
        raise UnusableReply(f"the body begins as gzip does, and is none ({error})") from error
    if len(text) > LONGEST_BODY or not reader.eof:
        raise UnusableReply(f"the body is gzip of more than {LONGEST_BODY:,} bytes, or cut off")
    return text
