"""Two models on the same rows: the difference of their means, with its interval.

Yes/no rows: Tango's score interval, which stays honest where few rows or none differ. Numbers on a
scale: the sharper one of Tango's and Gaffke's, for what decides. `sign_flips` has a test.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from processing.gate.bounded_mean import bounded_interval
from processing.gate.clusters import Clusters, collapsed
from processing.gate.intervals import CONFIDENCE, Estimate, deviation, student_t


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
    by_tango = tango_of_numbers(scaled, confidence, clusters)
    bounded = bounded_interval(scaled, -1, 1, confidence, clusters)
    low, high = max(by_tango[0], bounded[0]) * width, min(by_tango[1], bounded[1]) * width
    spread = deviation(differences) if n > 1 else None
    method = f"Tango and Gaffke: pairs on a scale {width:g} wide"
    return Estimate(math.fsum(differences) / n, low, high, spread, n, method)


def tango_of_numbers(
    scaled: Sequence[float], confidence: float = CONFIDENCE, clusters: Clusters | None = None
) -> tuple[float, float]:
    """Of differences between -1 and 1: the sums of the gains and of the losses for their numbers.

    Rows of one cluster count as one pair.
    """
    weight = collapsed(scaled, clusters).effective / len(scaled)
    gained = weight * math.fsum(difference for difference in scaled if difference > 0)
    lost = -weight * math.fsum(difference for difference in scaled if difference < 0)
    return tango(gained, lost, weight * len(scaled), confidence)


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
