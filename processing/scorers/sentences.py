"""How many sentences a text has at least: enough to see that a judge has not gone through them.

Where a sentence ends is not always plain ("Dr. Smith", "etc."), so a full stop after a short word
ends none, and a piece of one or two words is none.
"""

from __future__ import annotations

from typing import Any

import regex

from processing.scorers.words import words

_END: Any = regex.compile(r"(?<=[\p{L}\p{N}]{4}\.|[!?…؟۔।])\s+|(?<=[。！？｡])|\n+")  # noqa: RUF001 CJK full stops
_LEAST_WORDS = 3


def too_few(verdicts: int, text: str) -> str | None:
    """What is wrong with so many verdicts on the sentences of `text`; None if they may be all.

    A judge may take two sentences as one, so that half of them are enough.
    """
    sentences = sum(len(words(piece)) >= _LEAST_WORDS for piece in _END.split(text))
    if 2 * verdicts >= sentences:
        return None
    return f"{verdicts} verdicts on {sentences} sentences of the expected answer"
