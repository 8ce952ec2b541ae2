"""The reason that most failures share: it is what has to be mended first."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

LONGEST = 200
"""Characters of it that are shown."""


@dataclass(frozen=True)
class FrequentError:
    """`text` is one of `count` reasons that differ in numbers and quoted words at most."""

    count: int
    text: str

    def __str__(self) -> str:
        return f"{self.count} {'time' if self.count == 1 else 'times'}: {self.text}"


def most_frequent(reasons: Iterable[str]) -> FrequentError | None:
    """None where there are none; of equally frequent ones the first."""
    groups: dict[str, list[str]] = {}
    for reason in reasons:
        groups.setdefault(_alike(reason), []).append(reason)
    if not groups:
        return None
    group = max(groups.values(), key=len)
    text = " ".join(group[0].split())
    return FrequentError(len(group), text if len(text) <= LONGEST else f"{text[:LONGEST]}...")


def _alike(reason: str) -> str:
    without_quotes = re.sub(r"'[^']*'|\"[^\"]*\"", "''", reason)
    return re.sub(r"\d+(\.\d+)?", "0", without_quotes)
