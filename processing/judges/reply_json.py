"""A judge's reply read as JSON. It is foreign text: it may quote the answer, or be no verdict.

No regular expression here backtracks: it would hold the interpreter for as long as the reply's
author likes.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from processing.base.clean_text import storable
from processing.base.reasoning_text import mentions_reasoning, split_reasoning
from processing.judges.verdict import JudgeError, malformed

LONGEST_REPLY = 1_000_000
"""Characters. No verdict is as long; what is longer is not looked at."""

_FENCE = "```"
_MOST_OBJECTS = 20
_BRACES = re.compile("[{}]")
_BEGINS_OBJECT = re.compile(r'\{\s*["}]')
_MARKUP = re.compile(r"```[A-Za-z]*|</?[A-Za-z]{1,20}>|[\s`*_>#()\[\]\"']+")


def read_reply(text: str, quotable: Sequence[str] = ()) -> Any:
    """The reply's JSON value: what the reply is, without a fence; else the one object that it has.

    An object is looked for among comments only once thoughts are left out. One that also stands in
    `quotable`, the row's own texts, is a quotation, and so is one in the middle of a sentence. A
    reply of a word or two and no object is given as it is.

    Raises JudgeError for anything else: two objects that differ, a key that stands twice in one
    (the answer could add the verdict that it wants), an object that cannot be read, thoughts alone,
    NaN, a number or a nesting that Python cannot read.
    """
    try:
        try:
            return _whole(text)
        except json.JSONDecodeError:  # there is more than JSON
            answer = _without_thoughts(text)
        try:
            return _whole(answer)
        except json.JSONDecodeError:
            return _one_value(answer, quotable)
    except ValueError as error:  # a key twice, NaN, or more digits than Python makes a number of
        raise malformed(f"no verdict, but {error}", text) from error
    except RecursionError as error:
        raise malformed("no verdict, but JSON nested too deeply", text) from error


def read_object(text: str) -> dict[str, Any]:
    """The JSON object that the text is. Raises JudgeError for anything else, as `read_reply`."""
    document = _read(_bare(text), text)
    if not isinstance(document, dict):
        raise malformed("no JSON object", text)
    return document


def read_single_keyed(body: bytes) -> Any:
    """A response's JSON. Raises JudgeError where a key stands twice, or for what cannot be read.

    For clients that read JSON themselves and keep the last of two values.
    """
    text = body.decode("utf-8", errors="replace")
    require_readable_length(text)
    return _read(text, text)


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
        return storable(_decode(text))
    except json.JSONDecodeError as error:
        raise malformed("no JSON", shown) from error
    except ValueError as error:  # a key twice, NaN, or more digits than Python makes a number of
        raise malformed(f"no verdict, but {error}", shown) from error
    except RecursionError as error:
        raise malformed("no verdict, but JSON nested too deeply", shown) from error


def _single_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        twice = next(key for key, times in Counter(k for k, _ in pairs).items() if times > 1)
        raise ValueError(f"the key {twice[:40]!r} twice in one object")
    return document


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name}, which is not a JSON value")


_decoder = json.JSONDecoder(
    strict=False, object_pairs_hook=_single_keys, parse_constant=_refuse_constant
)
_decode = _decoder.decode


def _bare(text: str) -> str:
    """The text without a byte order mark and without a fence around all of it."""
    stripped = text.removeprefix("\ufeff").strip()
    first, newline, rest = stripped.partition("\n")
    language = first.removeprefix(_FENCE).strip()
    opened = first.startswith(_FENCE) and (not language or language.isalpha())
    if not (opened and newline and rest.endswith(_FENCE)):
        return stripped
    return rest.removesuffix(_FENCE)


def _whole(text: str) -> Any:
    """The text as JSON; of a list of one that one, and of a text in JSON what is JSON in it."""
    document = storable(_decode(_bare(text)))
    if isinstance(document, list) and len(document) == 1 and isinstance(document[0], dict):
        return document[0]
    if isinstance(document, str) and document.lstrip().startswith("{"):
        return storable(_decode(document))
    return document


def _without_thoughts(text: str) -> str:
    """A verdict may quote the mark of a thought; that it does, marks none."""
    try:
        comments = _objects(text)[1]
    except JudgeError:
        comments = [text]  # the thoughts may have what cannot be read
    if not any(map(mentions_reasoning, comments)):
        return text
    answer = split_reasoning(text, anywhere=True)[1]
    if not answer.strip():
        raise malformed("only thoughts and no verdict", text)
    return answer


def _one_value(text: str, quotable: Sequence[str]) -> Any:
    """Raises JudgeError where the text has no verdict, or more than one."""
    found, comments = _objects(text)
    if not found:
        if _BRACES.search(text) or len(text) > _LONGEST_WORD:
            raise malformed("no JSON", text)
        return text.strip()
    if len({json.dumps(document, sort_keys=True) for *_, document in found}) > 1:
        raise malformed("two JSON objects that differ", text)
    if any(map(mentions_reasoning, comments)):
        raise malformed("thoughts that cannot be told from the verdict", text)
    start, end, document = found[0]
    if all(_in_a_sentence(text, *place) for *place, _ in found):
        raise malformed("no verdict, but a JSON object in the middle of a sentence", text)
    said = "".join(text[start:end].split())
    if any(said in "".join(each.split()) for each in quotable):
        raise malformed("no verdict, but a JSON object that it quotes", text)
    return storable(document)


_LONGEST_WORD = 200


def _objects(text: str) -> tuple[list[tuple[int, int, dict[str, Any]]], list[str]]:
    """Where each JSON object begins and ends, and the texts between them.

    Raises JudgeError for one that cannot be read, or stands in braces that are no JSON: an object
    within it could be taken for the verdict.
    """
    found: list[tuple[int, int, dict[str, Any]]] = []
    between: list[str] = []
    at = end = depth = 0
    while (brace := _BRACES.search(text, at)) and len(found) <= _MOST_OBJECTS:
        at = brace.end()
        if brace[0] == "}":
            depth = max(0, depth - 1)
            continue
        if not _BEGINS_OBJECT.match(text, brace.start()):
            depth += 1
            continue
        try:
            document, at = _decoder.raw_decode(text, brace.start())
        except json.JSONDecodeError as error:
            raise malformed("a JSON object that cannot be read", text) from error
        if depth:
            raise malformed("a JSON object within braces that are no JSON", text)
        found.append((brace.start(), at, document))
        between.append(text[end : brace.start()])
        end = at
    if len(found) > _MOST_OBJECTS:
        raise malformed(f"more than {_MOST_OBJECTS} JSON objects", text)
    return found, [*between, text[end:]]


def _in_a_sentence(text: str, start: int, end: int) -> bool:
    before = _MARKUP.sub(" ", text[:start].rpartition("\n")[2]).strip()
    after = _MARKUP.sub(" ", text[end:].partition("\n")[0]).strip()
    announced = before.endswith((":", "\uff1a")) and not after[:1].islower()
    return bool(before) and after[:1] not in ("", ".") and (not announced or after[0] in ",;")
