"""Where a model's prompt cache can serve a judge: after what a scorer's prompts begin with alike.

Source: Bedrock user guide, "Prompt caching for faster model inference". A cachePoint ends the part
that is to be cached, which must be the same to the letter and, by model, 1,024 to 4,096 tokens
long; a shorter one is taken and caches nothing. What is cached costs more to write (a quarter more,
with Anthropic) and a tenth to read, so that a part is worth it only if it comes again.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

LEAST_CHARACTERS = 3_072
"""No model caches fewer than 1,024 tokens, and these are hardly ever shorter than 3 characters."""

PROMPTS_SEEN = 3
"""So many prompts have to begin alike before a part is sent to be cached."""

_FAMILY_CHARACTERS = 200
_MOST_FAMILIES = 500

Texts = Sequence[tuple[str, str]]
"""A prompt's messages in the order in which the model reads them: role and text."""


@dataclass(frozen=True)
class Split:
    """The cached part: so many whole messages, and so many characters of the next one."""

    messages: int
    characters: int


@dataclass
class _Family:
    """What its prompts begin with alike: whole messages, and the beginning of the next one."""

    whole: Texts
    beginning: str = ""
    seen: int = 1

    def learn(self, texts: Texts) -> None:
        alike = 0
        for one, other in zip(self.whole, texts, strict=False):
            if one != other:
                break
            alike += 1
        there = texts[alike] if alike < len(texts) else ("", "")
        if alike == len(self.whole):
            self.beginning = _beginning(self.beginning, there[1])
        else:
            role, text = self.whole[alike]
            self.beginning = _beginning(text, there[1]) if role == there[0] else ""
        self.whole = self.whole[:alike]
        self.seen += 1

    def split(self, messages: int) -> Split | None:
        """At the end of a message or of a line: words that rows happen to share stay outside.

        `messages`: how many a prompt has; the last of them is never cached as a whole.
        """
        whole, part = len(self.whole), self.beginning.rfind("\n") + 1
        if whole == messages:
            whole, part = whole - 1, 0
        length = part + sum(len(text) for _, text in self.whole[:whole])
        return Split(whole, part) if length >= LEAST_CHARACTERS else None


@dataclass
class SharedPrefixes:
    """Learns from the prompts of one model what they begin with alike. Safe between threads.

    Prompts are of one family if they ask for the same schema and begin with the same words; what
    all of a family have in common only ever gets shorter.
    """

    _families: dict[tuple[str, str, str], _Family] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def split(self, schema: str, texts: Texts) -> Split | None:
        """Where the prompt's cached part ends; None where nothing long enough is known to recur."""
        if sum(len(text) for _, text in texts) < LEAST_CHARACTERS:
            return None
        role, first = texts[0]
        key = (schema, role, first[:_FAMILY_CHARACTERS])
        with self._lock:
            known = self._families.get(key)
            if known is None:
                if len(self._families) < _MOST_FAMILIES:
                    self._families[key] = _Family(list(texts))
                return None
            known.learn(texts)
            return known.split(len(texts)) if known.seen > PROMPTS_SEEN else None


def _beginning(one: str, other: str) -> str:
    if other.startswith(one):
        return one
    differ = (
        place for place, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]
    )
    return one[: next(differ, len(other))]
