"""The mean of numbers on a scale: an interval whose ends fall with every number that falls.

Student's t and the bootstrap lack that: one score that gets worse changes what they see of the
spread, and may raise the lower end; and numbers that are all the same have no width. Here each end
is the sharper one of two that are honest and monotone:

- Wilson's score interval with k = sum((x - low) / (high - low)). No numbers on the scale with that
  mean vary more than yes and no do; for those it is Wilson's own.
- Gaffke's bound: the quantile of sum(W_i x_i), the scale's end among the x and the weights W
  uniform on the simplex. It narrows with the spread; for yes and no it is Clopper and Pearson's.
  Gaffke, Mathematical Methods of Statistics 14 (2005) 451-467; Learned-Miller and Thomas,
  arXiv 1905.06208. That it is honest for all numbers on a scale is proven for yes and no, and
  otherwise a conjecture that has stood so far; `benchmarks/gate_errors.py` simulates it.

Rows that belong together count as one number, their mean, weighted by how many they are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from processing.gate.clusters import Clusters, Collapsed, collapsed, weighted

DRAWS, DRAWS_OF_MANY = 9_999, 999
MANY, MOST = 2_000, 100_000
"""Rows from which on fewer draws will do, and then Wilson's ends alone."""

SEED = 20_261
_AT_ONCE = 2_000_000
"""Random numbers: 16 MB."""


def bounded_interval(
    values: Sequence[float],
    low: float,
    high: float,
    confidence: float,
    clusters: Clusters | None = None,
) -> tuple[float, float]:
    """The interval of the mean of at least one number, all between the finite `low` and `high`."""
    lower, upper = (
        bounded_end(values, low, high, confidence, clusters, upper=upper) for upper in (False, True)
    )
    return lower, upper


def bounded_end(
    values: Sequence[float],
    low: float,
    high: float,
    confidence: float,
    clusters: Clusters | None = None,
    *,
    upper: bool,
) -> float:
    """One end of it, in half the time."""
    scaled = [min(max((value - low) / (high - low), 0.0), 1.0) for value in values]
    if upper:
        scaled = [1 - value for value in scaled]
    end = _lower_end(collapsed(scaled, clusters), (1 - confidence) / 2)
    return low + (1 - end if upper else end) * (high - low)


def lower_end(values: Sequence[float], weights: Sequence[float], confidence: float) -> float:
    """That of the weighted mean of at least one number between 0 and 1.

    A row with twice the weight counts as a cluster of twice the size.
    """
    return _lower_end(weighted(values, weights), (1 - confidence) / 2)


def _lower_end(rows: Collapsed, tail: float) -> float:
    from scipy.special import ndtri

    share = min(float(rows.means @ rows.shares), 1.0)
    least, _ = score_interval(share, rows.effective, -float(ndtri(tail)))
    return max(least, _gaffke(rows, tail)) if rows.means.size <= MOST else least


def score_interval(share: float, n: float, z: float) -> tuple[float, float]:
    """Wilson's, of a share of `n` rows, which need be no whole number."""
    middle = share + z * z / (2 * n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scaled = 1 + z * z / n
    return max((middle - half) / scaled, 0.0), min((middle + half) / scaled, 1.0)


def _gaffke(rows: Collapsed, tail: float) -> float:
    """The lower end of numbers between 0 and 1; 0 where draws are too few.

    The weights come from a fixed seed and meet the numbers in their order, so that a number that
    falls raises no draw. A larger cluster's weight is drawn from a gamma distribution of that much
    larger a shape; for clusters of one size this is the exponential distribution.
    """
    import numpy as np

    count = rows.means.size
    draws = DRAWS if count <= MANY else DRAWS_OF_MANY
    rank = math.floor(tail * (draws + 1)) - 1
    if rank < 0:
        return 0.0
    random = np.random.default_rng(SEED)
    with_end = np.append(0.0, rows.means)
    shapes = np.append(1.0, rows.shares * rows.effective)
    equal = bool(np.ptp(rows.shares) == 0)
    means = []
    for done in range(0, draws, at_once := max(1, _AT_ONCE // (count + 1))):
        size = (min(at_once, draws - done), count + 1)
        weights = random.standard_exponential(size) if equal else random.gamma(shapes, size=size)
        means.append(weights @ with_end / weights.sum(axis=1))
    return float(np.partition(np.concatenate(means), rank)[rank])
