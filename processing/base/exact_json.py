"""JSON read and written by orjson where it does just what Python's `json` does, else by `json`.

orjson is several times as fast, but it makes floats of integers over 64 bits, refuses numbers over
the largest float, and says less of what is wrong and where.
"""

from __future__ import annotations

import json
import re
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
