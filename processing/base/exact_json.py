"""JSON read and written by orjson where it does just what Python's `json` does, else by `json`.

orjson is several times as fast, but it makes floats of integers over 64 bits, refuses numbers over
the largest float, and says less of what is wrong and where.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import orjson

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_UNSURE = frozenset({float, list, dict})


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")


_decode = json.JSONDecoder(parse_constant=_refuse_constant).decode
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def decode(text: bytes) -> Any:
    """The value. Raises ValueError for what is no JSON (NaN is none), or RecursionError.

    Of ValueError's kinds: JSONDecodeError where the syntax is wrong, UnicodeDecodeError for bytes
    that are no UTF-8, UnicodeEncodeError for an escaped surrogate without its pair.
    """
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return _decode_exactly(text)
    return _decode_exactly(text) if _may_be_rounded(value) else value


class WrittenNumber(str):
    """A number's JSON text as it stands: 1.10, 1e3, -0."""

    __slots__ = ()


_decode_as_written = json.JSONDecoder(
    parse_float=WrittenNumber, parse_int=WrittenNumber, parse_constant=_refuse_constant
).decode


def decode_as_written(text: str) -> Any:
    """The value, with a WrittenNumber for each number. Raises ValueError or RecursionError."""
    return _decode_as_written(text)


def repeated_key(text: bytes, value: dict[str, Any]) -> str | None:
    """A key that stands twice in `text`, of which `value` has only the last one's value."""
    if text.count(b":") == len(value) or _count_quotes(text) == 2 * _count_texts(value):
        return None  # no colon, or no text, that is not accounted for
    repeated: str | None = None

    def look(pairs: list[tuple[str, Any]]) -> None:
        nonlocal repeated  # the last one that is looked at is the outermost
        times = Counter(name for name, _ in pairs)
        repeated = next((name for name, count in times.items() if count > 1), None)

    json.loads(text, object_pairs_hook=look)
    return repeated


def _count_quotes(text: bytes) -> int:
    """Those at the ends of texts; -1 where that takes more than counting."""
    quotes = text.count(b'"')
    if b"\\" not in text:
        return quotes
    return -1 if b"\\\\" in text else quotes - text.count(b'\\"')


def _count_texts(value: Any) -> int:
    """Keys and values that are texts, at any depth."""
    if value.__class__ is str:
        return 1
    if isinstance(value, dict):
        return len(value) + sum(map(_count_texts, value.values()))
    return sum(map(_count_texts, value)) if isinstance(value, list) else 0


def _decode_exactly(text: bytes) -> Any:
    value = _decode(text.decode())
    if _SURROGATE.search(text):
        json.dumps(value, ensure_ascii=False).encode()
    return value


def _may_be_rounded(value: Any) -> bool:
    if value.__class__ is float:
        return bool(abs(value) >= 2**63)
    if value.__class__ not in _UNSURE:
        return False
    items: Any = value
    if isinstance(value, dict):
        items = value.values()
    # a loop, since any() over a generator takes five times as long
    for item in items:  # noqa: SIM110
        if item.__class__ in _UNSURE and _may_be_rounded(item):
            return True
    return False


def encode(value: Any) -> bytes:
    """Compact JSON in UTF-8.

    Raises UnicodeEncodeError where a text holds what UTF-8 cannot (a lone surrogate).
    """
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        return _encode(value).encode()
