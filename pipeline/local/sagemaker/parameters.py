"""Pipeline parameters: their declaration, and the values that one execution gives them.

StartPipelineExecution sends every value as a string; the declared type says what it becomes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_pascal

Value: TypeAlias = str | int | float | bool


class ParameterError(Exception):
    """A value that the parameter does not take, or a parameter without a value."""


class Parameter(BaseModel):
    """One entry of the definition's `Parameters`."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_pascal)

    name: str = Field(pattern=r"^[A-Za-z0-9\-_]{1,256}$")
    type: Literal["String", "Integer", "Float", "Boolean"]
    default_value: Any = None
    enum_values: list[Any] | None = None

    @model_validator(mode="after")
    def _default_fits(self) -> Parameter:
        if self.default_value is not None:
            try:
                self.accept(self.default_value)
            except ParameterError as error:
                raise ValueError(str(error)) from error
        return self

    def accept(self, value: Any) -> Value:
        """The value in the parameter's type. Raises ParameterError."""
        converted = self._convert(value)
        if self.enum_values is not None and converted not in self.enum_values:
            raise ParameterError(
                f"Parameter [{self.name}] has the value {value!r}, which is not one of "
                f"{self.enum_values}"
            )
        return converted

    def _convert(self, value: Any) -> Value:
        text = str(value)
        if self.type == "String" and isinstance(value, str):
            return value
        if self.type == "Boolean" and text.lower() in {"true", "false"}:
            return text.lower() == "true"
        if not isinstance(value, bool):
            if self.type == "Integer" and re.fullmatch(r"[+-]?\d+", text):
                return int(text)
            if self.type == "Float" and (number := _finite(text)) is not None:
                return number
        raise ParameterError(f"Parameter [{self.name}] is of type {self.type}, not {value!r}")


def resolve(parameters: Mapping[str, Parameter], given: list[dict[str, str]]) -> dict[str, Value]:
    """The value of every parameter: the given one, else its default. Raises ParameterError."""
    names = [entry["Name"] for entry in given]
    unknown = sorted(set(names) - set(parameters))
    if unknown:
        raise ParameterError(f"Parameters {unknown} are not defined in the pipeline definition")
    if len(set(names)) < len(names):
        raise ParameterError(f"Parameters are given more than once: {names}")
    values = {name: p.default_value for name, p in parameters.items()}
    values.update({entry["Name"]: entry["Value"] for entry in given})
    missing = sorted(name for name, value in values.items() if value is None)
    if missing:
        raise ParameterError(f"Parameters {missing} have no default value and were given no value")
    return {name: parameters[name].accept(value) for name, value in values.items()}


def _finite(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
