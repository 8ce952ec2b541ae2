"""The verdict: every threshold against its metric, and closed whenever there is any doubt.

What a threshold is compared with is the worst case over the rows that have no number (see
`processing.gate.worst_case`). With the dataset given, a row that loses its number, for whatever
reason, and a further row that never had one, can therefore close the gate but never open it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from processing.config.gate import Tier
from processing.config.thresholds import ThresholdParameter
from processing.gate.worst_case import Bounds

if TYPE_CHECKING:
    from processing.config.gate import Budgets
    from processing.gate.champion import ChampionVerdict
    from processing.gate.slices import SlicesVerdict

WORST = 1e9
"""Stands for a metric without a number, on whichever side of the threshold fails.

Pipelines compares numbers only: a null would fail the condition step without saying why.
"""


@dataclass(frozen=True)
class Metric:
    """A metric and what it rests on.

    `n` rows gave a number and `errors` answered rows should have but did not; `value` is None
    without rows. `rows` is how many rows the dataset (or the slice) has: those that are in neither
    count got no answer. `low` to `high` is the 95 % interval, by `method`, over the `n` rows.
    `worst_value` and `worst_interval` are what value and interval could have been had the missing
    rows had numbers.
    """

    value: float | None
    n: int
    errors: int = 0
    standard_deviation: float | None = None
    low: float | None = None
    high: float | None = None
    method: str = ""
    higher_is_better: bool = True
    rows: int | None = None
    worst_value: Bounds = Bounds()  # noqa: RUF009 (frozen)
    worst_interval: Bounds = Bounds()  # noqa: RUF009

    @property
    def error_share(self) -> float:
        """errors / (n + errors), or 1 where nothing was scored."""
        total = self.n + self.errors
        return self.errors / total if total else 1.0

    @property
    def total(self) -> int:
        """All rows that should have had a number."""
        return max(self.rows or 0, self.n + self.errors)

    @property
    def missing(self) -> int:
        """Rows without a number, for whatever reason."""
        return self.total - self.n

    @property
    def coverage(self) -> float:
        """n / rows of the dataset, or 0 where there are none."""
        return self.n / self.total if self.total else 0.0


@dataclass(frozen=True)
class Check:
    """One threshold held against its metric. `reason` is empty if it holds."""

    threshold: ThresholdParameter
    metric: Metric
    number: float | None
    reason: str

    @property
    def passed(self) -> bool:
        return not self.reason

    @property
    def compared(self) -> float:
        """The number that QualityGate compares; on the failing side where there is no number."""
        if self.number is not None:
            return self.number
        return -WORST if self.threshold.rule == "min" else WORST


@dataclass(frozen=True)
class Verdict:
    """Everything that was held against what was measured; computed once, shown everywhere."""

    checks: tuple[Check, ...]
    budget_reasons: tuple[str, ...]
    slices: SlicesVerdict | None = None
    champion: ChampionVerdict | None = None

    @property
    def passed(self) -> bool:
        return any(check.threshold.tier == "hard" for check in self.checks) and not self.reasons

    @property
    def reasons(self) -> tuple[str, ...]:
        """What keeps the gate shut."""
        return (
            *self.budget_reasons,
            *self._missed("hard"),
            *(self.slices.reasons if self.slices else ()),
            *(self.champion.reasons if self.champion else ()),
        )

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know, and what does not keep the gate shut."""
        return (
            *self._missed("soft"),
            *(self.slices.warnings if self.slices else ()),
            *(self.champion.warnings if self.champion else ()),
        )

    def _missed(self, tier: Tier) -> list[str]:
        return [check.reason for check in self.checks
                if check.reason and check.threshold.tier == tier]  # fmt: skip

    @property
    def summary(self) -> str:
        """One line for GateFailed and the table.

        At most 900 characters: a step's failure reason holds 1,024.
        """
        if self.passed:
            missed = any(not check.passed for check in self.checks)
            held = [c for c in self.checks if not missed or c.threshold.tier == "hard"]
            text = f"all {len(held)}{' hard' if missed else ''} thresholds hold"
            if self.warnings:
                text += f"; {len(self.warnings)} warning(s)"
        else:
            text = f"{len(self.reasons)} reason(s): " + "; ".join(self.reasons)
        return text if len(text) <= 900 else text[:897] + "..."


