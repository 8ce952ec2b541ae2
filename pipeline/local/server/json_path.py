"""Paths into JSON documents, as Pipelines and EventBridge write them: `$.detail.a['b c'][0]`."""

from __future__ import annotations

import re
from typing import Any

_SEGMENT = re.compile(r"\.?([A-Za-z0-9_\-]+)|\[(?:'([^']*)'|\"([^\"]*)\")\]|\[(\d+)\]")


class ExpressionError(Exception):
    """A path or function that cannot be understood, or has no value."""


def parse_path(text: str) -> tuple[str | int, ...]:
    """`a.b['c d'][0]`, with or without a leading `$.`, as keys and indexes.

    Raises ExpressionError for the rest of JsonPath (wildcards, filters, `..`).
    """
    rest = text.removeprefix("$")
    path: list[str | int] = []
    while rest:
        segment = _SEGMENT.match(rest)
        if segment is None:
            raise ExpressionError(f"the path {text!r} is not known to the local AWS at {rest!r}")
        name, single, double, index = segment.groups()
        path.append(
            int(index) if index is not None else next(s for s in (name, single, double) if s)
        )
        rest = rest[segment.end() :]
    if not path:
        raise ExpressionError(f"the path {text!r} is empty")
    return tuple(path)


def dig(document: Any, path: str) -> Any:
    """The value at a path. Raises ExpressionError naming the part that is missing."""
    here = document
    for part in parse_path(path):
        in_list = isinstance(here, list) and isinstance(part, int) and part < len(here)
        in_object = isinstance(here, dict) and part in here
        if not in_list and not in_object:
            raise ExpressionError(f"nothing at {part!r} of the path {path!r}")
        here = here[part]
    return here
