"""A metric's options, as YAML has them, made into what its constructor takes.

The constructor's own annotations say what that is: DeepEval's `rubric` is a list of `Rubric`, its
`evaluation_params` are members of an enum, a mode is one of three words. An option that no YAML can
hold (a template's class, another model) is refused by name.
"""

from __future__ import annotations

import enum
import inspect
import json
import types
import typing
from collections.abc import Collection, Mapping
from typing import Any, Literal, Union

from pydantic import BaseModel, TypeAdapter, ValidationError

from processing.base.errors import ConfigError
from processing.base.suggestion import did_you_mean

_PLAIN = (str, int, float, bool, None, type(None), Any, list, dict, tuple)
_LEAST = {"n": 1, "truths_extraction_limit": 1, "max_retries": 1, "coeff": 0, "top_logprobs": 0}
_MOST = {"coeff": 1, "threshold": 1, "top_logprobs": 20}
_ABOVE_0 = ("beta",)


class OptionError(ConfigError):
    """One option of one scorer: `option` is its name."""

    def __init__(self, scorer: str, option: str, problem: str) -> None:
        super().__init__(f"scorers: {scorer}: {option}: {problem}")
        self.option = option


def metric_arguments(
    scorer: str, metric_class: Any, given: Mapping[str, Any], ours: Collection[str]
) -> dict[str, Any]:
    """`given` as the constructor of `metric_class` takes it, without the arguments in `ours`.

    Raises OptionError for an option that it does not have, that the evaluation itself sets, that
    YAML cannot hold, or whose value is of another form or out of bounds; and for a missing one.
    """
    parameters = {
        name: parameter
        for name, parameter in inspect.signature(metric_class.__init__).parameters.items()
        if name != "self" and parameter.kind is not parameter.VAR_KEYWORD
    }
    known = [name for name in parameters if name not in ours and not name.startswith("_")]
    missing = [
        name
        for name in known
        if parameters[name].default is inspect.Parameter.empty and name not in given
    ]
    if missing:
        raise OptionError(scorer, missing[0], "is missing")
    made: dict[str, Any] = {}
    for name, value in given.items():
        if name in ours:
            raise OptionError(scorer, name, "is set by the evaluation itself")
        if name not in known:
            options = ", ".join(n for n in known if holds_yaml(_annotation(metric_class, n)))
            hint = did_you_mean(name, known)
            raise OptionError(
                scorer, name, f"unknown option{hint}; the options are: {options or 'none'}"
            )
        made[name] = _made(scorer, name, _annotation(metric_class, name), value)
    return made


def _made(scorer: str, name: str, annotation: Any, value: Any) -> Any:
    if not holds_yaml(annotation):
        raise OptionError(scorer, name, "takes a Python object, which YAML cannot hold")
    try:
        # as JSON, in which a list may be a tuple and a word an enum's member, and "1" is no number
        text = json.dumps(value, allow_nan=False, default=str)
        made = TypeAdapter(annotation).validate_json(text, strict=True)
    except ValidationError as invalid:
        raise OptionError(scorer, name, _first(invalid)) from invalid
    except ValueError as invalid:  # NaN and infinity
        raise OptionError(scorer, name, f"{value!r} is no finite number") from invalid
    if isinstance(made, int | float) and not isinstance(made, bool):
        _require_bounds(scorer, name, made)
    return made


def _first(invalid: ValidationError) -> str:
    error = invalid.errors()[0]
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in error["loc"]]
    where = f"{''.join(parts).removeprefix('.')}: " if parts else ""
    message = error["msg"].removeprefix("Value error, ")
    return f"{where}{message[0].lower()}{message[1:]}, not {repr(error['input'])[:80]}"


def _require_bounds(scorer: str, name: str, number: float) -> None:
    if number < _LEAST.get(name, number):
        raise OptionError(scorer, name, f"{number:g} is less than {_LEAST[name]}")
    if number > _MOST.get(name, number):
        raise OptionError(scorer, name, f"{number:g} is more than {_MOST[name]}")
    if name in _ABOVE_0 and number <= 0:
        raise OptionError(scorer, name, f"{number:g} is not above 0")


def _annotation(metric_class: Any, name: str) -> Any:
    """The parameter's annotation; its text where it names what only type checkers import."""
    found = inspect.signature(metric_class.__init__).parameters[name].annotation
    if isinstance(found, str):
        module = inspect.getmodule(metric_class)
        try:
            found = eval(found, vars(module) if module else {})
        except NameError:
            return found
    return found


def holds_yaml(annotation: Any) -> bool:
    """Whether a YAML value can be, or say, all that is of this type."""
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        inner = tuple(field.annotation for field in annotation.model_fields.values())
        return all(map(holds_yaml, inner))
    if origin in (Union, types.UnionType, list, dict, tuple):
        return all(holds_yaml(each) for each in inner if each is not Ellipsis)
    is_word = isinstance(annotation, type) and issubclass(annotation, enum.Enum)
    return is_word or origin is Literal or annotation in _PLAIN
