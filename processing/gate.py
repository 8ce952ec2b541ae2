"""The verdict: every threshold against its metric, and closed whenever there is any doubt."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from processing.errors import ConfigError

if TYPE_CHECKING:
    from processing.config import Budgets, Threshold

Rule = Literal["min", "max"]

WORST = 1e9
"""Stands for a metric without a number, on whichever side of the threshold fails.

Pipelines compares numbers only: a null would fail the condition step without saying why.
"""


@dataclass(frozen=True)
class Metric:
    """A metric and what it rests on.

    `n` rows gave a number and `errors` rows should have but did not; `value` is None without rows.
    """

    value: float | None
    n: int
    errors: int = 0
    standard_deviation: float | None = None

    @property
    def error_share(self) -> float:
        """errors / (n + errors), or 1 where nothing was scored."""
        total = self.n + self.errors
        return self.errors / total if total else 1.0


@dataclass(frozen=True)
class ThresholdParameter:
    """One bound of one threshold, as the pipeline parameter that carries it."""

    name: str
    metric: str
    rule: Rule
    bound: float


@dataclass(frozen=True)
class Check:
    """One threshold held against its metric. `reason` is empty if it holds."""

    threshold: ThresholdParameter
    metric: Metric
    reason: str

    @property
    def passed(self) -> bool:
        return not self.reason

    @property
    def compared(self) -> float:
        """The number that QualityGate compares; on the failing side where there is no number."""
        value = self.metric.value
        if value is not None and math.isfinite(value):
            return value
        return -WORST if self.threshold.rule == "min" else WORST


@dataclass(frozen=True)
class Verdict:
    checks: tuple[Check, ...]
    budget_reasons: tuple[str, ...]

    @property
    def passed(self) -> bool:
        return bool(self.checks) and not self.reasons

    @property
    def reasons(self) -> tuple[str, ...]:
        return self.budget_reasons + tuple(c.reason for c in self.checks if c.reason)

    @property
    def summary(self) -> str:
        """One line for GateFailed and the table.

        At most 900 characters: a step's failure reason holds 1,024.
        """
        if self.passed:
            return f"all {len(self.checks)} thresholds hold"
        text = f"{len(self.reasons)} reason(s): " + "; ".join(self.reasons)
        return text if len(text) <= 900 else text[:897] + "..."


def threshold_parameters(thresholds: Mapping[str, Threshold]) -> list[ThresholdParameter]:
    """`{"rougeL_fmeasure": {min: 0.3}}` -> `[MinRougeLFmeasure = 0.3]`, in the file's order."""
    from processing.config import camel_case

    return [
        ThresholdParameter(f"{rule.capitalize()}{camel_case(metric)}", metric, rule, bound)
        for metric, threshold in thresholds.items()
        for rule, bound in _bounds(threshold)
    ]


def _bounds(threshold: Threshold) -> list[tuple[Rule, float]]:
    pairs: list[tuple[Rule, float | None]] = [("min", threshold.min), ("max", threshold.max)]
    return [(rule, bound) for rule, bound in pairs if bound is not None]


def override(parameters: list[ThresholdParameter], given: list[str]) -> list[ThresholdParameter]:
    """Apply `NAME=NUMBER` arguments, as the pipeline's parameters were when it was started.

    Raises ConfigError for a name that is no threshold's, or a value that is no finite number.
    """
    bounds = dict(_parse(argument, parameters) for argument in given)
    return [replace(p, bound=bounds.get(p.name, p.bound)) for p in parameters]


def _parse(argument: str, parameters: list[ThresholdParameter]) -> tuple[str, float]:
    name, _, text = argument.partition("=")
    names = [parameter.name for parameter in parameters]
    if name not in names:
        raise ConfigError(
            f"--threshold {argument}: no threshold is called {name!r}; there are {', '.join(names)}"
        )
    try:
        bound = float(text)
    except ValueError:
        bound = math.nan
    if not math.isfinite(bound):
        raise ConfigError(f"--threshold {argument}: {text!r} is not a finite number")
    return name, bound


def judge(
    metrics: Mapping[str, Metric],
    thresholds: list[ThresholdParameter],
    budgets: Budgets,
    *,
    rows: int,
    endpoint_errors: int,
) -> Verdict:
    """Hold every threshold and budget against what was measured.

    `rows` is how many rows the dataset has; `endpoint_errors` how many of them got no answer.
    """
    checks = []
    for threshold in thresholds:
        metric = metrics.get(threshold.metric, Metric(value=None, n=0))
        checks.append(Check(threshold, metric, _missed(threshold, metric, budgets)))
    return Verdict(tuple(checks), _over_budget(budgets, rows, endpoint_errors))


def _missed(threshold: ThresholdParameter, metric: Metric, budgets: Budgets) -> str:
    name = threshold.metric
    rests_on = f"n={metric.n}" + (f", {metric.errors} errors" if metric.errors else "")
    if metric.value is None or not math.isfinite(metric.value):
        return f"{name} has no value ({rests_on})"
    if metric.n < budgets.min_rows:
        return f"{name} rests on {metric.n} rows, fewer than min_rows {budgets.min_rows}"
    if metric.error_share > budgets.max_judge_error_share:
        return (
            f"{name} could not be scored for {metric.errors} of {metric.n + metric.errors} rows, "
            f"over max_judge_error_share {budgets.max_judge_error_share:g}"
        )
    if threshold.rule == "min" and not metric.value >= threshold.bound:
        return f"{name} {metric.value:.4g} < min {threshold.bound:g} ({rests_on})"
    if threshold.rule == "max" and not metric.value <= threshold.bound:
        return f"{name} {metric.value:.4g} > max {threshold.bound:g} ({rests_on})"
    return ""


def _over_budget(budgets: Budgets, rows: int, endpoint_errors: int) -> tuple[str, ...]:
    reasons = []
    if rows < budgets.min_rows:
        reasons.append(f"the dataset has {rows} rows, fewer than min_rows {budgets.min_rows}")
    if rows and endpoint_errors / rows > budgets.max_endpoint_error_share:
        reasons.append(
            f"the endpoint failed on {endpoint_errors} of {rows} rows, "
            f"over max_endpoint_error_share {budgets.max_endpoint_error_share:g}"
        )
    return tuple(reasons)
