"""What a mistyped word was most likely meant to be."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """`, did you mean 'Correctness'?` as the end of a clause; empty if nothing is close."""
    close = difflib.get_close_matches(str(word), list(known), n=1)
    return f", did you mean {close[0]!r}?" if close else ""
