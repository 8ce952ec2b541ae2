"""A cell that holds a list of texts, as a DataFrame's lists become text in a CSV.

Read are JSON's lists, Python's, and numpy's, which has no commas: `['one' 'two']`.
"""

from __future__ import annotations

import ast
import re
import warnings

from processing.base.exact_json import WrittenNumber, decode_as_written

_TEXT = r"""(?:'[^'\\]*(?:\\.[^'\\]*)*'|"[^"\\]*(?:\\.[^"\\]*)*")"""
_ITEM = re.compile(
    rf"""(?:np\.str_\((?P<wrapped>{_TEXT})\)|(?P<text>{_TEXT})|(?P<number>-?\d[\w.+-]*)|None|nan)
    (?:\s*,\s*|\s+|$)""",
    re.DOTALL | re.VERBOSE,
)


def listed_passages(cell: str) -> list[str] | None:
    """The texts of the list that the cell holds; None where it holds anything else.

    A list without a text, such as [1], is none: it may well be a mark in a text.
    """
    text = cell.strip()
    if not (text.startswith("[") and text.endswith("]")):
        return None
    items = _of_json(text)
    if items is None:
        items = _of_python(text[1:-1].strip())
    if items and all(item is None or item.__class__ is WrittenNumber for item in items):
        return None
    return items if items is None else [str(item) for item in items if item is not None]


def _of_json(text: str) -> list[str | None] | None:
    try:
        value = decode_as_written(text)
    except (ValueError, RecursionError):
        return None
    if not all(item is None or isinstance(item, str) for item in value):
        return None
    items: list[str | None] = value
    return items


def _of_python(inside: str) -> list[str | None] | None:
    items: list[str | None] = []
    at = 0
    while at < len(inside):
        found = _ITEM.match(inside, at)
        if found is None:
            return None
        at = found.end()
        literal = found["wrapped"] or found["text"]
        if literal is None:
            items.append(WrittenNumber(found["number"]) if found["number"] else None)
            continue
        try:
            with warnings.catch_warnings(action="ignore"):  # \d and other escapes that are none
                items.append(ast.literal_eval(literal))
        except (SyntaxError, ValueError):
            return None
    return items
