"""`stop_early: {for: both}` beside what only a whole run can decide."""

from __future__ import annotations

from collections.abc import Iterator

from processing.config.gate import Threshold
from processing.config.model import EvaluationConfig
from processing.config.threshold_scales import Location

_OR = "or leave out for: both (refusals are then early, and passes are not)"


def early_pass_problems(config: EvaluationConfig) -> Iterator[tuple[Location, str]]:
    """Bounds on an interval or on corrected numbers need all rows, and so do judges' labels."""
    if not config.stop_early.passes:
        return
    for location, threshold in _bounds(config):
        if threshold.tier == "hard" and threshold.on != "mean":
            message = (
                f"is {threshold.on}, which needs all rows, and stop_early passes on fewer "
                f"(for: both): use on: mean, {_OR}"
            )
            yield (*location, "on"), message
    if config.judges is not None:
        message = (
            "needs all labelled answers, and stop_early passes on fewer (for: both): leave this "
            f"out, {_OR}"
        )
        yield ("judges",), message
    if config.monitoring.drift and config.monitoring.drift.max_drop:
        message = (
            "is held against runs of all rows, and stop_early passes on fewer (for: both): leave "
            f"it out, {_OR}"
        )
        yield ("monitoring", "drift", "max_drop"), message


def _bounds(config: EvaluationConfig) -> Iterator[tuple[Location, Threshold]]:
    for name, threshold in config.thresholds.items():
        yield ("thresholds", name), threshold
    for column, section in config.slices.items():
        for name, threshold in section.thresholds.items():
            yield ("slices", column, "thresholds", name), threshold
