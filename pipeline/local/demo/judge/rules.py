"""What a rule of the demo judge is, and the measures that the rules share.

Each framework's prompts have a room of their own: demo_verdicts_{mlflow, guidelines, template,
deepeval, ragas}; demo_verdicts asks them in turn.
"""

import ast
import contextlib
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal

from pipeline.local.demo.judge.phrases import FILLER_PHRASES
from pipeline.local.demo.text import sentences, terms, words

RELEVANCE_CUT = 0.3
_TAG_WORDS = 6
_CODE = re.compile(r"^```.*?(?:^```[^\n]*$|\Z)", re.DOTALL | re.MULTILINE)


class UnknownPrompt(Exception):
    """No rule recognises the prompt, or what it asks of a rule cannot be judged."""


@dataclass(frozen=True)
class JudgeRequest:
    """What one judge call asks, however it came over the wire.

    schema: the JSON schema that the verdict must fit; None if the prompt alone describes it.
    """

    system: str
    prompt: str
    schema: dict[str, Any] | None = None


def _untagged(_match: re.Match[str], _request: JudgeRequest) -> str:
    return ""


@dataclass(frozen=True)
class Rule:
    """A judge prompt and its verdict.

    pattern is searched in the prompt (or in the system text) from its start; decide gets the match
    and the whole request and returns the verdict document, such as
    {"result": "yes", "rationale": "..."}, or raises UnknownPrompt.
    label tells apart scorers that share this prompt: see `tag`.
    """

    name: str
    pattern: re.Pattern[str]
    decide: Callable[[re.Match[str], JudgeRequest], dict[str, Any]]
    label: Callable[[re.Match[str], JudgeRequest], str] = _untagged
    where: Literal["prompt", "system"] = "prompt"

    def match(self, request: JudgeRequest) -> re.Match[str] | None:
        return self.pattern.match(request.system if self.where == "system" else request.prompt)

    def kind(self, match: re.Match[str], request: JudgeRequest) -> str:
        """What the call log counts the answer under: the name, and the label if there is one."""
        return f"{self.name} {self.label(match, request)}".strip()


def opening(first_words: str, body: str) -> re.Pattern[str]:
    """A prompt with these first words; greedy groups in body keep tags inside an answer in it."""
    return re.compile(rf"\s*{re.escape(first_words)}.*?{body}", re.DOTALL)


def tag(text: str) -> str:
    """Eight digits of the text's SHA-256 and its first six words: `1f0c2d3e Keep it short`.

    A test can compute it from the configured text; any change of the text changes it.
    """
    first_words = " ".join(re.findall(r"[\w'-]+", text)[:_TAG_WORDS])
    return f"{sha256(text.encode()).hexdigest()[:8]} {first_words}"


def yes_no(passed: bool, rationale: str) -> dict[str, Any]:
    return {"result": "yes" if passed else "no", "rationale": said(rationale)}


def said(reason: str) -> str:
    """The reason, marked as no model's."""
    return f"demo judge: {reason}"


def last_turn(value: Any) -> str | None:
    """What the user said last in a conversation, which stands where a question does; else None."""
    if not (isinstance(value, list) and value and all(isinstance(turn, dict) for turn in value)):
        return None
    said = [turn.get("content") for turn in value if turn.get("role") == "user"]
    return str(said[-1]) if said else None


def plain(text: str) -> str:
    """The values of a dict or list that a framework printed into the prompt; other text as is.

    Of a conversation it is the user's last turn.
    """
    if text.lstrip().startswith('[{"role"'):
        with contextlib.suppress(ValueError):
            return last_turn(json.loads(text)) or text
    try:
        value = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text
    return values(value) if isinstance(value, dict | list) else text


def values(value: Any) -> str:
    """All values inside dicts and lists, as one text."""
    match value:
        case dict():
            return " ".join(map(values, value.values()))
        case list():
            return " ".join(map(values, value))
        case _:
            return str(value)


def prose(text: str) -> str:
    """The text without its fenced code: what stands in code is no tone and no sentence."""
    return _CODE.sub("", text)


def found(phrases: Iterable[str], text: str) -> list[str]:
    """The phrases that the text holds, whatever its case and punctuation."""
    flat = " ".join(words(text))
    return [phrase for phrase in phrases if re.search(rf"\b{phrase}\b", flat)]


def fillers(text: str) -> list[str]:
    """The sentences that hold a filler phrase."""
    return [sentence for sentence in sentences(text) if found(FILLER_PHRASES, sentence)]


@dataclass(frozen=True)
class Coverage:
    """How many different words of one text, stemmed and without stop words, are in another."""

    shared: int
    wanted: int

    @property
    def share(self) -> float:
        """0.0 if nothing was wanted: no words are no evidence."""
        return self.shared / self.wanted if self.wanted else 0.0

    def __str__(self) -> str:
        return f"{self.shared} of {self.wanted}"


def coverage(wanted: str, text: str) -> Coverage:
    asked = set(terms(wanted))
    return Coverage(len(asked & set(terms(text))), len(asked))
