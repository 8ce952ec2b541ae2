"""How often a threshold errs: the chance that it lets a worse model pass, and stops a better one.

The worse model lies `distance` beyond the bound, the better one as far within it; near an end of
the scale both lie half way to it, since no model is better than the best. No row is lost. A bound
that cannot be missed, or no better model could hold, has no such error.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from processing.config.thresholds import ThresholdParameter
from processing.gate.bounded_mean import bounded_interval
from processing.gate.intervals import CONFIDENCE
from processing.gate.worst_case import Scale

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ACCEPTED = 0.05
"""The error that `rows_needed` rows keep to, on either side."""

MOST_ROWS = 100_000
"""So many rows are looked at for `rows_needed`."""

EXACT = "exact, yes or no"
WIDEST = "at most, as if yes or no"


@dataclass(frozen=True)
class Errors:
    """Of one threshold on `rows` rows: the two models' true numbers, and how each fares.

    `rows_needed`: with so many both errors are at most ACCEPTED; None where MOST_ROWS are too few.
    """

    rows: int
    worse: float
    better: float
    false_pass: float
    false_stop: float
    rows_needed: int | None
    basis: str


def any_false_stop(chances: Iterable[float]) -> float:
    """The chance that a model that is better at every threshold is stopped by one.

    As if thresholds erred independently. Where scores rise and fall together, as those of one
    answer mostly do, it is less (Esary, Proschan and Walkup, Annals of Mathematical Statistics 38
    (1967) 1466-1474), and never below the greatest of `chances`.
    """
    return 1 - math.prod(1 - chance for chance in chances)


def yes_no_errors(
    threshold: ThresholdParameter, scale: Scale, rows: int, distance: float, basis: str = EXACT
) -> Errors:
    """Exact binomial chances: each row counts one end of the finite scale or the other.

    `distance` is a share of the scale. On the mean and at the interval's end as the gate has them.
    """
    from scipy.stats import binom

    width = scale.high - scale.low
    least = threshold.rule == "min"
    bound = (threshold.bound - scale.low) / width
    worse, better = models_beside(bound, 0.0, 1.0, distance, least=least)
    count = _deciding_count(threshold, scale, rows)

    def passes(truth: float) -> float:
        return float(binom.sf(count - 1, rows, truth) if least else binom.cdf(count, rows, truth))

    return Errors(
        rows=rows,
        worse=scale.low + worse * width,
        better=scale.low + better * width,
        false_pass=passes(worse) if worse != bound else 0.0,
        false_stop=1 - passes(better),
        rows_needed=_rows_for_yes_no(threshold, bound, worse, better),
        basis=basis,
    )


def models_beside(
    bound: float, low: float, high: float, distance: float, *, least: bool
) -> tuple[float, float]:
    """The true numbers of the worse and of the better model."""
    below = max(bound - distance, (low + bound) / 2)
    above = min(bound + distance, (bound + high) / 2)
    return (below, above) if least else (above, below)


def _deciding_count(threshold: ThresholdParameter, scale: Scale, rows: int) -> int:
    """The fewest yes that hold `min`, or the most that hold `max`, by the gate's own functions.

    rows + 1, or -1, where none do.
    """
    least = threshold.rule == "min"

    def holds(count: int) -> bool:
        if not 0 <= count <= rows:
            return count > rows if least else count < 0
        number = _compared(count, rows, scale, threshold)
        return number >= threshold.bound if least else number <= threshold.bound

    bound = (threshold.bound - scale.low) / (scale.high - scale.low)
    count = int(_first_guess(bound, rows, interval=threshold.on == "interval", least=least))
    step = 1 if least else -1
    while not holds(count):
        count += step
    while holds(count - step) and 0 <= count - step <= rows:
        count -= step
    return count


def _compared(count: int, rows: int, scale: Scale, threshold: ThresholdParameter) -> float:
    values = [scale.high] * count + [scale.low] * (rows - count)
    if threshold.on == "mean":
        return math.fsum(values) / rows
    low, high = bounded_interval(values, scale.low, scale.high, CONFIDENCE)
    return low if threshold.rule == "min" else high


def _first_guess(
    bound: float, rows: int | NDArray[np.int64], *, interval: bool, least: bool
) -> NDArray[np.int64]:
    """The count by arithmetic: on the mean, or where Wilson's interval ends at the bound."""
    import numpy as np
    from scipy.stats import norm

    n = np.asarray(rows)
    if interval and bound == (1 if least else 0):
        return n + 1 if least else n * 0 - 1  # no rows show perfection
    z = float(norm.ppf((1 + CONFIDENCE) / 2)) if interval else 0.0
    half = z * np.sqrt(n * bound * (1 - bound))
    hair = 1e-9
    found = np.ceil(n * bound + half - hair) if least else np.floor(n * bound - half + hair)
    return np.clip(found, -1, n + 1).astype(np.int64)


def _rows_for_yes_no(
    threshold: ThresholdParameter, bound: float, worse: float, better: float
) -> int | None:
    """The first number of rows with both errors at most ACCEPTED.

    A few more rows may exceed it by a little again: yes and no are counted in whole rows.
    """
    import numpy as np
    from scipy.stats import binom, norm

    least = threshold.rule == "min"
    begin = 0.3 * min(
        binom.var(1, truth) * (norm.isf(ACCEPTED) / (truth - bound)) ** 2 if truth != bound else 0
        for truth in (worse, better)
    )  # far fewer than the normal limit has
    for first in range(1 + int(begin), MOST_ROWS, step := 4_000):
        n = np.arange(first, first + step)
        count = _first_guess(bound, n, interval=threshold.on == "interval", least=least)
        if least:
            false_pass, false_stop = binom.sf(count - 1, n, worse), binom.cdf(count - 1, n, better)
        else:
            false_pass, false_stop = binom.cdf(count, n, worse), binom.sf(count, n, better)
        errors = np.maximum(false_pass if worse != bound else 0.0, false_stop)
        good = np.flatnonzero(errors <= ACCEPTED)
        if good.size:
            return int(n[good[0]])
    return None
