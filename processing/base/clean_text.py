"""Foreign text made fit to be stored where it comes in, and to be compared where it is scored.

An answer that was cut inside an emoji ends with half of a surrogate pair, which neither UTF-8 nor
MLflow can hold.
"""

from __future__ import annotations

import unicodedata
from typing import TypeVar

Document = TypeVar("Document")

_BYTE_ORDER_MARK = "\ufeff"

_NO_SIGN = frozenset({"Cc", "Cf", "Mc", "Me", "Mn", "Zl", "Zp", "Zs"})
"""Unicode's categories of what shows nothing by itself: spaces, controls, marks."""

_BLANK_LETTERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Fillers of Hangul and Braille, which show nothing either."""


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
    return unicodedata.normalize("NFC", _storable(text).replace(_BYTE_ORDER_MARK, ""))


def _storable(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        # Python's UTF-16 decoder joins pairs, and replaces what has none
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
