"""What a user's function returned, as one verdict: plain Python values, whatever they came as.

numpy and pandas scalars, Decimal and Fraction are numbers, an Enum's member is its value, a list of
one Feedback is that Feedback, and a coroutine is awaited. What is no verdict says what it is.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import re
from collections.abc import Awaitable, Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any

from processing.base.secrets import without_own_secrets

if TYPE_CHECKING:
    from mlflow.entities import AssessmentSource, Feedback

_DEEPEST = 4
_NUMBER = re.compile(r"[+-]?\d{1,30}(\.\d{1,30})?([eE][+-]?\d{1,3})?", re.ASCII)
_LONGEST_ENTRY = 4_000
_NO_NUMBERS = ("datetime64", "timedelta64", "MaskedConstant", "MaskedArray")
"""numpy's, of which `item` would make a number that nobody meant."""

_WANTED = "return a number, a bool, yes or no, a level, or one Feedback"


class NoVerdictError(ValueError):
    """What was returned is no verdict."""


def feedback_of(returned: Any, name: str) -> Feedback:
    """The verdict under the scorer's name.

    Raises NoVerdictError for what is none, and whatever the value's own code raises.
    """
    from mlflow.entities import Feedback

    value = _one(_awaited(returned))
    if not isinstance(value, Feedback):
        return Feedback(name=name, value=_plain(value))
    if value.error is not None:
        said = value.error.error_message or value.error.error_code
        return Feedback(name=name, error=str(said or "its Feedback is an error"))
    return Feedback(
        name=name,
        value=_plain(value.value),
        rationale=_text(value.rationale),
        metadata=_metadata(value.metadata),
        source=_source(value.source),
    )


def as_number_or_bool(text: str) -> float | bool | None:
    """`text` where it is nothing but a number, or true or false; else None."""
    word = text.strip()
    if word.casefold() in ("true", "false"):
        return word.casefold() == "true"
    return float(word) if _NUMBER.fullmatch(word) else None


def _awaited(value: Any) -> Any:
    async def wait(for_: Awaitable[Any]) -> Any:
        return await for_

    if inspect.isawaitable(value):
        return asyncio.run(wait(value))
    if inspect.isgenerator(value) or inspect.isasyncgen(value):
        raise NoVerdictError(f"it is a generator, which has no value: {_WANTED}, and do not yield")
    return value


def _one(value: Any) -> Any:
    for _ in range(_DEEPEST):
        if not isinstance(value, list | tuple):
            return value
        if len(value) != 1:
            names = ", ".join(str(getattr(entry, "name", "")) for entry in value[:5]).strip(", ")
            named = f" ({names[:200]})" if names else ""
            raise NoVerdictError(
                f"it returned a {type(value).__name__} of {len(value)}{named}; one function gives "
                "one verdict: write one for each"
            )
        value = value[0]
    raise NoVerdictError(f"it returned lists in lists: {_WANTED}")


def _plain(value: Any, depth: int = 0) -> bool | int | float | str:
    value = _one(value)
    if isinstance(value, Enum) and depth < _DEEPEST:
        return _plain(value.value, depth + 1)
    for kind in (bool, str, int, float):  # a bool is an int, too
        if isinstance(value, kind):
            return kind(value)  # of a subclass, such as numpy's, the value itself
    own = type(value)
    if own.__name__ in _NO_NUMBERS:
        raise NoVerdictError(f"it returned a {own.__name__}, which is no number: {_WANTED}")
    if hasattr(own, "item") and depth < _DEEPEST:  # numpy, pandas, torch, jax: of one element
        item = value.item()
        if type(item) is not own:
            return _plain(item, depth + 1)
    if hasattr(own, "__float__"):  # Decimal, Fraction
        return float(value)
    what = "None" if value is None else f"a {own.__name__}"
    raise NoVerdictError(f"it returned {what}: {_WANTED}")


def _metadata(given: Any) -> dict[str, str] | None:
    if not given:
        return None
    entries = given if isinstance(given, Mapping) else {"metadata": given}
    return {str(key): (_text(entry) or "")[:_LONGEST_ENTRY] for key, entry in entries.items()}


def _text(value: Any) -> str | None:
    """A rationale in whatever form, without the keys that the job has."""
    text = _shown(value)
    return text and without_own_secrets(text)


def _shown(value: Any) -> str | None:
    """That it cannot be shown is no reason to lose the verdict."""
    if value is None or isinstance(value, str):
        return value and str(value)
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except Exception:  # noqa: BLE001 of its own __str__, or a dict's keys
        pass
    try:
        return str(value)
    except Exception:  # noqa: BLE001
        return f"a {type(value).__name__} that cannot be shown"


def _source(given: Any) -> AssessmentSource | None:
    from mlflow.entities import AssessmentSource

    if not isinstance(given, AssessmentSource):
        return None
    source_id = None if given.source_id is None else str(given.source_id)
    return AssessmentSource(source_type=str(given.source_type), source_id=source_id)
