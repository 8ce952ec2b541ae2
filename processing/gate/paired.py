"""Two models on the same rows: the difference of their means, its interval, and a test of it.

Yes/no rows: Tango's score interval, which stays honest where few rows or none differ. Numbers:
Student's t on the differences. The test is exact for any numbers and needs no distribution: if the
models were equal, each row's difference could as well have had the other sign.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from processing.gate.bounded_mean import bounded_interval
from processing.gate.clusters import Clusters, collapsed
from processing.gate.intervals import CONFIDENCE, Estimate, deviation, student_t

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DRAWS = 9_999
"""Random sets of signs; with fewer than 2 ** EXACT sets all of them are tried."""

EXACT = 12
MOST_DRAWN = 2_048
"""With more rows that differ the sum of the signed differences is as good as normal."""

SEED = 20_261


def paired_mean(
    differences: Sequence[float],
    width: float,
    confidence: float = CONFIDENCE,
    clusters: Clusters | None = None,
) -> Estimate:
    """The mean difference of pairs on a scale that is `width` wide, with its interval.

    Each end is the sharper one of Tango's, with the sums of the gains and of the losses for their
    numbers, and `bounded_interval`'s. Both fall with every difference that falls. On an endless
    scale Student's t, which does not. Rows of one cluster count as one pair.
    """
    n = len(differences)
    if not math.isfinite(width) or n == 0:
        return paired_estimate(differences, yes_no=False, confidence=confidence, clusters=clusters)
    scaled = [difference / width for difference in differences]
    weight = collapsed(scaled, clusters).effective / n
    gained = weight * math.fsum(difference for difference in scaled if difference > 0)
    lost = -weight * math.fsum(difference for difference in scaled if difference < 0)
    by_tango = tango(gained, lost, weight * n, confidence)
    bounded = bounded_interval(scaled, -1, 1, confidence, clusters)
    low, high = max(by_tango[0], bounded[0]) * width, min(by_tango[1], bounded[1]) * width
    spread = deviation(differences) if n > 1 else None
    method = f"Tango and Gaffke: pairs on a scale {width:g} wide"
    return Estimate(math.fsum(differences) / n, low, high, spread, n, method)


def tango(
    gained: float, lost: float, n: float, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """The score interval of (gained - lost) / n.

    Of n pairs, `gained` are no in the first and yes in the second, `lost` the other way round.
    Tango, Statistics in Medicine 17 (1998) 891-908: the differences that a score test does not
    reject, the share of `lost` pairs at its maximum likelihood given the difference.
    """
    from scipy.optimize import brentq
    from scipy.stats import norm

    z = float(norm.ppf((1 + confidence) / 2))
    found = (gained - lost) / n

    def beyond(difference: float, side: int) -> float:
        return side * _score(gained, lost, n, difference) - z

    # at the scale's end itself, or a float's hair beside it, nothing is rejected
    low = brentq(beyond, -1, found, args=(1,), xtol=1e-12) if beyond(-1, 1) > 0 else -1.0
    high = brentq(beyond, found, 1, args=(-1,), xtol=1e-12) if beyond(1, -1) > 0 else 1.0
    return float(low), float(high)


def _score(gained: float, lost: float, n: float, difference: float) -> float:
    """Tango's statistic for this difference: about normal, positive where more was found."""
    above = gained - lost - n * difference
    if above == 0:
        return 0.0
    b = (2 * n - gained + lost) * difference - gained - lost
    c = -lost * difference * (1 - difference)
    share = (math.sqrt(max(b * b - 8 * n * c, 0.0)) - b) / (4 * n)
    variance = n * (2 * share + difference * (1 - difference))
    return above / math.sqrt(variance) if variance > 0 else math.copysign(math.inf, above)


def paired_estimate(
    differences: Sequence[float],
    *,
    yes_no: bool,
    confidence: float = CONFIDENCE,
    clusters: Clusters | None = None,
) -> Estimate:
    """The mean of the pairs' differences with its interval.

    Numbers that all differ by the same, none included, say nothing of how much they might:
    there is then no interval.
    """
    n = len(differences)
    if n == 0:
        return Estimate(None, None, None, None, 0, "")
    mean = math.fsum(differences) / n
    spread = deviation(differences) if n > 1 else None
    if yes_no:
        gained = sum(difference > 0 for difference in differences)
        lost = sum(difference < 0 for difference in differences)
        ends = tango(gained, lost, n, confidence)
        return Estimate(mean, *ends, spread, n, "Tango: paired yes/no")
    if n < 2:
        return Estimate(mean, None, None, spread, n, "none: one pair has no spread")
    if len(set(differences)) == 1:
        return Estimate(mean, None, None, spread, n, "none: every pair differs by the same")
    ends = student_t(differences, confidence, clusters)
    return Estimate(mean, *ends, spread, n, "Student t: paired differences")


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


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values, in the same order: each at most as small as the one given.

    Holm, Scandinavian Journal of Statistics 6 (1979) 65-70;
    `statsmodels.stats.multitest.multipletests(method="holm")`.
    """
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted = [0.0] * len(p_values)
    least = 0.0
    for rank, i in enumerate(order):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = least
    return adjusted
