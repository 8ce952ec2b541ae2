"""A text's words in every language, by Unicode's word boundaries (UAX #29) as `regex` finds them.

Scripts in which only a dictionary knows where a word ends (Chinese, Japanese, Thai, Lao, Khmer,
Burmese), and Korean, whose words carry their particles, are read character by character, as ROUGE
for these languages is. A character is what a reader sees as one: a grapheme cluster.

In plain ASCII the words are those of Google's rouge-score: runs of letters and digits.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator
from typing import Any

import regex

from processing.base.clean_text import normalized

_BOUNDARY: Any = regex.compile(r"(?w)\b")
_GRAPHEME: Any = regex.compile(r"\X")
_BY_CHARACTER: Any = regex.compile(
    r"[\p{Ideographic}\p{scx=Hiragana}\p{scx=Katakana}\p{Hangul}\p{Line_Break=Complex_Context}]"
)
_KOREAN: Any = regex.compile(r"\p{Hangul}")
# format characters join (ZWNJ in Persian, soft hyphens) and are no letters themselves
_WORD_OR_SIGN: Any = regex.compile(r"[\p{L}\p{M}\p{N}\p{Cf}]+|\S")
_LETTER: Any = regex.compile(r"[\p{L}\p{N}]")
_FORMAT: Any = regex.compile(r"\p{Cf}")
# to pair up the halves of flags, `regex` counts from where they begin, for each of them
_MANY_FLAGS: Any = regex.compile(r"(\p{Regional_Indicator}{32})")


def words(text: str, symbols: Collection[str] = ()) -> list[str]:
    """The words of `text`, caseless: equal words are equal strings. [] if there are none.

    Punctuation, symbols and emoji are no words, but for those among `symbols`.
    """
    return [
        _FORMAT.sub("", word)
        for piece in _pieces(caseless(text))
        for word in _WORD_OR_SIGN.findall(piece)
        if word in symbols or _LETTER.search(word)
    ]


def caseless(text: str) -> str:
    """Case-folded and in normal form C (Unicode, chapter 3.13: canonical caseless matching)."""
    if text.isascii():
        return text.lower()
    return normalized("NFC", normalized("NFD", text).casefold())


def word_count(text: str) -> int:
    """How long a text is: what white space separates, as word processors count.

    In scripts without spaces between words each character counts.
    """
    return sum(map(_words_in, text.split()))


def spaced(text: str) -> str:
    """`text` for a tokenizer of ASCII: a space on either side of each character that is a word of
    its own, and of each sign that is neither letter nor ASCII.
    """
    if text.isascii():
        return text
    return "".join(
        f" {piece} " if not piece.isascii() and _stands_alone(piece) else piece
        for piece in _pieces(text)
    )


def is_by_character(text: str) -> bool:
    """Whether any of `text` is in a script that is read character by character."""
    return bool(_BY_CHARACTER.search(text))


def _pieces(text: str) -> Iterator[str]:
    """`text` in pieces, nothing left out: UAX #29's segments, or their characters."""
    if text.isascii():
        yield text
        return
    parts = _MANY_FLAGS.split(text) if _MANY_FLAGS.search(text) else [text]
    for segment in itertools.chain.from_iterable(map(_BOUNDARY.split, parts)):
        if _BY_CHARACTER.search(segment):
            yield from _GRAPHEME.findall(segment)
        elif segment:
            yield segment


def _stands_alone(piece: str) -> bool:
    return bool(_BY_CHARACTER.search(piece)) or not _LETTER.search(piece)


def _words_in(chunk: str) -> int:
    if _BY_CHARACTER.search(_KOREAN.sub("", chunk)):  # Korean has spaces
        return len(words(chunk)) or 1
    return 1
