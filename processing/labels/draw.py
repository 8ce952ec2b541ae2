"""Which rows people are asked to label: a random draw, with the probability of each row."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Mapping

Stratum = tuple[str, ...]

LEAST = 2
"""Rows of each stratum; with one nobody sees how rows of it differ."""


def drawn_rows(strata: Mapping[str, Stratum], rows: int, seed: int) -> dict[str, float]:
    """Row id -> the probability with which it was drawn, in a random order.

    `strata`: row id -> what it has in common with others, the most important first. Each stratum
    gives as large a part of its rows as any other, and at least LEAST. Where `rows` are too few
    for so many strata, the last part of each is left out, and so on. One over the probabilities
    comes to all rows. The same seed draws the same rows.
    """
    parts = max(map(len, strata.values()), default=0)
    while parts and LEAST * len({stratum[:parts] for stratum in strata.values()}) > rows:
        parts -= 1
    groups: dict[Stratum, list[str]] = defaultdict(list)
    for row_id in sorted(strata):
        groups[strata[row_id][:parts]].append(row_id)
    shares = _shares({stratum: len(ids) for stratum, ids in groups.items()}, rows)
    chance = random.Random(seed)
    drawn = [
        (row_id, shares[stratum] / len(ids))
        for stratum, ids in sorted(groups.items())
        for row_id in chance.sample(ids, shares[stratum])
    ]
    chance.shuffle(drawn)
    return dict(drawn)


def _shares(sizes: Mapping[Stratum, int], rows: int) -> dict[Stratum, int]:
    """How many rows of each stratum, in proportion to its size by the largest remainders."""
    total = sum(sizes.values())
    wanted = min(rows, total)
    exact = {stratum: wanted * size / total for stratum, size in sizes.items()}
    least = {stratum: min(LEAST, size, wanted) for stratum, size in sizes.items()}
    found = {stratum: max(math.floor(exact[stratum]), least[stratum]) for stratum in sizes}
    while sum(found.values()) > max(wanted, sum(least.values())):
        spare = [stratum for stratum in sizes if found[stratum] > least[stratum]]
        found[max(spare, key=lambda stratum: (found[stratum] - exact[stratum], stratum))] -= 1
    while sum(found.values()) < wanted:
        room = [stratum for stratum in sizes if found[stratum] < sizes[stratum]]
        found[max(room, key=lambda stratum: (exact[stratum] - found[stratum], stratum))] += 1
    return found
