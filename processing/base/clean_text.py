"""Foreign text made fit to be stored where it comes in, and to be compared where it is scored.

An answer that was cut inside an emoji ends with half of a surrogate pair, which neither UTF-8 nor
MLflow can hold.
"""

from __future__ import annotations

import itertools
import unicodedata
from typing import Any, Literal, TypeVar

import regex

Document = TypeVar("Document")

_BYTE_ORDER_MARK = "\ufeff"

_NO_SIGN = frozenset({"Cc", "Cf", "Mc", "Me", "Mn", "Zl", "Zp", "Zs"})
"""Unicode's categories of what shows nothing by itself: spaces, controls, marks."""

_BLANK_LETTERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Fillers of Hangul and Braille, which show nothing either."""

_MANY_MARKS: Any = regex.compile(r"[\P{ccc=0}\u0f73\u0f75\u0f81]{30}")
"""More marks on one letter than a language has (UAX #15, Stream-Safe Text Format)."""


def storable(document: Document) -> Document:
    """A text, or a JSON document and its keys, as UTF-8 can hold it and otherwise as it came.

    A surrogate without its pair becomes U+FFFD, and a pair the character that it stands for.
    """
    clean: object = document
    if isinstance(document, str):
        clean = _storable(document)
    elif isinstance(document, dict):
        clean = {storable(key): storable(value) for key, value in document.items()}
    elif isinstance(document, list):
        clean = [storable(value) for value in document]
    return clean  # type: ignore[return-value]


def has_text(text: str) -> bool:
    """Whether there is anything to read in it: a zero-width space alone is no answer."""
    if "!" <= text[:1] <= "~":  # nearly always, and twice a row
        return True
    return any(
        unicodedata.category(sign) not in _NO_SIGN and sign not in _BLANK_LETTERS for sign in text
    )


def comparable(text: str) -> str:
    """`text` as scorers see it: storable, in normal form C, without byte order marks."""
    if text.isascii():
        return text
    return normalized("NFC", _storable(text).replace(_BYTE_ORDER_MARK, ""))


def normalized(form: Literal["NFC", "NFD"], text: str) -> str:
    """`text` in a normal form, but that no mark moves over 30 others.

    Python sorts a letter's marks one by one: an answer of 100,000 took it 10 s.
    """
    if text.isascii() or not _MANY_MARKS.search(text):
        return unicodedata.normalize(form, text)
    ends = [0, *(found.end() for found in _MANY_MARKS.finditer(text)), len(text)]
    parts = (text[start:end] for start, end in itertools.pairwise(ends))
    return "".join(unicodedata.normalize(form, part) for part in parts)


def _storable(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        # Python's UTF-16 decoder joins pairs, and replaces what has none
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
