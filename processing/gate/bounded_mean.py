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
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DRAWS, DRAWS_OF_MANY = 9_999, 999
MANY, MOST = 2_000, 100_000
"""Rows from which on fewer draws will do, and then Wilson's ends alone."""

SEED = 20_261
_AT_ONCE = 2_000_000
"""Random numbers: 16 MB."""


def bounded_interval(
    values: Sequence[float], low: float, high: float, confidence: float
) -> tuple[float, float]:
    """The interval of the mean of at least one number, all between the finite `low` and `high`."""
    import numpy as np

    rows = np.sort((np.asarray(values, dtype=float) - low) / (high - low)).clip(0, 1)
    tail = (1 - confidence) / 2
    least, greatest = _wilson(float(rows.sum()), rows.size, tail)
    if rows.size <= MOST:
        from_below, from_above = _gaffke(np.stack([rows, np.sort(1 - rows)], axis=1), tail)
        least, greatest = max(least, from_below), min(greatest, 1 - from_above)
    return low + least * (high - low), low + greatest * (high - low)


def _wilson(k: float, n: int, tail: float) -> tuple[float, float]:
    from scipy.stats import norm

    z = float(norm.isf(tail))
    share = min(k / n, 1.0)
    middle = share + z * z / (2 * n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scaled = 1 + z * z / n
    return max((middle - half) / scaled, 0.0), min((middle + half) / scaled, 1.0)


def _gaffke(columns: NDArray[np.float64], tail: float) -> list[float]:
    """The lower end for each column of sorted numbers between 0 and 1; 0 where draws are too few.

    The weights come from a fixed seed and meet the numbers in their order, so that a number that
    falls raises no draw.
    """
    import numpy as np

    draws = DRAWS if len(columns) <= MANY else DRAWS_OF_MANY
    rank = math.floor(tail * (draws + 1)) - 1
    if rank < 0:
        return [0.0] * columns.shape[1]
    random = np.random.default_rng(SEED)
    with_end = np.vstack([np.zeros(columns.shape[1]), columns])
    means: list[NDArray[np.float64]] = []
    for done in range(0, draws, at_once := max(1, _AT_ONCE // len(with_end))):
        weights = random.standard_exponential((min(at_once, draws - done), len(with_end)))
        means.append(weights @ with_end / weights.sum(axis=1, keepdims=True))
    return [float(end) for end in np.partition(np.concatenate(means), rank, axis=0)[rank]]
