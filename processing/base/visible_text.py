"""Foreign text as it may be shown: on one line, and whatever commands a reader made visible.

Answers, dataset values, judges' reasons and services' messages may hold line ends, terminal escapes
and signs that reverse or hide text. Everything that prints, logs or sends them goes through here.
"""

from __future__ import annotations

import unicodedata
from typing import TypeVar

Document = TypeVar("Document")


def visible(text: str) -> str:
    """`text` on one line: a control, format or unassigned character as Python escapes it."""
    return text if text.isprintable() else "".join(map(_visible, text))


def visible_lines(text: str, indent: str = "") -> str:
    """As `visible`, but line ends stay, and each further line begins with `indent`."""
    return f"\n{indent}".join(visible(line) for line in text.split("\n"))


def visible_document(document: Document) -> Document:
    """A JSON document in which every text, keys too, is `visible`."""
    shown: object = document
    if isinstance(document, str):
        shown = visible(document)
    elif isinstance(document, dict):
        shown = {visible(str(key)): visible_document(value) for key, value in document.items()}
    elif isinstance(document, list):
        shown = [visible_document(value) for value in document]
    return shown  # type: ignore[return-value]


def _visible(sign: str) -> str:
    if sign.isprintable():
        return sign
    return " " if unicodedata.category(sign) == "Zs" else repr(sign)[1:-1]
