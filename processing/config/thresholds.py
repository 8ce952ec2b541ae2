"""Thresholds as the pipeline's parameters carry them, and what they were given at start."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from processing.base.errors import ConfigError
from processing.config.gate import On, Rule, Threshold, Tier
from processing.config.scorers import ScorerSpec
from processing.config.threshold_scales import bound_problem


@dataclass(frozen=True)
class ThresholdParameter:
    """One bound of one threshold, and the pipeline parameter that carries it.

    A slice's bound has none: it is what the file says.
    """

    name: str
    metric: str
    rule: Rule
    bound: float
    on: On = "mean"
    tier: Tier = "hard"


def threshold_parameters(thresholds: Mapping[str, Threshold]) -> list[ThresholdParameter]:
    """`{"rougeL_fmeasure": {min: 0.3}}` -> `[MinRougeLFmeasure = 0.3]`, in the file's order."""
    return [
        ThresholdParameter(
            f"{rule.capitalize()}{camel_case(metric)}",
            metric,
            rule,
            bound,
            threshold.on,
            threshold.tier,
        )
        for metric, threshold in thresholds.items()
        for rule, bound in threshold.bounds()
    ]


SliceKey = tuple[str, str]
"""A dataset's column, and one of its values as JSON."""


def bound_name(threshold: ThresholdParameter, where: SliceKey | None = None) -> str:
    """`Correctness where topic is "heart" min 0.7`: no two bounds of a file have the same."""
    sliced = f" where {where[0]} is {where[1]}" if where else ""
    return f"{threshold.metric}{sliced} {threshold.rule} {threshold.bound:g}"


def camel_case(name: str) -> str:
    """`rougeL_fmeasure` -> `RougeLFmeasure`.

    EventBridge targets refuse pipeline parameter names with underscores.
    """
    words = [word for word in re.split(r"[^A-Za-z0-9]+", name) if word]
    return "".join(word[0].upper() + word[1:] for word in words)


def override(
    parameters: list[ThresholdParameter], given: list[str], scorers: Sequence[ScorerSpec]
) -> list[ThresholdParameter]:
    """Apply `NAME=NUMBER` arguments, as the pipeline's parameters were when it was started.

    Raises ConfigError for a name that is no threshold's, or a value that is no finite number, or
    lies off the metric's scale.
    """
    bounds = dict(_parse(argument, parameters) for argument in given)
    known = {scorer.name: scorer for scorer in scorers}
    for parameter in parameters:
        bound = bounds.get(parameter.name)
        if bound is None:
            continue
        scorer = known.get(parameter.metric)
        if problem := bound_problem(scorer, parameter.metric, parameter.rule, bound):
            raise ConfigError(f"{parameter.name}={bound:g}: {problem}")
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
