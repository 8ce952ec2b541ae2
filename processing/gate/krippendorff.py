"""Krippendorff's alpha: how far several judges agree beyond what chance gives.

Source: K. Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), whose examples are in
the tests. 1 is perfect agreement, 0 that of verdicts drawn at random, below 0 is worse than that.
Rows on which a judge has no verdict count with the others', those with fewer than two not at all.

The difference between two verdicts is the square of theirs (interval data). For yes and no, as 1
and 0, that is the nominal difference. Both sums of squares are made of each row's number, sum and
sum of squares of verdicts, so that a bootstrap needs these three alone.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DRAWS, SEED = 1000, 7
FEWEST_DEFINED = 0.95
"""Share of the draws; where more have no two different verdicts, the interval is not known."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Alpha:
    """`value` is None where all verdicts are the same, or no row has two. `n`: rows that count.

    `low` to `high`: its 95 % interval over draws of rows, or of what they belong to.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int

    def words(self) -> str:
        if self.value is None:
            return "alpha not defined, since " + (
                "all verdicts are the same" if self.n else "no row has two verdicts"
            )
        known = self.low is not None and self.high is not None
        interval = f" ({self.low:.2f} to {self.high:.2f})" if known else ""
        return f"alpha {self.value:.2f}{interval}"


def krippendorff_alpha(
    rows: Sequence[Sequence[float | None]], clusters: Sequence[Hashable] | None = None
) -> Alpha:
    """`rows`: each one's verdicts, None where a judge has none. `clusters`: what each row is of.

    Kept: report, record, model card and MLflow each ask for the same one, with its bootstrap.
    """
    return _known_alpha(tuple(map(tuple, rows)), tuple(clusters) if clusters else None)


@functools.lru_cache(maxsize=64)
def _known_alpha(
    rows: tuple[tuple[float | None, ...], ...], clusters: tuple[Hashable, ...] | None
) -> Alpha:
    places: dict[Hashable, int] = {}
    groups: list[int] = []
    sums: list[tuple[float, float, float, float]] = []
    for index, row in enumerate(rows):
        given = [float(number) for number in row if number is not None]
        if len(given) < 2:
            continue
        total, squares = math.fsum(given), math.fsum(number**2 for number in given)
        within = 2 * (len(given) * squares - total**2) / (len(given) - 1)
        cluster = clusters[index] if clusters else index
        groups.append(places.setdefault(cluster, len(places)))
        sums.append((float(len(given)), total, squares, max(within, 0.0)))
    if not sums:
        return Alpha(None, None, None, 0)
    grouped = np.zeros((len(places), 4))
    np.add.at(grouped, groups, np.array(sums))
    value = float(_alpha(grouped.sum(axis=0)[None, :])[0])
    if math.isnan(value):
        return Alpha(None, None, None, len(sums))
    low, high = _interval(grouped)
    return Alpha(value, low, high, len(sums))


def _alpha(sums: Floats) -> Floats:
    """sums: (draws, 4), of n, x, x squared, and the differences within rows. NaN: not defined."""
    n, total, squares, within = sums.T
    differences = 2 * (n * squares - total**2)
    defined = differences > 1e-9 * np.maximum(n * squares, 1e-300)
    return np.where(defined, 1 - (n - 1) * within / np.where(defined, differences, 1), np.nan)


def _interval(grouped: Floats) -> tuple[float | None, float | None]:
    """Percentiles of a bootstrap. None where fewer than two groups leave nothing to draw."""
    if len(grouped) < 2:
        return None, None
    random = np.random.default_rng(SEED)
    count = len(grouped)
    weights = (random.multinomial(count, np.full(count, 1 / count)) for _ in range(DRAWS))
    drawn = _alpha(np.array([weight @ grouped for weight in weights]))
    found = drawn[~np.isnan(drawn)]
    if len(found) < FEWEST_DEFINED * DRAWS:
        return None, None
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)
