"""A judge's reply read as JSON. It is foreign text: it may quote the answer, or be no verdict.

No regular expression is used: one that backtracks would hold the interpreter for as long as the
reply's author likes.
"""

from __future__ import annotations

import json
from typing import Any

from processing.base.clean_text import storable
from processing.judges.verdict import JudgeError, malformed

LONGEST_REPLY = 1_000_000
"""Characters. No verdict is as long; what is longer is not looked at."""

_FENCE = "```"


def read_object(text: str) -> dict[str, Any]:
    """The JSON object that the reply is, without a Markdown fence around it or thoughts before it.

    Raises JudgeError for anything else: text around the object, a key that stands in it twice (the
    answer could add the verdict that it wants), NaN, a number or a nesting that Python cannot read.
    """
    document = _read(_unfenced(_after_thoughts(text)), text)
    if not isinstance(document, dict):
        raise malformed("no JSON object", text)
    return document


def require_single_keys(body: bytes) -> None:
    """Raises JudgeError for a response in which a key stands twice, or that cannot be read.

    For clients that read JSON themselves and keep the last of two values.
    """
    text = body.decode("utf-8", errors="replace")
    require_readable_length(text)
    _read(text, text)


def require_readable_length(text: str) -> None:
    """Raises JudgeError for a reply of more than LONGEST_REPLY characters."""
    if len(text) > LONGEST_REPLY:
        raise JudgeError(
            f"the judge answered {len(text):,} characters, more than the {LONGEST_REPLY:,} that "
            "are read: lower judge.parameters.max_tokens",
            retryable=False,
        )


def _read(text: str, shown: str) -> Any:
    try:
        return storable(_decode(text.removeprefix("\ufeff")))
    except json.JSONDecodeError as error:
        raise malformed("no JSON", shown) from error
    except ValueError as error:  # a key twice, NaN, or more digits than Python makes a number of
        raise malformed(f"no verdict, but {error}", shown) from error
    except RecursionError as error:
        raise malformed("no verdict, but JSON nested too deeply", shown) from error


def _single_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twice[:40]!r} twice in one object")
    return document


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name}, which is not a JSON value")


_decode = json.JSONDecoder(
    strict=False, object_pairs_hook=_single_keys, parse_constant=_refuse_constant
).decode


def _after_thoughts(text: str) -> str:
    """What follows the `<think>` block that servers leave in the text of some models.

    The block ends where it first closes: a thought that quotes an answer may close it too early,
    and what follows is then no JSON.
    """
    stripped = text.lstrip()
    _, closed, rest = stripped.partition("</think>")
    return rest if stripped.startswith("<think>") and closed else text


def _unfenced(text: str) -> str:
    """What stands between a first line ```` ```json ```` and a last ```` ``` ````."""
    stripped = text.strip()
    first, newline, rest = stripped.partition("\n")
    language = first.removeprefix(_FENCE).strip()
    opened = first.startswith(_FENCE) and (not language or language.isalpha())
    if not (opened and newline and rest.endswith(_FENCE)):
        return stripped
    return rest.removesuffix(_FENCE)
