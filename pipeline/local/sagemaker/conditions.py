"""The condition types of a ConditionStep, and when they hold.

The list of conditions is ANDed. A comparison that makes no sense (null, NaN, a text against a
number, an order between texts) is an error, never true or false: a gate must not open by accident.
For the same reason every part of Or is evaluated, even after one that holds.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_pascal

Evaluate: TypeAlias = Callable[[Any], Any]


class ConditionError(Exception):
    """A comparison that has no answer."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_pascal)


class Comparison(_Part):
    type: Literal["Equals", "GreaterThan", "GreaterThanOrEqualTo", "LessThan", "LessThanOrEqualTo"]
    left_value: Any
    right_value: Any


class In(_Part):
    type: Literal["In"]
    query_value: Any
    values: list[Any]


class Not(_Part):
    type: Literal["Not"]
    condition: Condition


class Or(_Part):
    type: Literal["Or"]
    conditions: list[Condition]


Condition: TypeAlias = Annotated[Comparison | In | Not | Or, Field(discriminator="type")]


def all_hold(conditions: list[Condition], evaluate: Evaluate) -> bool:
    """Whether every condition holds. Raises ConditionError, and what `evaluate` raises."""
    answers = [holds(condition, evaluate) for condition in conditions]
    return all(answers)


def holds(condition: Condition, evaluate: Evaluate) -> bool:
    match condition:
        case Comparison():
            left, right = evaluate(condition.left_value), evaluate(condition.right_value)
            return _compare(condition.type, left, right)
        case In():
            query = evaluate(condition.query_value)
            answers = [_compare("Equals", query, evaluate(value)) for value in condition.values]
            return any(answers)
        case Not():
            return not holds(condition.condition, evaluate)
        case Or():
            answers = [holds(part, evaluate) for part in condition.conditions]
            return any(answers)


def _compare(operator: str, left: Any, right: Any) -> bool:
    kinds = (_kind(left), _kind(right))
    if kinds[0] != kinds[1]:
        raise ConditionError(
            f"{operator} cannot compare {left!r} ({kinds[0]}) with {right!r} ({kinds[1]})"
        )
    if operator == "Equals":
        return bool(left == right)
    if kinds[0] != "number":
        raise ConditionError(f"{operator} orders numbers, not {left!r} and {right!r} ({kinds[0]})")
    return bool(
        {
            "GreaterThan": left > right,
            "GreaterThanOrEqualTo": left >= right,
            "LessThan": left < right,
            "LessThanOrEqualTo": left <= right,
        }[operator]
    )


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "text"
    if isinstance(value, int | float):
        if math.isnan(value):
            raise ConditionError("a comparison with NaN has no answer")
        return "number"
    raise ConditionError(f"a condition cannot compare {value!r}")