def judge(
    metrics: Mapping[str, Metric],
    thresholds: list[ThresholdParameter],
    budgets: Budgets,
    *,
    rows: int,
    endpoint_errors: int,
    slices: SlicesVerdict | None = None,
    champion: ChampionVerdict | None = None,
) -> Verdict:
    """Hold every threshold and budget against what was measured.

    `rows` is how many rows the dataset has; `endpoint_errors` how many of them got no answer.
    """
    checks = []
    for threshold in thresholds:
        metric = metrics.get(threshold.metric, Metric(value=None, n=0))
        number = compared_number(metric, threshold, rows)
        reason = _over_metric_budget(threshold.metric, metric, budgets)
        reason = reason or missed(threshold.metric, metric, threshold, number)
        checks.append(Check(threshold, metric, number, reason))
    lost = max((c.metric.errors for c in checks if c.threshold.tier == "hard"), default=0)
    over = _over_budget(budgets, rows, endpoint_errors, lost)
    return Verdict(tuple(checks), over, slices, champion)


def compared_number(metric: Metric, threshold: ThresholdParameter, rows: int) -> float | None:
    """The least favourable number that the metric can have over the dataset's `rows`.

    None where there is none: nothing measured, no interval, or missing rows whose worst case is
    not known.
    """
    if metric.value is None or not math.isfinite(metric.value):
        return None
    if rows > metric.total:  # made without knowing of all rows: its worst case is not the worst
        return None
    if threshold.on == "interval":
        ends = metric.worst_interval if metric.missing else Bounds(metric.low, metric.high)
    else:
        ends = metric.worst_value if metric.missing else Bounds(metric.value, metric.value)
    number = ends.low if threshold.rule == "min" else ends.high
    return number if number is not None and math.isfinite(number) else None


def missed(name: str, metric: Metric, threshold: ThresholdParameter, number: float | None) -> str:
    """Why `number` does not keep the threshold, in one clause; empty if it does."""
    rests_on = f"n={metric.n}" + (f", {metric.errors} errors" if metric.errors else "")
    if metric.value is None or not math.isfinite(metric.value):
        return f"{name} has no value ({rests_on})"
    if number is None:
        return _no_number(name, metric)
    rule, bound = threshold.rule, threshold.bound
    if number >= bound if rule == "min" else number <= bound:
        return ""
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


def _over_metric_budget(name: str, metric: Metric, budgets: Budgets) -> str:
    if metric.value is None or not math.isfinite(metric.value):
        return ""  # said by `missed`
    if metric.n < budgets.min_rows:
        return f"{name} rests on {metric.n} rows, fewer than min_rows {budgets.min_rows}"
    if metric.error_share > budgets.max_judge_error_share:
        return (
            f"{name} could not be scored for {metric.errors} of {metric.n + metric.errors} rows, "
            f"over max_judge_error_share {budgets.max_judge_error_share:g}"
        )
    return ""


def _over_budget(
    budgets: Budgets, rows: int, endpoint_errors: int, scorer_errors: int
) -> tuple[str, ...]:
    """The endpoint's share is of the rows that it failed on or that were scored.

    Rows on which a scorer failed do not dilute it.
    """
    reasons = []
    if rows < budgets.min_rows:
        reasons.append(f"the dataset has {rows} rows, fewer than min_rows {budgets.min_rows}")
    counted = max(rows - scorer_errors, endpoint_errors)
    if counted and endpoint_errors / counted > budgets.max_endpoint_error_share:
        reasons.append(
            f"the endpoint failed on {endpoint_errors} of {counted} rows, "
            f"over max_endpoint_error_share {budgets.max_endpoint_error_share:g}"
        )
    return tuple(reasons)
