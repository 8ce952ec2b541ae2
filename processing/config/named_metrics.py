"""Metrics that thresholds, slices and the champion name: an evaluation has to make them."""

from __future__ import annotations

from collections.abc import Iterator

from processing.base.suggestion import did_you_mean
from processing.config.model import MEASUREMENTS, STREAM_MEASUREMENTS, EvaluationConfig
from processing.config.threshold_scales import Location
from processing.config.thresholds import threshold_parameters


def naming_problems(config: EvaluationConfig) -> Iterator[tuple[Location, str]]:
    """The key of each name that is no metric's, and of each slice that is none."""
    metrics = ", ".join(config.metrics)
    for metric in config.thresholds:
        if message := _compares(config, metric):
            yield ("thresholds", metric), message
        elif metric in STREAM_MEASUREMENTS and metric not in config.metrics:
            yield ("thresholds", metric), "is measured of a stream: set endpoint.stream: true"
        elif metric not in config.metrics and metric not in MEASUREMENTS:
            hint = did_you_mean(metric, config.metrics)
            message = f"no scorer makes the metric {metric!r}{hint}; the metrics are {metrics}"
            yield ("thresholds", metric), message
    parameters = [parameter.name for parameter in threshold_parameters(config.thresholds)]
    for name in sorted({name for name in parameters if parameters.count(name) > 1}):
        message = f"two thresholds would both be the pipeline parameter {name}; rename a scorer"
        yield ("thresholds",), message
    yield from _slices_and_champion(config)


def _slices_and_champion(config: EvaluationConfig) -> Iterator[tuple[Location, str]]:
    scorers = [scorer.name for scorer in config.scorers]
    used = config.dataset.columns.names
    named: list[Location] = [
        ("slices", column, "thresholds", name)
        for column, section in config.slices.items()
        for name in section.thresholds
    ]
    for metric in config.monitoring.drift.max_drop if config.monitoring.drift else ():
        if metric not in config.metrics:
            hint = did_you_mean(metric, config.metrics)
            message = f"no scorer makes the metric {metric!r}{hint}"
            yield ("monitoring", "drift", "max_drop", metric), message
    if config.champion:
        named += [("champion", "metrics", name) for name in config.champion.metrics]
    for location in named:
        name = str(location[-1])
        if message := _compares(config, name):
            yield location, message
        elif name not in scorers:
            hint = did_you_mean(name, scorers)
            yield location, f"no scorer is called {name!r}{hint}; there are {', '.join(scorers)}"
    for column in config.slices:
        if column in used:
            yield ("slices", column), "is a column that the model sees or is judged by, not a slice"


def _compares(config: EvaluationConfig, name: str) -> str:
    """Why nothing can be bounded by that scorer; empty if it is none that compares two runs."""
    if all(scorer.name != name for scorer in config.pairwise_scorers):
        return ""
    return (
        f"{name} is pairwise: it says which of two runs' answers is better, in `compare` alone, "
        "and is no metric of an evaluation; take this entry out"
    )
