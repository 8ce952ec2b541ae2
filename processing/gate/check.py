"""One threshold held against its metric, by the least favourable number of the metric."""

from __future__ import annotations

import math
from dataclasses import dataclass

from processing.config.gate import Rule
from processing.config.thresholds import ThresholdParameter
from processing.gate.metric import Metric
from processing.gate.worst_case import Bounds

WORST = 1e9
"""Stands for a metric without a number, on whichever side of the threshold fails.

Pipelines compares numbers only: a null would fail the condition step without saying why.
"""


@dataclass(frozen=True)
class Check:
    """One threshold held against its metric. `reason` is empty if it holds.

    `undecided`: the run ended before all was asked. What was asked does not miss the threshold, and
    what was not may.
    """

    threshold: ThresholdParameter
    metric: Metric
    number: float | None
    reason: str
    undecided: str = ""

    @property
    def passed(self) -> bool:
        return not self.reason and not self.undecided

    @property
    def compared(self) -> float:
        """The number that QualityGate compares; on the failing side where there is no number."""
        if self.number is not None:
            return self.number
        return -WORST if self.threshold.rule == "min" else WORST


def check(
    name: str,
    metric: Metric,
    threshold: ThresholdParameter,
    rows: int,
    *,
    kept_by_test: bool = False,
) -> Check:
    """The threshold held against the metric over the dataset's `rows`; `name` is how it is shown.

    Where the run ended before all was asked, what is compared is still the worst that the whole
    dataset could give, and the reason speaks of what was asked. Unless sequential tests have said
    that the bound is kept (`kept_by_test`): then what was asked stands for all.
    """
    number = compared_number(metric, threshold, rows)
    reason = missed(name, metric, threshold, number)
    if metric.asked is None or not reason:
        return Check(threshold, metric, number, reason)
    asked = metric.asked
    if asked.value is None:
        return Check(threshold, metric, number, "", f"{name} was not asked about a single row")
    of_asked = compared_number(asked, threshold, 0)
    said = missed(name, asked, threshold, of_asked)
    if kept_by_test and threshold.on == "mean":
        return Check(threshold, metric, of_asked, said)
    if said and threshold.on != "calibrated":
        return Check(threshold, metric, number, said)
    undecided = (
        f"{name} {asked.value:.4g} over the {asked.total:,} rows that were asked; "
        f"{metric.not_asked:,} were not"
    )
    return Check(threshold, metric, number, "", undecided)


def compared_number(metric: Metric, threshold: ThresholdParameter, rows: int) -> float | None:
    """The least favourable number that the metric can have over the dataset's `rows`.

    None where there is none: nothing measured, no interval, or missing rows whose worst case is
    not known.
    """
    if metric.value is None or not math.isfinite(metric.value):
        return None
    # a metric made without knowing of all rows: its worst case is not the worst
    if rows > metric.total + metric.not_applicable:
        return None
    if threshold.on == "calibrated":
        ends = metric.calibrated.worst if metric.calibrated else Bounds()
    elif threshold.on == "interval":
        ends = metric.worst_interval if metric.missing else Bounds(metric.low, metric.high)
    else:
        ends = metric.worst_value if metric.missing else Bounds(metric.value, metric.value)
    number = ends.low if threshold.rule == "min" else ends.high
    return number if number is not None and math.isfinite(number) else None


def missed(name: str, metric: Metric, threshold: ThresholdParameter, number: float | None) -> str:
    """Why `number` does not keep the threshold, in one clause; empty if it does."""
    why = f", {metric.frequent_error}" if metric.frequent_error else ""
    rests_on = f"n={metric.n}" + (f", {metric.errors} errors{why}" if metric.errors else "")
    if metric.value is None or not math.isfinite(metric.value):
        return f"{name} has no value ({rests_on})"
    if number is None and threshold.on == "calibrated":
        return _not_calibrated(name, metric)
    if number is None:
        return _no_number(name, metric)
    rule, bound = threshold.rule, threshold.bound
    if number >= bound if rule == "min" else number <= bound:
        return ""
    if threshold.on == "calibrated":
        shown = _calibrated(name, metric, rule, number)
        return f"{shown} {'<' if rule == 'min' else '>'} {rule} {bound:g}"
    if threshold.on == "interval":
        name = f"{name}, {'lower' if rule == 'min' else 'upper'} end of the 95 % interval,"
    if metric.missing:
        shown = f"{metric.value:.4g} over " if threshold.on == "mean" else ""
        rests_on = f"{shown}{rests_on}; {metric.missing} of {metric.total} rows count as the worst"
    return f"{name} {number:.4g} {'<' if rule == 'min' else '>'} {rule} {bound:g} ({rests_on})"


def _no_number(name: str, metric: Metric) -> str:
    if metric.missing or not metric.method:
        return (
            f"{name} has no number for {metric.missing} of {metric.total} rows, and how bad these "
            f"could be is not known (n={metric.n})"
        )
    return f"{name} has no 95 % interval to compare ({metric.method}; n={metric.n})"


def _calibrated(name: str, metric: Metric, rule: Rule, number: float) -> str:
    end = f"{'lower' if rule == 'min' else 'upper'} end of the 95 % interval"
    found = metric.calibrated
    if found is None or found.value is None:
        return f"{name}, corrected by people's labels, {end}, {number:.4g}"
    missing = metric.missing + found.drawn - found.labels
    worst = f"; {missing} rows without a verdict or a label count as the worst" if missing else ""
    return (
        f"{name}, corrected by {found.labels} labels of people to {found.value:.4g}, {end} "
        f"({metric.value:.4g} before, n={metric.n}{worst}), {number:.4g}"
    )


def _not_calibrated(name: str, metric: Metric) -> str:
    found = metric.calibrated
    if found is None:
        return f"{name} has no labels of people, so nothing corrects it (on: calibrated)"
    return (
        f"{name} has {found.labels} labels of these answers from people ({found.drawn} rows were "
        "drawn for labelling), which do not make an estimate (on: calibrated): label this model's "
        "answers, on the scorer's scale"
    )
