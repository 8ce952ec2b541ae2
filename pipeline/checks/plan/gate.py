"""How often a configuration's gate errs: each threshold and slice, and all of them together."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from pipeline.checks.plan.earlier import EarlierRun
from pipeline.checks.plan.rows import PlannedRows
from processing.base.visible_text import visible
from processing.config.model import EvaluationConfig
from processing.config.scorer_numbers import is_yes_or_no
from processing.config.scorers import ScorerSpec
from processing.config.thresholds import ThresholdParameter, threshold_parameters
from processing.gate.error_rates import WIDEST, Errors, any_false_stop, yes_no_errors
from processing.gate.error_rates_by_spread import (
    endless_errors,
    graded_errors,
    percentile_errors,
)
from processing.gate.intervals import deviation
from processing.gate.metric import scale_of

DISTANCE = 0.05
TOO_OFTEN = 0.2
FEWEST_SEEN = 5
"""Rows of an earlier run; fewer do not show how far its numbers spread."""


@dataclass(frozen=True)
class ThresholdErrors:
    """One bound of the file. `where`: `kind is "fact"` of a slice, else empty."""

    threshold: ThresholdParameter
    where: str
    errors: Errors

    @property
    def name(self) -> str:
        bound = f"{self.threshold.metric} {self.threshold.rule} {self.threshold.bound:g}"
        return f"{bound} where {self.where}" if self.where else bound

    @property
    def decides(self) -> bool:
        return self.threshold.tier == "hard"


@dataclass(frozen=True)
class GateErrors:
    """`unknown`: what has not been counted, and why."""

    distance: float
    thresholds: tuple[ThresholdErrors, ...]
    unknown: tuple[str, ...]

    @property
    def deciding(self) -> list[ThresholdErrors]:
        return [each for each in self.thresholds if each.decides]

    @property
    def any_false_stop(self) -> float:
        """That a model that is better at every threshold is stopped, if they err independently."""
        return any_false_stop(each.errors.false_stop for each in self.deciding)

    @property
    def any_false_stop_without_slices(self) -> float:
        return any_false_stop(each.errors.false_stop for each in self.deciding if not each.where)

    @property
    def least_false_stop(self) -> float:
        """The same if they err together."""
        return max((each.errors.false_stop for each in self.deciding), default=0.0)

    @property
    def worst_pass(self) -> ThresholdErrors | None:
        """The threshold that most often lets a model pass that is worse there, and there alone."""
        return max(self.deciding, key=lambda each: each.errors.false_pass, default=None)

    @property
    def rows_needed(self) -> int | None:
        """With so many rows none of the file's thresholds, slices aside, errs more than 5 %."""
        needed = [each.errors.rows_needed for each in self.deciding if not each.where]
        return None if None in needed else max((n for n in needed if n), default=None)

    @property
    def errs_too_often(self) -> bool:
        passes = self.worst_pass.errors.false_pass if self.worst_pass else 0.0
        return max(self.any_false_stop, passes) > TOO_OFTEN

    def line(self) -> str:
        """What `check` says."""
        said = f"a model {self.distance:g} better than every bound is stopped in " + (
            f"{percent(self.any_false_stop)} of runs"
        )
        if self.worst_pass:
            said += (
                f", one {self.distance:g} worse than {self.worst_pass.name} passes it in "
                f"{percent(self.worst_pass.errors.false_pass)}"
            )
        needed = self.rows_needed
        more = f"; with {needed:,} rows each threshold errs in 5 % at most" if needed else ""
        return f"{said}{more}"


def percent(chance: float) -> str:
    if 0 < chance < 0.005:
        return "under 1 %"
    return f"{100 * chance:.0f} %"


