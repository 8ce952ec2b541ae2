"""Bounds that nothing that is still to come can hold any more, each with its reason.

Each rests on this: of the numbers that a pending row can get, one is the best for the bound, and
losing the row's number, or finding that it does not count, is never better. So the bound is lost
for certain when it is lost with that number on every pending row.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from processing.config.thresholds import ThresholdParameter
from processing.gate.tally import (
    HAIR,
    LOOKS,
    Tally,
    best_interval_end,
    best_mean,
    best_percentile,
    best_percentile_end,
    effective_rows,
    nearest_interval_end,
    sure_mean,
    sure_percentile,
)
from processing.gate.worst_case import Scale


@dataclass(frozen=True)
class Least:
    """What a metric has to rest on: rows with a number, and a share of rows without errors."""

    rows: int
    max_error_share: float = 1.0


def too_little(name: str, tally: Tally, least: Least) -> str:
    """Why the metric will rest on too little, whatever comes; empty if it may not."""
    most = tally.n + tally.pending
    if most == 0:
        return f"{name} has no value: none of {len(tally.rows)} rows has a number or will have one"
    if most < least.rows:
        return (
            f"{name} will rest on {most} rows at most, fewer than min_rows {least.rows} "
            f"({tally.errors} errors)"
        )
    # no more rows to be scored can make the share smaller than this
    if tally.errors / (most + tally.errors) > least.max_error_share:
        return (
            f"{name}: {tally.errors} of at most {most + tally.errors} rows could not be scored, "
            f"over max_judge_error_share {least.max_error_share:g} whatever comes"
        )
    return ""


def too_little_so_far(name: str, tally: Tally, least: Least) -> str:
    """The same if nothing more came."""
    share = tally.errors / (tally.n + tally.errors) if tally.errors else 0.0
    if tally.n >= least.rows and share <= least.max_error_share:
        return ""
    return f"{name}: {tally.n:,} rows have a number so far, {tally.errors:,} have errors"


@dataclass
class MeanBound:
    """A threshold on the mean, or its interval, of numbers on a scale.

    `may_not_apply`: the scorer may have nothing to look for in a row, so that how many rows its
    interval is over is not known while rows are pending; then the mean alone decides, which is
    never on the pessimistic side of the interval's end. On a scale that is only assumed, and where
    people's labels correct the mean, nothing but too few rows is ever certain.
    """

    name: str
    threshold: ThresholdParameter
    tally: Tally
    scale: Scale
    least: Least
    may_not_apply: bool = False
    clusters: Mapping[str, str] | None = None
    _effective: float = field(default=0.0, init=False)
    _next_look: int = field(default=0, init=False)

    def reason(self) -> str:
        """Why the threshold is lost; empty while it may hold."""
        if found := too_little(self.name, self.tally, self.least):
            return found
        on, rule = self.threshold.on, self.threshold.rule
        if on == "calibrated" or not self.tally.lies_on(self.scale):
            return ""
        best = best_mean(self.tally, self.scale, rule)
        ends = math.isfinite(self.scale.high) and math.isfinite(self.scale.low)
        if math.isinf(best) and _misses(best, self.threshold, self.scale):
            return (
                f"{self.name} has no number for {self.tally.missing} of {len(self.tally.rows)} "
                "rows, and how bad these could be is not known"
            )
        if _misses(best, self.threshold, self.scale):
            return "" if on == "interval" and not ends else self._lost(self.name, best)
        return self._interval_lost(best) if on == "interval" and ends else ""

    def holds(self) -> bool:
        """Whether the mean keeps the bound whatever comes."""
        found = sure_mean(self.tally, self.scale, self.threshold.rule)
        return self.threshold.on == "mean" and _keeps(found, self.threshold, self.scale)

    def _interval_lost(self, mean: float) -> str:
        tally, rule = self.tally, self.threshold.rule
        exact = tally.pending == 0 or not (self.may_not_apply or tally.not_applicable)
        if not exact or tally.settled < self._next_look:
            return ""
        self._effective = self._effective or effective_rows(tally.rows, self.clusters)
        near = nearest_interval_end(mean, self._effective, self.scale, rule)
        if tally.not_applicable == 0 and not _misses(near, self.threshold, self.scale):
            return ""
        end = best_interval_end(tally, self.scale, rule, self.clusters)
        if not _misses(end, self.threshold, self.scale):
            self._next_look = tally.settled + max(1, len(tally.rows) // LOOKS)
            return ""
        side = "lower" if rule == "min" else "upper"
        return self._lost(f"{self.name}, {side} end of the 95 % interval,", end)

    def _lost(self, name: str, best: float) -> str:
        return lost(name, self.threshold, best, self.tally)


@dataclass
class PercentileBound:
    """A threshold on a percentile of latency or tokens; of its interval where rows are alone."""

    name: str
    threshold: ThresholdParameter
    percent: float
    tally: Tally
    least: Least
    clustered: bool = False

    def reason(self) -> str:
        """Why the threshold is lost; empty while it may hold."""
        if found := too_little(self.name, self.tally, self.least):
            return found
        on, rule = self.threshold.on, self.threshold.rule
        if on == "calibrated" or (on == "interval" and self.clustered):
            return ""
        name = self.name
        if on == "interval":
            side = "lower" if rule == "min" else "upper"
            name = f"{name}, {side} end of the 95 % interval,"
            best = best_percentile_end(self.tally, self.percent, rule)
        else:
            best = best_percentile(self.tally, self.percent, rule)
        if best is None:
            return f"{name} cannot be had of {len(self.tally.rows)} rows"
        endless = Scale(0.0, math.inf)
        return (
            lost(name, self.threshold, best, self.tally)
            if _misses(best, self.threshold, endless)
            else ""
        )

    def holds(self) -> bool:
        """Whether the percentile keeps the bound whatever comes."""
        found = sure_percentile(self.tally, self.percent, self.threshold.rule)
        endless = Scale(0.0, math.inf)
        return self.threshold.on == "mean" and _keeps(found, self.threshold, endless)


def _keeps(worst: float | None, threshold: ThresholdParameter, scale: Scale) -> bool:
    """Whether so bad a number keeps the bound, by more than rounding can take away."""
    if worst is None or not math.isfinite(worst):
        return False
    bound = threshold.bound
    hair = _hair(worst, bound, scale)
    return worst >= bound + hair if threshold.rule == "min" else worst <= bound - hair


def _hair(number: float, bound: float, scale: Scale) -> float:
    sizes = [abs(bound), abs(scale.low), abs(scale.high), abs(number)]
    return HAIR * max((size for size in sizes if math.isfinite(size)), default=0.0)


def _misses(best: float, threshold: ThresholdParameter, scale: Scale) -> bool:
    """Whether so good a number lies beyond the bound by more than rounding can make up."""
    bound = threshold.bound
    hair = _hair(best, bound, scale)
    return best < bound - hair if threshold.rule == "min" else best > bound + hair


def lost(name: str, threshold: ThresholdParameter, best: float, tally: Tally) -> str:
    """`Correctness cannot reach 0.7 any more: 0.412 at best (430 of 1,000 rows judged)`."""
    cannot, at = (
        ("cannot reach", "at best") if threshold.rule == "min"
        else ("cannot stay within", "at the least")
    )  # fmt: skip
    rows = len(tally.rows)
    judged = f"{tally.settled:,} of {rows:,} rows judged"
    worst = f"; {tally.missing:,} count as the worst" if tally.missing else ""
    return f"{name} {cannot} {threshold.bound:g} any more: {best:.4g} {at} ({judged}{worst})"
