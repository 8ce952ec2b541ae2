"""A judge's verdict in the form that it was asked for, where it is plain what is meant.

"Yes.", "**yes**", true and 1 are yes where yes and no can be; `Result` is `result`; no rationale is
an empty one. What is not plain stays as it is, and does not pass the check that follows.
"""

from __future__ import annotations

import json
import types
from collections.abc import Iterable, Mapping
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from processing.judges.verdict import malformed

_AROUND = " \t\r\n.*\"'`_!\u3002\u201c\u201d"
_YES, _NO = ("yes", "true", "1"), ("no", "false", "0")
_REASONS = frozenset({"rationale", "reason", "feedback", "explanation"})
_RESULT = "result"
_BINARY = frozenset({"verdict", "attributed"})
"""Fields of RAGAS's forms that are 0 or 1; its other numbers are ratings."""

_ANSWERS = {"AnswersGenerated": ("0", "1"), "Answers": ("no", "yes")}
"""The forms of RAGAS and DeepEval that answer questions, and what an answer can be."""


def fitted(document: Any, schema: type[BaseModel]) -> dict[str, Any]:
    """The document with the schema's keys and words. A word alone is the `result`.

    Raises JudgeError for what is no object, and for one that says two things under one key, such
    as `Result` and `result`.
    """
    if _RESULT in schema.model_fields and isinstance(document, str | bool | int | float):
        document = {_RESULT: document}
        if _choice(document[_RESULT], _words_of(schema)) is None:
            raise malformed("no JSON", str(document[_RESULT]))
    if not isinstance(document, dict):
        raise malformed("no JSON object", _shown(document))
    told = dict(document)
    for name, field in schema.model_fields.items():
        key = _key(told, name)
        if key is not None:
            told[name] = _value(told.pop(key), name, field.annotation, schema)
    return told


def plain_word(value: object, words: Iterable[str]) -> str | None:
    """Which of the words the value plainly says; None if none."""
    chosen: str | None = _choice(value, {_word(word): word for word in words})
    return chosen


def _words_of(schema: type[BaseModel]) -> dict[str, Any]:
    options = _options(schema.model_fields[_RESULT].annotation)
    return options or {"yes": "yes", "no": "no"}


def _key(told: Mapping[str, Any], name: str) -> str | None:
    """Under which key the document has the field; None if under none."""
    keys = [key for key in told if key.strip(_AROUND).casefold() == name.casefold()]
    if len({_shown(told[key]) for key in keys}) > 1:
        raise malformed(f"two values of {name}, which differ", _shown(told))
    return name if name in told else keys[0] if keys else None


def _value(value: Any, name: str, annotation: Any, schema: type[BaseModel]) -> Any:
    wanted = _without_none(annotation)
    if options := _options(wanted):
        chosen = _choice(value, options)
        return value if chosen is None else chosen
    if get_origin(wanted) is list and isinstance(value, list):
        return [_item(each, get_args(wanted)[0], schema) for each in value]
    if wanted is str:
        return _text(value, name)
    if wanted in (int, float, bool):
        return _number(value, wanted, name)
    return value


def _item(value: Any, wanted: Any, schema: type[BaseModel]) -> Any:
    if isinstance(wanted, type) and issubclass(wanted, BaseModel) and isinstance(value, dict):
        return fitted(value, wanted)
    if schema.__name__ in _ANSWERS:
        chosen = plain_word(value, _ANSWERS[schema.__name__])
        return value if chosen is None else chosen
    return value


def _text(value: Any, name: str) -> Any:
    if name == _RESULT:
        return value if isinstance(value, str) else _word(value)
    if name in _REASONS and not isinstance(value, str):
        return "" if value is None else _shown(value)
    return value


def _number(value: Any, wanted: type, name: str) -> Any:
    if name in _BINARY or wanted is bool:
        chosen = plain_word(value, ("0", "1"))
        return value if chosen is None else bool(int(chosen)) if wanted is bool else int(chosen)
    if isinstance(value, bool):
        return _word(value)  # else it would count as the rating 1 or 0
    return value.strip(_AROUND) if isinstance(value, str) else value


def _choice(value: object, options: Mapping[str, Any]) -> Any:
    """The option that the value plainly is; None if none."""
    word = _word(value)
    if word in options:
        return options[word]
    for same, others in ((_YES, _NO), (_NO, _YES)):
        poles = [each for each in same if each in options]
        opposite = [each for each in others if each in options]
        as_words = word not in ("0", "1") and poles != [same[-1]]
        if word in same and len(poles) == len(opposite) == 1 and (len(options) == 2 or as_words):
            return options[poles[0]]
    return None


def _options(annotation: Any) -> dict[str, Any]:
    """The values that can be, by their words; empty where there is no closed set of them."""
    if get_origin(annotation) is not Literal:
        return {}
    values = get_args(annotation)
    options = {_word(getattr(each, "value", each)): each for each in values}
    return options if len(options) == len(values) else {}


def _without_none(annotation: Any) -> Any:
    if get_origin(annotation) in (Union, types.UnionType):
        others = [each for each in get_args(annotation) if each is not type(None)]
        return others[0] if len(others) == 1 else annotation
    return annotation


def _word(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(int(value) if isinstance(value, float) and value.is_integer() else value)
    return value.strip(_AROUND).casefold() if isinstance(value, str) else ""


def _shown(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
