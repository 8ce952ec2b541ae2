"""A test of paired differences that needs no distribution, and the interval that goes with it.

If the models were equal, each row's difference could as well have had the other sign. Fisher, The
Design of Experiments, 1935, section 21; for differences of one size it is McNemar's exact test.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from processing.gate.clusters import Clusters
from processing.gate.intervals import Estimate, deviation

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DRAWS = 9_999
"""Random sets of signs; with fewer than 2 ** EXACT sets all of them are tried."""

EXACT = 12
MOST_DRAWN = 2_048
"""With more rows that differ the sum of the signed differences is as good as normal."""

SEED = 20_261


def sign_flip_p(low: Sequence[float], high: Sequence[float] | None = None) -> float:
    """The two-sided p-value of "no difference": twice the smaller one-sided one, at most 1.

    A one-sided p-value is the share of all sets of rows whose differences sum to no more than 0
    (flipping the signs of such a set takes nothing from the sum). So it falls with no difference
    that falls, and rows that are not known may be put in at their worst: `low` has them at the
    least that they can be, `high` at the greatest.

    Fisher's randomisation test (The Design of Experiments, 1935, section 21); for differences of
    one size it is McNemar's exact test. Exact up to EXACT rows that differ or if all differ by as
    much, then over DRAWS seeded draws, and with more than MOST_DRAWN rows by the normal limit.
    """
    rises = _no_more_than_zero(low)
    falls = _no_more_than_zero([-difference for difference in (low if high is None else high)])
    return min(1.0, 2 * min(rises, falls))


def _no_more_than_zero(differences: Sequence[float]) -> float:
    """The share of the sets of rows whose differences sum to at most 0."""
    import numpy as np
    from scipy.stats import binom, norm

    if any(difference == -math.inf for difference in differences):
        return 1.0  # at least every set with such a row, and the empty one: never small
    rows = np.asarray(differences, dtype=float)
    differing = rows[rows != 0]
    if differing.size == 0:
        return 1.0
    sizes = np.abs(differing)
    if np.allclose(sizes, sizes[0], rtol=1e-9, atol=0):
        return float(binom.cdf(int((differing < 0).sum()), differing.size, 0.5))
    if differing.size <= EXACT:
        sets = (np.arange(2**differing.size)[:, None] >> np.arange(differing.size)) & 1
        return float(np.mean(sets @ differing <= 1e-12 * sizes.sum()))
    if differing.size > MOST_DRAWN:
        return float(norm.cdf(-rows.sum() / math.sqrt(float((rows**2).sum()))))
    if rows.size > MOST_DRAWN:
        rows = differing
    # a hair of rounding in 32 bits counts against the difference
    scaled = (rows / sizes.sum()).astype(np.float32)
    few = int((_sets(1 << (rows.size - 1).bit_length())[:, : rows.size] @ scaled <= 1e-6).sum())
    return (1 + few) / (1 + DRAWS)


@functools.lru_cache(maxsize=2)
def _sets(rows: int) -> NDArray[np.float32]:
    """DRAWS sets of rows, 1 for each row that is in it; the same row is in the same sets."""
    import numpy as np

    drawn = np.random.default_rng(SEED).integers(0, 2, (rows, DRAWS), dtype=np.int8)
    return np.ascontiguousarray(drawn.T, dtype=np.float32)


def cluster_sums(
    values: Sequence[float], clusters: Clusters | None
) -> tuple[list[float], list[int]]:
    """Of each cluster the sum and the number of its rows; without clusters of each row."""
    if clusters is None:
        return list(values), [1] * len(values)
    of = dict[str, list[float]]()
    for value, cluster in zip(values, clusters, strict=True):
        of.setdefault(cluster, []).append(value)
    return [math.fsum(each) for each in of.values()], [len(each) for each in of.values()]


def sign_flip_estimate(
    differences: Sequence[float], confidence: float, clusters: Clusters | None = None
) -> Estimate:
    """The mean difference with the interval of those that the test does not reject.

    Each end is where the share of sets reaches half of what the confidence leaves, were all
    differences that much smaller (Lehmann and D'Abrera, Nonparametrics, 1975, section 4.3; here of
    the mean). Both ends fall with every difference that falls. Too few rows to reject anything, or
    rows that all differ by the same, have no interval. Of rows that belong together (`clusters`)
    the signs are flipped together.
    """
    n = len(differences)
    if n == 0:
        return Estimate(None, None, None, None, 0, "")
    mean = math.fsum(differences) / n
    spread = deviation(differences) if n > 1 else None
    tail = (1 - confidence) / 2
    if len(set(differences)) == 1:
        return Estimate(mean, None, None, spread, n, "none: every pair differs by the same")
    sums, sizes = cluster_sums(differences, clusters)
    units = "pairs" if len(sums) == n else "clusters"
    if not _can_reject(len(sums), tail):
        return Estimate(
            mean, None, None, spread, n, f"none: {len(sums)} {units} can reject nothing"
        )
    low = _lower_end(sums, sizes, tail)
    high = -_lower_end([-total for total in sums], sizes, tail)
    method = "sign flips: paired differences"
    if units == "clusters":
        method += f", {len(sums)} clusters"
    return Estimate(mean, low, high, spread, n, method)


def _can_reject(n: int, tail: float) -> bool:
    return 2.0**-n <= tail and (n <= EXACT or n > MOST_DRAWN or tail >= 1 / (1 + DRAWS))


def _lower_end(sums: Sequence[float], sizes: Sequence[int], tail: float) -> float:
    import numpy as np

    rows, counts = np.asarray(sums, dtype=float), np.asarray(sizes, dtype=float)
    share = _shares(rows, counts)
    low, high = float((rows / counts).min()), float(rows.sum() / counts.sum())
    for _ in range(60):  # a double has 53 bits
        middle = (low + high) / 2
        low, high = (middle, high) if share(middle) <= tail else (low, middle)
    return low


def _shares(rows: NDArray[np.float64], counts: NDArray[np.float64]) -> Callable[[float], float]:
    """How large a share of the sets sums to at most 0, were all rows that much smaller.

    `rows` are sums of so many of them as `counts` says.
    """
    import numpy as np
    from scipy.stats import norm

    n = rows.size
    if n > MOST_DRAWN:

        def by_normal(less: float) -> float:
            left = rows - less * counts
            spread = math.sqrt(float((left**2).sum()))
            return float(norm.cdf(-float(left.sum()) / spread)) if spread > 0 else 1.0

        return by_normal
    if n <= EXACT:
        sets = ((np.arange(2**n)[:, None] >> np.arange(n)) & 1).astype(float)
        known = 0
    else:
        sets = _sets(1 << (n - 1).bit_length())[:, :n].astype(float)
        known = 1  # the empty set, which is not drawn
    sums, sizes = sets @ rows, sets @ counts
    hair = 1e-12 * float(np.abs(rows).sum())
    return lambda less: float(
        (known + np.count_nonzero(sums - less * sizes <= hair)) / (known + len(sums))
    )
