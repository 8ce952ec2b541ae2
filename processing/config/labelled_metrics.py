"""What the file says of people's labels, held against its scorers and thresholds."""

from __future__ import annotations

import math
from collections.abc import Iterator

from processing.base.suggestion import did_you_mean
from processing.config.model import EvaluationConfig
from processing.config.scorer_numbers import number_range
from processing.config.threshold_scales import Location

NEEDS_LABELS = "needs people's labels: labels: labels.csv, or dataset.columns.labels"


def labelling_problems(config: EvaluationConfig) -> Iterator[tuple[Location, str]]:
    """The key of each mistake in labels, judges and thresholds with `on: calibrated`, and why."""
    names = [scorer.name for scorer in config.scorers]
    for scorer in config.dataset.columns.labels:
        if scorer not in names:
            hint = did_you_mean(scorer, names)
            message = f"no scorer is called {scorer!r}{hint}; there are {', '.join(names)}"
            yield ("dataset", "columns", "labels", scorer), message
    if config.judges:
        if not config.has_labels:
            yield ("judges",), NEEDS_LABELS
        if unknown := config.judges.unknown(names):
            yield ("judges", "scorers"), unknown
        elif not config.scorers_under_judges():
            yield (
                ("judges",),
                "no scorer that asks a judge can close the gate: name some",
            )
    yield from _calibrated(config)


def _calibrated(config: EvaluationConfig) -> Iterator[tuple[Location, str]]:
    scorers = {scorer.name: scorer for scorer in config.scorers}
    for column, section in config.slices.items():
        for name, threshold in section.thresholds.items():
            if threshold.on == "calibrated":
                message = (
                    "calibrated is for `thresholds`: the labels are a draw of all rows, and too "
                    "few of them are in one slice; take mean or interval"
                )
                yield ("slices", column, "thresholds", name, "on"), message
    for name, threshold in config.thresholds.items():
        scorer = scorers.get(name)
        if threshold.on != "calibrated":
            continue
        where: Location = ("thresholds", name, "on")
        if scorer is None:
            yield (
                where,
                f"calibrated is for scorers; people cannot label {name}",
            )
        elif not config.has_labels:
            yield where, f"calibrated {NEEDS_LABELS}"
        elif not all(map(math.isfinite, number_range(scorer))):
            yield where, f"calibrated needs to know where {name}'s numbers lie: give it a range:"
        elif config.dataset.cluster is not None:
            message = (
                "calibrated does not go together with dataset.cluster: the labels are a draw of "
                "rows that are taken for independent, and the interval would be too narrow; take "
                "mean or interval, or leave cluster out if the rows do not belong together"
            )
            yield where, message
