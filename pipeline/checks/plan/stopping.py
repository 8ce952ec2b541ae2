"""What stopping early is expected to save where a model is bad, or good, before paying."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.checks.plan.cost import Costs
from processing.config.model import EvaluationConfig
from processing.config.stop_early import Mode
from processing.config.thresholds import ThresholdParameter, threshold_parameters
from processing.gate.betting import SequentialTest
from processing.gate.metric import scale_of
from processing.gate.worst_case import Scale

DISTANCES = (0.2, 0.05)
"""So far from a bound, as a share of the scale, a model's true value lies."""

DRAWS = 40
"""Random orders of the rows; their mean is told."""


@dataclass(frozen=True)
class Savings:
    """A model so far beyond one bound, by yes and no, is refused after `asked` of the rows; or one
    that is so much better than every bound is `passed`, the last of them being `bound`.

    `calls` and `cost` are what the rest would have been; `cost` is None without prices.
    """

    bound: str
    distance: float
    asked: float
    calls: int
    cost: float | None
    passed: bool = False


def savings(config: EvaluationConfig, rows: int, costs: Costs) -> tuple[Savings, ...]:
    """For the hard bound on a mean that is reached first, where a model is beyond it alone."""
    mode, error = config.stop_early.mode, config.stop_early.error
    if mode == "none" or rows < config.budgets.min_rows:
        return ()
    if config.infrastructure.evaluate.instance_count > 1:
        return ()
    tested = list(_tested(config))
    found = []
    for distance in DISTANCES:
        shares = {
            f"{bound.metric} {bound.rule} {bound.bound:g}": share
            for bound, scale in tested
            if (share := _asked(bound, scale, rows, distance, mode=mode, error=error / len(tested)))
            is not None
        }
        if not shares:
            continue
        name = min(shares, key=shares.__getitem__)
        found.append(_saved(name, distance, shares[name], costs))
    if config.stop_early.passes and not waits_for_all(config):
        found += [_passed(config, rows, distance, costs) for distance in DISTANCES]
    return tuple(each for each in found if each.calls)


def waits_for_all(config: EvaluationConfig) -> list[str]:
    """What no test decides, so that a pass waits for its rows (`for: both`)."""
    tested = {bound for bound, _ in _tested(config)}
    hard = [b for b in threshold_parameters(config.thresholds) if b.tier == "hard"]
    champion = [f"champion.metrics.{name}" for name in config.champion.metrics] if (
        config.champion
    ) else []  # fmt: skip
    nothing = [
        f"budgets.{key}: 0"
        for key in ("max_endpoint_error_share", "max_judge_error_share", "max_cut_answer_share")
        if getattr(config.budgets, key) == 0
    ]
    return [*(b.metric for b in hard if b not in tested), *champion, *nothing]


def _saved(
    name: str, distance: float, asked: float, costs: Costs, *, passed: bool = False
) -> Savings:
    calls = sum(service.calls for service in costs.services)
    money = None if costs.money is None else costs.money * (1 - asked)
    return Savings(name, distance, asked, round(calls * (1 - asked)), money, passed)


def _passed(config: EvaluationConfig, rows: int, distance: float, costs: Costs) -> Savings:
    """Where nothing fails: its last bound is a threshold, or a budget, which many rows show."""
    error, budgets = config.stop_early.error, config.budgets
    shares = {
        f"{bound.metric} {bound.rule} {bound.bound:g}": _kept_after(
            _least(bound, scale), rows, distance, error
        )
        for bound, scale in _tested(config)
    }
    for key in ("max_endpoint_error_share", "max_judge_error_share", "max_cut_answer_share"):
        if (most := getattr(budgets, key)) is not None and most < 1:
            shares[f"budgets.{key} {most:g}"] = _kept_after(1 - most, rows, most, error)
    name = max(shares, key=shares.__getitem__)
    asked = max(shares[name], min(1.0, budgets.min_rows / rows))
    apart = " (slices apart)" if config.slices else ""
    return _saved(f"{name}{apart}", distance, asked, costs, passed=True)


def _kept_after(least: float, rows: int, distance: float, error: float) -> float:
    """The share of the rows after which a mean so much above `least` is shown to be above it."""
    good = min(rows, round((least + distance) * rows))
    places, draws = 0, DRAWS if good < rows else 1
    for seed in range(draws):
        drawn = [1.0] * good + [0.0] * (rows - good)
        random.Random(seed).shuffle(drawn)
        test = SequentialTest(rows, "min", least, Scale(), error=error, outcome="passed")
        for place, number in enumerate(drawn):
            test.settle(place, number)
            if test.decided:
                break
        places += test.decided_after or rows
    return places / (draws * rows)


def _tested(config: EvaluationConfig) -> Iterator[tuple[ThresholdParameter, Scale]]:
    scales = {spec.name: scale_of(spec) for spec in config.scorers}
    for bound in threshold_parameters(config.thresholds):
        scale = scales.get(bound.metric)
        if scale and not scale.assumed and bound.tier == "hard" and bound.on == "mean":
            yield bound, scale


def _least(bound: ThresholdParameter, scale: Scale) -> float:
    """The bound on a scale of 0 to 1 on which more is better for it."""
    share = (bound.bound - scale.low) / (scale.high - scale.low)
    return share if bound.rule == "min" else 1 - share


def _asked(
    bound: ThresholdParameter,
    scale: Scale,
    rows: int,
    distance: float,
    *,
    mode: Mode,
    error: float,
) -> float | None:
    """The share of the rows after which it is refused; None where no model can be so bad."""
    least = _least(bound, scale)
    good = round((least - distance) * rows)
    if good < 0 or not 0 < least <= 1:
        return None
    places = 0
    for seed in range(DRAWS):
        drawn = [1.0] * good + [0.0] * (rows - good)
        random.Random(seed).shuffle(drawn)
        places += _refused_after(drawn, least, error if mode == "confident" else None)
    return places / (DRAWS * rows)


def _refused_after(drawn: list[float], least: float, error: float | None) -> int:
    """Rows in this order until a mean of `least` is out of reach, or as good as (`error`)."""
    rows, lost = len(drawn), 0
    test = SequentialTest(rows, "min", least, Scale(), error=error or 0.05, outcome="refused")
    for place, number in enumerate(drawn):
        lost += number == 0
        if error is not None:
            test.settle(place, number)
        if rows - lost < least * rows - 1e-9 or test.decided:
            return place + 1
    return rows
