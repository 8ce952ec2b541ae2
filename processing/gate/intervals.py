"""Estimates from the rows that have a number, each with a 95 % interval that suits its data.

Quantiles come from scipy.special: most evaluations need nothing else of scipy, and scipy.stats
takes 0.7 s of processor time to import.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from processing.gate.bounded_mean import SEED, bounded_interval, score_interval
from processing.gate.clusters import Clusters, bootstrapped, clustered_error

CONFIDENCE = 0.95
RESAMPLES = 9_999
LEAST_DISTINCT_FOR_BCA = 10
MOST_ROWS_FOR_BCA = 2_000

Numbers = Literal["BCa", "monotone"]
"""How the interval is made. Only the monotone one may decide: a worse score never raises its ends.
"""


@dataclass(frozen=True)
class Estimate:
    """A number, its sample standard deviation (ddof 1) and its 95 % interval.

    None where the rows do not give one. `method` says which interval it is, and why.
    """

    value: float | None
    low: float | None
    high: float | None
    standard_deviation: float | None
    n: int
    method: str


def estimate(
    values: Sequence[float],
    *,
    numbers: Numbers = "BCa",
    ends: tuple[float, float] = (-math.inf, math.inf),
    clusters: Clusters | None = None,
) -> Estimate:
    """The mean of finite `values` with an interval that suits them. `ends`: of their scale.

    Monotone: `bounded_interval`, for which the scale must be known. Else yes/no data (all 0 or 1)
    get Wilson's score interval, numbers the BCa bootstrap, or Student's t where that is not
    possible. With `clusters`, of which some have several rows, Wilson's or Student's t, by the
    clustered standard error.
    """
    n = len(values)
    if n == 0:
        return Estimate(None, None, None, None, 0, "")
    value = _mean(values)
    spread = deviation(values) if n > 1 else None
    if numbers == "monotone" and all(map(math.isfinite, ends)) and _all_within(values, ends):
        method = f"Wilson and Gaffke: a scale of {ends[0]:g} to {ends[1]:g}{_of(clusters)}"
        found = bounded_interval(values, *ends, CONFIDENCE, clusters)
        return Estimate(value, *found, spread, n, method)
    if clusters is not None and len(set(clusters)) < n:
        low, high, method = _clustered(values, clusters)
    else:
        low, high, method = _interval(values, numbers)
    return Estimate(value, low, high, spread, n, method)


def _all_within(values: Sequence[float], ends: tuple[float, float]) -> bool:
    return all(ends[0] <= value <= ends[1] for value in values)


def _mean(values: Sequence[float]) -> float:
    """Between the least and the greatest, which rounding can put it a hair beside."""
    return min(max(math.fsum(values) / len(values), min(values)), max(values))


def _interval(values: Sequence[float], numbers: Numbers) -> tuple[float | None, float | None, str]:
    n, distinct = len(values), len(set(values))
    if is_yes_no(values):
        return *wilson(int(sum(values)), n), "Wilson: every value is 0 or 1"
    if n < 2:
        return None, None, "none: one row has no spread"
    if distinct == 1 and numbers == "monotone":
        return None, None, "none: every value is the same, and their scale is not known"
    if distinct == 1:
        return values[0], values[0], "degenerate: every value is the same"
    if numbers == "monotone":
        reason = "their scale is not known"
    elif distinct < LEAST_DISTINCT_FOR_BCA:
        reason = f"BCa needs {LEAST_DISTINCT_FOR_BCA} distinct values, there are {distinct}"
    elif n > MOST_ROWS_FOR_BCA:
        reason = f"with more than {MOST_ROWS_FOR_BCA} rows the mean is as good as normal"
    else:
        interval = bca(values)
        if interval is not None:
            return *interval, f"BCa bootstrap: numbers; {RESAMPLES} resamples"
        reason = "the BCa bootstrap gave no number"
    return *student_t(values), f"Student t: {reason}"


def _of(clusters: Clusters | None) -> str:
    return "" if clusters is None else f", {len(set(clusters))} clusters"


def _clustered(
    values: Sequence[float], clusters: Clusters
) -> tuple[float | None, float | None, str]:
    """Wilson's with n over the design effect, or Student's t; quantiles of t with G - 1.

    Korn and Graubard, Survey Methodology 24 (1998) 193-201, for the former. Where the clusters
    differ less than rows that are independent would, n stays.
    """
    if len(set(clusters)) < 2:
        return None, None, "none: one cluster has no spread"
    if not is_yes_no(values):
        return *student_t(values, clusters=clusters), f"Student t: clustered{_of(clusters)}"
    n, share = len(values), _mean(values)
    independent = share * (1 - share) / n
    effect = clustered_error(values, clusters) ** 2 / independent if independent else 1.0
    quantile = _quantile_of_t(len(set(clusters)), CONFIDENCE)
    ends = score_interval(share, n / max(1.0, effect), quantile)
    return *ends, f"Wilson by the design effect{_of(clusters)}"


def is_yes_no(values: Sequence[float]) -> bool:
    return all(value in (0.0, 1.0) for value in values)


def wilson(successes: int, n: int) -> tuple[float, float]:
    """Wilson's score interval without continuity correction.

    Wilson, JASA 22 (1927) 209-212; method 3 of Newcombe, Statistics in Medicine 17 (1998) 857-872;
    `scipy.stats.binomtest(...).proportion_ci(method="wilson")`.
    """
    from scipy.special import ndtri

    z, share = float(ndtri(0.5 + 0.5 * CONFIDENCE)), successes / n
    scaled = 2 * (n + z**2)
    middle = (2 * n * share + z**2) / scaled
    half = z / scaled * math.sqrt(4 * n * share * (1 - share) + z**2)
    return 0.0 if successes == 0 else middle - half, 1.0 if successes == n else middle + half


def student_t(
    values: Sequence[float], confidence: float = CONFIDENCE, clusters: Clusters | None = None
) -> tuple[float, float]:
    """mean ± t((1 + confidence) / 2, n - 1) · s / √n, for at least two values.

    With at least two `clusters`, their number for n, and their standard error.

    Student, Biometrika 6 (1908) 1-25; `scipy.stats.ttest_1samp(...).confidence_interval`.
    """
    n = len(values)
    mean = math.fsum(values) / n
    error = deviation(values) / math.sqrt(n)
    if clusters is not None and len(set(clusters)) > 1:
        n, error = len(set(clusters)), clustered_error(values, clusters)
    half = _quantile_of_t(n, confidence) * error
    return mean - half, mean + half


def _quantile_of_t(n: int, confidence: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(n - 1, (1 + confidence) / 2))


def deviation(values: Sequence[float]) -> float:
    """The sample standard deviation (n - 1) of at least two values; `statistics.stdev`."""
    mean = _mean(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))


def bca(values: Sequence[float]) -> tuple[float, float] | None:
    """Bias-corrected and accelerated bootstrap of the mean; None where it has no number.

    Efron, JASA 82 (1987) 171-185; `scipy.stats.bootstrap(method="BCa")`, with the same draws. The
    values are sorted and the seed is fixed, so that the same verdicts give the same interval in
    whatever order.
    """
    import numpy as np
    from scipy.special import ndtr, ndtri

    sample, random = np.sort(np.asarray(values, dtype=float)), np.random.default_rng(SEED)
    n, means = sample.size, np.empty(RESAMPLES)
    for done in range(0, RESAMPLES, at_once := max(1, 2_000_000 // n)):  # 16 MB at a time
        drawn = random.integers(0, n, (min(at_once, RESAMPLES - done), n))
        means[done : done + at_once] = sample[drawn].mean(axis=1)
    mean = sample.mean()
    bias = ndtri(((means < mean).sum() + (means <= mean).sum()) / (2 * RESAMPLES))
    left_out = sample - mean  # by so much, over n - 1, the mean of the others differs from it
    with np.errstate(all="ignore"):
        acceleration = (left_out**3).sum() / (6 * (left_out**2).sum() ** 1.5)
        z = bias + ndtri([(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
        shares = ndtr(bias + z / (1 - acceleration * z))
    if not np.isfinite(shares).all():
        return None
    low, high = (float(end) for end in np.percentile(means, shares * 100))
    return (low, high) if math.isfinite(low) and math.isfinite(high) else None


def percentile(values: Sequence[float], percent: float) -> float | None:
    """Linear interpolation between closest ranks (numpy's default; Hyndman and Fan's type 7).

    Sound with infinite values too, where numpy's is NaN.
    """
    if not values:
        return None
    ordered = sorted(values)
    return interpolated(ordered.__getitem__, len(ordered), percent)


def interpolated(ordered: Callable[[int], float], n: int, percent: float) -> float:
    """The percentile of `n` numbers, which `ordered` gives by their place, the least at 0."""
    position = (n - 1) * percent / 100
    below = math.floor(position)
    share = position - below
    if share == 0 or ordered(below) == ordered(below + 1):
        return ordered(below)
    return ordered(below) + share * (ordered(below + 1) - ordered(below))


def percentile_estimate(
    values: Sequence[float], percent: float, clusters: Clusters | None = None
) -> Estimate:
    """A percentile with its interval between two order statistics, free of any distribution.

    With `clusters`, by the cluster bootstrap.

    Conover, Practical Nonparametric Statistics, 3rd ed., section 3.2;
    `scipy.stats.quantile_test(...).confidence_interval`. An end that the rows cannot give is None.
    """
    n = len(values)
    if n == 0:
        return Estimate(None, None, None, None, 0, "")
    spread = deviation(values) if n > 1 and all(map(math.isfinite, values)) else None
    if clusters is not None and len(set(clusters)) < n:
        low, high = bootstrapped(values, clusters, percent, CONFIDENCE, SEED)
        return Estimate(
            percentile(values, percent), low, high, spread, n,
            f"cluster bootstrap: a percentile{_of(clusters)}"
            + ("" if high is not None else "; too few for the upper end"),
        )  # fmt: skip
    low, high = _order_statistics(sorted(values), percent / 100)
    method = "order statistics: a percentile"
    if low is None or high is None:
        method += (
            f"; {n} rows are too few for {'the upper' if low is not None else 'the lower'} end"
        )
    return Estimate(percentile(values, percent), low, high, spread, n, method)


def _order_statistics(ordered: Sequence[float], share: float) -> tuple[float | None, float | None]:
    lower, upper = end_ranks(len(ordered), share)
    return (
        None if lower is None else ordered[lower - 1],
        None if upper is None else ordered[upper - 1],
    )


@functools.lru_cache(maxsize=1_000)
def end_ranks(n: int, share: float) -> tuple[int | None, int | None]:
    """Which of `n` ordered numbers, counted from 1, are the ends; None where none is."""
    tail = (1 - CONFIDENCE) / 2
    lower = _binomial_quantile(tail, n, share)
    upper = _binomial_quantile(1 - tail, n, share) + 1
    return lower if lower >= 1 else None, upper if upper <= n else None


def _binomial_quantile(probability: float, n: int, share: float) -> int:
    """The least number that is not exceeded with this probability; `scipy.stats.binom.ppf`."""
    from scipy.special import bdtr, bdtrik

    above = math.ceil(float(bdtrik(probability, n, share)))
    return above - 1 if above >= 1 and bdtr(above - 1, n, share) >= probability else above
