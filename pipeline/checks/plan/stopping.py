"""What stopping early is expected to save where a model is bad: before anything is paid for."""

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
"""So far beyond a bound, as a share of the scale, the true value of a bad model lies."""

DRAWS = 40
"""Random orders of the rows; their mean is told."""


@dataclass(frozen=True)
class Savings:
    """A model so far beyond one bound, by yes and no, is refused after `asked` of the rows.

    `calls` and `cost` are what the rest would have been; `cost` is None without prices.
    """

    bound: str
    distance: float
    asked: float
    calls: int
    cost: float | None


def savings(config: EvaluationConfig, rows: int, costs: Costs) -> tuple[Savings, ...]:
    """For the hard bound on a mean that is reached first, where a model is beyond it alone."""
    mode, error = config.stop_early.mode, config.stop_early.error
    if mode == "none" or rows < config.budgets.min_rows:
        return ()
    if config.infrastructure.evaluate.instance_count > 1:
        return ()
    tested = list(_tested(config))
    calls = sum(service.calls for service in costs.services)
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
        left = 1 - shares[name]
        money = None if costs.money is None else costs.money * left
        found.append(Savings(name, distance, shares[name], round(calls * left), money))
    return tuple(found)


def _tested(config: EvaluationConfig) -> Iterator[tuple[ThresholdParameter, Scale]]:
    scales = {spec.name: scale_of(spec) for spec in config.scorers}
    for bound in threshold_parameters(config.thresholds):
        scale = scales.get(bound.metric)
        if scale and not scale.assumed and bound.tier == "hard" and bound.on == "mean":
            yield bound, scale


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
    width = scale.high - scale.low
    least = (bound.bound - scale.low) / width
    least = least if bound.rule == "min" else 1 - least
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
