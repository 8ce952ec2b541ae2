"""EventBridge's event patterns: what PutRule accepts, and which events they match.

Semantics: EventBridge user guide, "Comparison operators for use in event patterns", and Event
Ruler, the library behind it. A field holds one value or several (an array); it matches if any of
its values matches any of the pattern's. Numbers match by their JSON form: 300 is not 300.0.
"""

from __future__ import annotations

import ipaddress
import json
import operator
import re
from collections.abc import Callable
from typing import Any

_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_SCALAR = (str, int, float, bool, type(None))


class PatternError(ValueError):
    """The pattern is none; the message is the reason that EventBridge's error gives."""


def parse(text: str) -> dict[str, Any]:
    """The pattern as an object. Raises PatternError for what PutRule refuses."""
    try:
        pattern = json.loads(text)
    except json.JSONDecodeError as error:
        raise PatternError(f"Invalid JSON: {error}") from error
    _check_object(pattern, "the event pattern")
    checked: dict[str, Any] = pattern
    return checked


def matches(pattern: dict[str, Any], event: Any) -> bool:
    """Whether an event (or an object inside one) matches a checked pattern."""
    if isinstance(event, list):  # all fields of an array's element must come from one element
        return any(matches(pattern, element) for element in event)
    fields = event if isinstance(event, dict) else {}
    return all(_field_matches(name, wanted, fields) for name, wanted in pattern.items())


def _field_matches(name: str, wanted: Any, fields: dict[str, Any]) -> bool:
    if name == "$or":
        return any(matches(alternative, fields) for alternative in wanted)
    if isinstance(wanted, dict):
        return matches(wanted, fields.get(name))
    values = _values(fields[name]) if name in fields else []
    return any(_filter_matches(wanted_value, values) for wanted_value in wanted)


def _values(value: Any) -> list[Any]:
    """The leaves of a field. An object or an empty array has none: it does not `exist`."""
    if isinstance(value, list):
        return [leaf for element in value for leaf in _values(element)]
    return [] if isinstance(value, dict) else [value]


def _filter_matches(wanted: Any, values: list[Any]) -> bool:
    if not isinstance(wanted, dict):
        return any(_same(wanted, value) for value in values)
    [(kind, operand)] = wanted.items()
    if kind == "exists":
        return bool(values) is operand
    return any(_MATCHERS[kind](operand, value) for value in values)


def _same(wanted: Any, value: Any) -> bool:
    return type(wanted) is type(value) and wanted == value


def _text(test: Callable[[str, str], bool]) -> Callable[[Any, Any], bool]:
    """A comparison of strings; {"equals-ignore-case": x} as its operand folds both sides."""

    def compare(operand: Any, value: Any) -> bool:
        if not isinstance(value, str):
            return False
        if isinstance(operand, dict):
            return test(value.lower(), operand["equals-ignore-case"].lower())
        return test(value, operand)

    return compare


def _numeric(operand: list[Any], value: Any) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    pairs = zip(operand[::2], operand[1::2], strict=True)
    return all(_COMPARISONS[name](value, bound) for name, bound in pairs)


def _anything_but(operand: Any, value: Any) -> bool:
    if isinstance(operand, dict):
        [(kind, inner)] = operand.items()
        alternatives = inner if isinstance(inner, list) else [inner]
        return not any(_MATCHERS[kind](alternative, value) for alternative in alternatives)
    alternatives = operand if isinstance(operand, list) else [operand]
    return not any(_same(alternative, value) for alternative in alternatives)


def _cidr(operand: str, value: Any) -> bool:
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(operand, strict=False)
    except ValueError:
        return False


def _wildcard(value: str, operand: str) -> bool:
    pieces = re.findall(r"\\[*\\]|\*|[^*\\]+|\\", operand)
    as_regex = "".join(".*" if piece == "*" else re.escape(_unescaped(piece)) for piece in pieces)
    return re.fullmatch(as_regex, value, re.DOTALL) is not None


def _unescaped(piece: str) -> str:
    return piece[1:] if piece in ("\\*", "\\\\") else piece


_MATCHERS: dict[str, Callable[[Any, Any], bool]] = {
    "prefix": _text(str.startswith),
    "suffix": _text(str.endswith),
    "equals-ignore-case": _text(lambda value, wanted: value.lower() == wanted.lower()),
    "wildcard": _text(_wildcard),
    "numeric": _numeric,
    "cidr": _cidr,
    "anything-but": _anything_but,
}


def _check_object(node: Any, where: str) -> None:
    if not isinstance(node, dict):
        raise PatternError(f"{where} must be an object or an array")
    if not node:
        raise PatternError(f"Empty objects are not allowed: {where}")
    for name, wanted in node.items():
        if name == "$or":
            if not isinstance(wanted, list) or len(wanted) < 2:
                raise PatternError("There must have at least 2 Objects in $or relationship.")
            for alternative in wanted:
                _check_object(alternative, "$or")
        elif isinstance(wanted, list):
            if not wanted:
                raise PatternError(f"Empty arrays are not allowed: '{name}'")
            for entry in wanted:
                _check_filter(entry, name)
        else:
            _check_object(wanted, f"'{name}'")


def _check_filter(entry: Any, name: str) -> None:
    if isinstance(entry, _SCALAR):
        return
    if not isinstance(entry, dict) or len(entry) != 1:
        raise PatternError(f"'{name}': only one key allowed in match expression")
    [(kind, operand)] = entry.items()
    if kind != "exists" and kind not in _MATCHERS:
        raise PatternError(f"'{name}': Unrecognized match type {kind}")
    if not _operand_fits(kind, operand):
        raise PatternError(f"'{name}': {kind} does not take {json.dumps(operand)}")


def _operand_fits(kind: str, operand: Any) -> bool:
    if kind == "exists":
        return isinstance(operand, bool)
    if kind == "numeric":
        return _is_range(operand)
    if kind == "anything-but":
        return _excludes(operand)
    if kind in ("prefix", "suffix") and isinstance(operand, dict):
        return set(operand) == {"equals-ignore-case"} and isinstance(
            operand["equals-ignore-case"], str
        )
    if kind == "wildcard":
        return isinstance(operand, str) and "**" not in operand
    return isinstance(operand, str)


def _is_range(operand: Any) -> bool:
    return (
        isinstance(operand, list)
        and len(operand) in (2, 4)
        and all(name in _COMPARISONS for name in operand[::2])
        and all(type(bound) in (int, float) for bound in operand[1::2])
    )


def _excludes(operand: Any) -> bool:
    if isinstance(operand, dict):
        allowed = {"prefix", "suffix", "equals-ignore-case", "wildcard"}
        inner = next(iter(operand.values()), None)
        texts = inner if isinstance(inner, list) else [inner]
        return len(operand) == 1 and set(operand) <= allowed and all(map(_is_text, texts))
    listed = operand if isinstance(operand, list) else [operand]
    return bool(listed) and (
        all(map(_is_text, listed)) or all(type(value) in (int, float) for value in listed)
    )


def _is_text(value: Any) -> bool:
    return isinstance(value, str)
