"""Rows that belong together, as those on one document: their errors come together.

A hundred rows on ten documents say less than a hundred on a hundred: intervals that take them for
independent cover 66 % instead of 95 % (ten rows a document, intraclass correlation 0.3).
Miller, "Adding error bars to evals", arXiv 2411.00640, section 2.2; Cameron and Miller, Journal of
Human Resources 50 (2015) 317-372.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Clusters = Sequence[str]
"""For each row what it belongs to; rows with the same text belong together."""


@dataclass(frozen=True)
class RowClusters:
    """What the rows with a number belong to, in their order, and those without one."""

    valued: Clusters
    missing: Clusters = ()


@dataclass(frozen=True)
class Collapsed:
    """Each cluster's mean and its share of the rows, by size and then by mean."""

    means: NDArray[np.float64]
    shares: NDArray[np.float64]

    @property
    def effective(self) -> float:
        """So many clusters of one size would weigh as much (Kish, Survey Sampling, 1965, 11.7)."""
        return float(1 / (self.shares**2).sum())


def collapsed(values: Sequence[float], clusters: Clusters | None) -> Collapsed:
    """Without `clusters` each row is one of its own."""
    import numpy as np

    rows = np.asarray(values, dtype=float)
    if clusters is None:
        return Collapsed(np.sort(rows), np.full(rows.size, 1 / rows.size))
    _, member = np.unique(np.asarray(clusters), return_inverse=True)
    sizes = np.bincount(member)
    means = np.bincount(member, rows) / sizes
    order = np.lexsort((means, sizes))
    return Collapsed(means[order], sizes[order] / rows.size)


def weighted(values: Sequence[float], weights: Sequence[float]) -> Collapsed:
    """Each row as a cluster as large as its weight."""
    import numpy as np

    means, shares = np.asarray(values, dtype=float), np.asarray(weights, dtype=float)
    order = np.lexsort((means, shares))
    return Collapsed(means[order], shares[order] / shares.sum())


def clustered_error(values: Sequence[float], clusters: Clusters) -> float:
    """The standard error of the mean of at least two clusters (CR1 for a mean).

    Cameron and Miller, section II.B; `statsmodels`' `cov_type="cluster"` on a constant, which has
    the factor G/(G-1) * (n-1)/(n-1).
    """
    import numpy as np

    rows = np.asarray(values, dtype=float)
    _, member = np.unique(np.asarray(clusters), return_inverse=True)
    sums = np.bincount(member, rows - rows.mean())
    return float(math.sqrt(sums.size / (sums.size - 1) * (sums**2).sum()) / rows.size)


FEWEST_FOR_BOOTSTRAP = 10
"""Clusters with a number; of fewer the bootstrap says too little of how much they differ."""


def bootstrapped(
    values: Sequence[float], clusters: Clusters, percent: float, confidence: float, seed: int
) -> tuple[float | None, float | None]:
    """A percentile's interval by the Bayesian bootstrap of clusters; None where it has no end.

    Each cluster has one exponential weight in each draw (Rubin, Annals of Statistics 9 (1981)
    130-134), which depends on its name alone. So no value that grows, and no further row that is
    infinite, makes an end smaller; an ordinary cluster bootstrap (Field and Welsh, Journal of the
    Royal Statistical Society B 69 (2007) 369-390) draws anew when a cluster is added.
    """
    import numpy as np

    rows = np.asarray(values, dtype=float)
    names, member = np.unique(np.asarray(clusters), return_inverse=True)
    if np.unique(member[np.isfinite(rows)]).size < FEWEST_FOR_BOOTSTRAP:
        return None, None
    order = np.argsort(rows, kind="stable")
    rows, member = rows[order], member[order]
    draws = max(199, min(1_999, 40_000_000 // rows.size))
    seeds = ([seed, zlib.crc32(str(name).encode())] for name in names)
    weights = np.stack([np.random.default_rng(each).standard_exponential(draws) for each in seeds])
    found = np.empty(draws)
    for draw in range(draws):
        passed = np.cumsum(weights[member, draw])
        found[draw] = rows[np.searchsorted(passed, percent / 100 * passed[-1])]
    found.sort()
    rank = math.floor((1 - confidence) / 2 * (draws + 1)) - 1
    low, high = float(found[rank]), float(found[-1 - rank])
    return (low if math.isfinite(low) else None, high if math.isfinite(high) else None)
