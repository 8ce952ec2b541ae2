"""Words, stems and stop words for the demo endpoint and the demo judge.

A light stemmer of our own: nltk's Porter stemmer is better but takes seconds to import, and the
demo servers must be up at once.
"""

import re
from functools import cache

_WORD = re.compile(r"[a-z0-9]+")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
_SHORTEST_STEM = 3
_SUFFIXES = (
    ("iness", "i"),
    ("ies", "y"),
    ("ing", ""),
    ("ness", ""),
    ("ed", ""),
    ("ly", ""),
    ("es", ""),
    ("s", ""),
)

STOP_WORDS = frozenset(
    _WORD.findall(
        """a about above after all also an and any are as at away be because been before being below
    both but by can could did do does doing down during each else few for from get gets getting had
    has have having he her here hers him his how i if in into is it its itself just let make makes
    many may me might more most much must my no nor not of off on once one only or other our out
    over own same she should so some somebody someone such than that the their them then there
    these they this those through to too under until up upon us very was we were what when where
    which while who whom whose why will with within without would you your yours"""
    )
)


def words(text: str) -> list[str]:
    """Lower-case words and numbers, in order; punctuation is dropped."""
    return _WORD.findall(text.lower())


@cache
def stem(word: str) -> str:
    """The word without its inflection: `sleeping`, `sleeps` and `sleep` become one."""
    for suffix, replacement in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= _SHORTEST_STEM:
            word = word[: -len(suffix)] + replacement
            break
    if len(word) > _SHORTEST_STEM and word[-1] == word[-2]:
        word = word[:-1]
    if len(word) > _SHORTEST_STEM and word.endswith("e"):
        word = word[:-1]
    return word[:-1] + "i" if word.endswith("y") else word


def terms(text: str) -> list[str]:
    """Stems of the words that carry meaning, in order, repeats kept."""
    return [stem(word) for word in words(text) if word not in STOP_WORDS]


def sentences(text: str) -> list[str]:
    return [part for part in _SENTENCE_END.split(text.strip()) if part]


def count_tokens(text: str) -> int:
    """Words and punctuation marks: the unit in which the demo servers report usage."""
    return len(re.findall(r"\w+|[^\w\s]", text))
