"""Drift: each metric against the last runs of the same pipeline, with an interval.

Runs differ by more than their rows' chance: other traffic, another day. So the spread between the
earlier runs counts too, as in a random-effects meta-analysis: the interval is that of a new run
about the earlier ones' mean. Between-run variance by the method of moments (Hedges & Olkin 1985,
Statistical Methods for Meta-Analysis, ch. 9); prediction interval with quantiles of t with k - 1
degrees of freedom (Higgins, Thompson & Spiegelhalter 2009, JRSS A 172:137; Veroniki et al. 2019,
Research Synthesis Methods 10:23).
"""

from __future__ import annotations

import functools
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from processing.gate.metric import Metric

LEAST_RUNS = 2
METHOD = (
    "difference from the mean of the earlier runs, weighted by their variances; 95 % prediction "
    "interval of a random-effects model, Student t with runs - 1 degrees of freedom"
)
_TWO_STANDARD_ERRORS = 2 * 1.959964


@dataclass(frozen=True)
class Measured:
    """A metric in one run: its value, over `n` rows, and its 95 % interval."""

    value: float
    n: int
    low: float | None
    high: float | None

    @property
    def variance(self) -> float | None:
        """Of the value, out of its interval's width; None where it has none."""
        if self.low is None or self.high is None:
            return None
        return ((self.high - self.low) / _TWO_STANDARD_ERRORS) ** 2


@dataclass(frozen=True)
class Change:
    """What a metric has changed by since the earlier runs; `low` to `high` is the 95 % interval.

    `earlier` is their mean, over `earlier_n` rows of `runs` runs; `between` the standard deviation
    between runs beyond their rows' chance. `unknown` says why there is no change or no interval.
    """

    metric: str
    n: int
    runs: int
    earlier_n: int
    change: float | None = None
    low: float | None = None
    high: float | None = None
    earlier: float | None = None
    between: float | None = None
    higher_is_better: bool = True
    unknown: str = ""
    max_drop: float | None = None

    @property
    def worse_by(self) -> float | None:
        if self.change is None:
            return None
        return -self.change if self.higher_is_better else self.change

    @property
    def is_worse(self) -> bool:
        """Whether the whole interval lies on the worse side of no change."""
        if self.low is None or self.high is None:
            return False
        return self.high < 0 if self.higher_is_better else self.low > 0

    @property
    def dropped(self) -> bool:
        """Whether it is worse by more than `max_drop`."""
        if self.max_drop is None or self.worse_by is None:
            return False
        return self.worse_by > self.max_drop + 1e-12

    @property
    def nothing_now(self) -> bool:
        """Whether this run has no number to hold against the earlier ones."""
        return not self.n or (self.change is None and self.runs >= LEAST_RUNS)

    @property
    def words(self) -> str:
        if self.change is None:
            return f"{self.metric}: {self.unknown}"
        interval = ""
        if self.low is not None and self.high is not None:
            interval = f" (95 % {self.low:+.4g} to {self.high:+.4g})"
        unknown = f"; {self.unknown}" if self.unknown else ""
        return (
            f"{self.metric}: {self.change:+.4g}{interval} from {self.earlier:.4g} in {self.runs} "
            f"earlier runs (n={self.earlier_n}; now n={self.n}){unknown}"
        )


@dataclass(frozen=True)
class DriftVerdict:
    """All metrics' changes; `run_ids` of the earlier runs, the latest first.

    `failure`: why the earlier runs are not known; "" where they are.
    """

    changes: Sequence[Change] = ()
    run_ids: Sequence[str] = ()
    wanted: int = 0
    failure: str = ""
    closing: Sequence[str] = field(default=())

    @property
    def reasons(self) -> list[str]:
        """What closes the gate: `max_drop` alone does."""
        if self.failure and self.closing:
            return [f"drift: {self.failure}, and drift.max_drop is to be kept"]
        found = []
        for change in self.changes:
            if change.dropped:
                found.append(f"drift: {change.words}; max_drop {change.max_drop:g}")
            elif change.max_drop is not None and change.runs and change.nothing_now:
                found.append(f"drift: {change.metric} has no value to hold against max_drop")
        return found

    @property
    def warnings(self) -> list[str]:
        if self.failure:
            return [] if self.closing else [f"drift: {self.failure}"]
        found = [f"drift: {c.words}" for c in self.changes if c.is_worse and not c.dropped]
        short = [c.metric for c in self.changes if c.max_drop is not None and c.runs < LEAST_RUNS]
        if short:
            found.append(
                f"drift: max_drop of {', '.join(short)} is not held against anything yet: it needs "
                f"{LEAST_RUNS} earlier runs by the same scorer"
            )
        return found


def change_of(
    name: str, now: Metric, earlier: Sequence[Measured], max_drop: float | None = None
) -> Change:
    """The change of a metric against its earlier values, in any order."""
    known = Change(
        name,
        n=now.n,
        runs=len(earlier),
        earlier_n=sum(one.n for one in earlier),
        higher_is_better=now.higher_is_better,
        max_drop=max_drop,
    )
    if len(earlier) < LEAST_RUNS:
        return replace(known, unknown=f"{len(earlier)} earlier runs, fewer than {LEAST_RUNS}")
    if now.value is None or not math.isfinite(now.value):
        return replace(known, unknown="has no value now")
    values = [one.value for one in earlier]
    variances = [one.variance for one in earlier]
    own = Measured(now.value, now.n, now.low, now.high).variance
    if own is None or None in variances:
        mean = statistics.fmean(values)
        return replace(
            known, change=now.value - mean, earlier=mean, unknown="no interval: a run has none"
        )
    within = [variance for variance in variances if variance is not None]
    between = max(0.0, statistics.variance(values) - statistics.fmean(within))
    totals = [variance + between for variance in within]
    if min(totals) == 0 or own + between == 0:
        mean = statistics.fmean(values)
        return replace(
            known, change=now.value - mean, earlier=mean, between=math.sqrt(between),
            unknown="no interval: a run has no spread",
        )  # fmt: skip
    weights = [1 / total for total in totals]
    mean = sum(w * v for w, v in zip(weights, values, strict=True)) / sum(weights)
    half = _t95(len(values) - 1) * math.sqrt(own + between + 1 / sum(weights))
    change = now.value - mean
    return replace(
        known,
        change=change,
        low=change - half,
        high=change + half,
        earlier=mean,
        between=math.sqrt(between),
    )


@functools.cache
def _t95(degrees: int) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(degrees, 0.975))


def drift_of(
    metrics: Mapping[str, Metric],
    earlier: Mapping[str, Sequence[Measured]],
    run_ids: Sequence[str],
    *,
    wanted: int,
    max_drop: Mapping[str, float],
) -> DriftVerdict:
    """`earlier`: by metric, what comparable runs measured; metrics without any are compared too.

    One of `max_drop` that was not measured has no value.
    """
    missing = {name: Metric(None, 0) for name in max_drop if name not in metrics}
    changes = [
        change_of(name, metric, earlier.get(name, ()), max_drop.get(name))
        for name, metric in {**metrics, **missing}.items()
    ]
    return DriftVerdict(changes, run_ids, wanted, closing=sorted(max_drop))
