"""Checks API arguments against botocore's own model of SageMaker, as the service itself would.

botocore's ParamValidator looks at types, required members and minima; AWS also refuses what breaks
an enum, a pattern or a maximum, so those are checked here too.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import botocore.session
import regex
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape
from botocore.validate import ParamValidator


@functools.lru_cache(maxsize=1)
def sagemaker() -> ServiceModel:
    """botocore's model of the SageMaker API (read from disk once, no network)."""
    return botocore.session.Session().get_service_model("sagemaker")


def problems(operation: str, arguments: dict[str, Any]) -> list[str]:
    """What AWS would refuse in these arguments; an empty list when it would take them."""
    shape = sagemaker().operation_model(operation).input_shape
    if shape is None:
        return []
    report = ParamValidator().validate(arguments, shape)
    found = report.generate_report().splitlines() if report.has_errors() else []
    return found or list(_constraints(arguments, shape, ""))


def unknown_members(
    operation: str, arguments: Any, is_placeholder: Callable[[Any], bool]
) -> list[str]:
    """Dotted names of members that the operation does not have; placeholders are not entered."""
    return list(
        _unknown(arguments, sagemaker().operation_model(operation).input_shape, "", is_placeholder)
    )


def _unknown(
    value: Any, shape: Shape | None, path: str, is_placeholder: Callable[[Any], bool]
) -> Iterator[str]:
    if is_placeholder(value):
        return
    for name, child, child_shape in _children(value, shape):
        if isinstance(shape, StructureShape) and child_shape is None:
            yield f"{path}{name}".lstrip(".")
        else:
            yield from _unknown(child, child_shape, f"{path}{name}", is_placeholder)


def _constraints(value: Any, shape: Shape, path: str) -> Iterator[str]:
    reason = _broken_constraint(value, shape)
    if reason:
        yield f"Value {value!r} at '{path.lstrip('.')}' failed to satisfy constraint: {reason}"
    for name, child, child_shape in _children(value, shape):
        if child_shape is not None:
            yield from _constraints(child, child_shape, f"{path}{name}")
    if isinstance(shape, MapShape) and isinstance(value, dict):
        for key in value:
            yield from _constraints(key, shape.key, f"{path}.key")


def _children(value: Any, shape: Shape | None) -> Iterator[tuple[str, Any, Shape | None]]:
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        yield from ((f".{key}", child, shape.members.get(key)) for key, child in value.items())
    elif isinstance(shape, MapShape) and isinstance(value, dict):
        yield from ((f".{key}", child, shape.value) for key, child in value.items())
    elif isinstance(shape, ListShape) and isinstance(value, list):
        yield from ((f"[{index}]", child, shape.member) for index, child in enumerate(value))


def _broken_constraint(value: Any, shape: Shape) -> str | None:
    limits = shape.metadata
    enum, pattern, maximum = limits.get("enum"), limits.get("pattern"), limits.get("max")
    if enum and value not in enum:
        return f"Member must satisfy enum value set: [{', '.join(enum)}]"
    if maximum is not None:
        measure = "length" if isinstance(value, str | list | dict) else "value"
        size = len(value) if isinstance(value, str | list | dict) else value
        if size > maximum:
            return f"Member must have {measure} less than or equal to {maximum}"
    if pattern and isinstance(value, str) and not matches(pattern, value):
        return f"Member must satisfy regular expression pattern: {pattern}"
    return None


def matches(pattern: str, value: str) -> bool:
    r"""Whether the whole value matches a pattern of the service model (Java syntax, with \p{L})."""
    return regex.fullmatch(pattern, value) is not None