def gate_errors(
    config: EvaluationConfig,
    planned: PlannedRows,
    earlier: EarlierRun | None = None,
    distance: float = DISTANCE,
) -> GateErrors:
    """`distance`: how far the worse and the better model are from each bound, as a share of the
    metric's scale, or of the bound where it is a time or a count of tokens."""
    found: list[ThresholdErrors] = []
    unknown: list[str] = []
    specs = {spec.name: spec for spec in config.scorers}
    for threshold, where, held_on in _held(config, planned, unknown):
        if threshold.on == "calibrated":
            unknown.append(f"{threshold.metric} on calibrated: it depends on what people will say")
            continue
        spec, rows, counted = specs.get(threshold.metric), held_on, planned.count
        if spec and spec.options.may_not_apply():
            share = earlier.applies(spec.name) if earlier else None
            if share is None:
                unknown.append(f"{spec.name}: to how many rows it applies; --from RUN tells")
            else:
                rows, counted = max(1, int(rows * share)), int(counted * share)
        errors = (
            _of_scorer(threshold, spec, rows, distance, earlier)
            if spec
            else _of_measurement(threshold, rows, distance, earlier)
        )
        if errors is None:
            unknown.append(f"{threshold.metric}: its spread is not known without --from RUN")
            continue
        if not where:
            errors = _with_enough_rows(errors, counted, config.budgets.min_rows)
        found.append(ThresholdErrors(threshold, where, errors))
    if config.judges:
        unknown.append("judges: whether they agree with people is not known")
    if config.champion:
        compared = ", ".join(config.champion.metrics)
        unknown.append(f"champion ({compared}): how often two models differ on a row is not known")
    return GateErrors(distance, tuple(found), tuple(unknown))


def _with_enough_rows(errors: Errors, rows: int, least: int) -> Errors:
    """On fewer than `budgets.min_rows` the gate stays closed, whatever the model is like."""
    needed = errors.rows_needed and max(errors.rows_needed, least)
    if rows >= least:
        return replace(errors, rows_needed=needed)
    basis = f"fewer than budgets.min_rows {least}: the gate stays closed"
    return replace(errors, false_pass=0.0, false_stop=1.0, rows_needed=needed, basis=basis)


def _held(
    config: EvaluationConfig, planned: PlannedRows, unknown: list[str]
) -> Iterator[tuple[ThresholdParameter, str, int]]:
    """Each bound, the slice where it is held, and the rows that it rests on."""
    for threshold in threshold_parameters(config.thresholds):
        if threshold.tier != "monitor":
            yield threshold, "", planned.independent()
    for column, section in config.slices.items():
        if not planned.rows:
            unknown.append(f"slices.{column}: its rows are not on this machine")
            continue
        for value, row_ids in planned.slices(column).items():
            if planned.planned(row_ids) < section.min_rows:
                continue
            where = visible(f"{column} is {json.loads(value)}")
            for threshold in threshold_parameters(section.thresholds):
                if threshold.tier != "monitor":
                    yield threshold, where, planned.independent(row_ids)


def _of_scorer(
    threshold: ThresholdParameter,
    spec: ScorerSpec,
    rows: int,
    distance: float,
    earlier: EarlierRun | None,
) -> Errors | None:
    scale = scale_of(spec)
    if is_yes_or_no(spec):
        return yes_no_errors(threshold, scale, rows, distance)
    seen = earlier.scores(spec.name) if earlier else []
    if scale.assumed:
        return _of_measured(threshold, seen, rows, distance)
    if len(seen) < FEWEST_SEEN:
        return yes_no_errors(threshold, scale, rows, distance, WIDEST)
    return graded_errors(threshold, scale, seen, rows, distance)


def _of_measurement(
    threshold: ThresholdParameter, rows: int, distance: float, earlier: EarlierRun | None
) -> Errors | None:
    """`latency_p95_ms`, `output_tokens_mean` and the like; None where nothing is known of them."""
    what, _, kind = threshold.metric.removesuffix("_ms").rpartition("_")
    key = f"{what}_ms" if threshold.metric.endswith("_ms") else what
    seen = earlier.measured(key) if earlier else []
    percent = None if kind == "mean" else float(kind.removeprefix("p"))
    return _of_measured(threshold, seen, rows, distance, percent)


def _of_measured(
    threshold: ThresholdParameter,
    seen: Sequence[float],
    rows: int,
    distance: float,
    percent: float | None = None,
) -> Errors | None:
    """Of what has no scale: its mean, or a percentile; None where too little is known."""
    if len(seen) < FEWEST_SEEN or threshold.bound <= 0 or deviation(seen) == 0:
        return None
    if percent is None:
        return endless_errors(threshold, seen, rows, distance)
    return percentile_errors(threshold, percent, seen, rows, distance)
