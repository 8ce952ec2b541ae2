"""Reading a pipeline definition (JSON, 2020-12-01): its steps, functions and references."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

FUNCTIONS = {"Get", "Std:Join", "Std:JsonGet"}


def walk(steps: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """All steps, those in the branches of conditions included."""
    for step in steps:
        yield step
        for branch in ("IfSteps", "ElseSteps"):
            yield from walk(step["Arguments"].get(branch, []))


def is_function(value: Any) -> bool:
    return isinstance(value, dict) and len(value) == 1 and next(iter(value)) in FUNCTIONS


def gets(node: Any) -> Iterator[str]:
    """What every `{"Get": ...}` in a part of a definition names, such as `Steps.X.Y`."""
    if isinstance(node, dict):
        if is_function(node) and "Get" in node:
            yield node["Get"]
        for value in node.values():
            yield from gets(value)
    elif isinstance(node, list):
        for value in node:
            yield from gets(value)
