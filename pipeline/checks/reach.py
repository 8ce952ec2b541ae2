"""Thresholds that not even a perfect model could meet on so few rows."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from pipeline.checks.dataset import usable_rows
from pipeline.definition.bundle import Bundle
from processing.base.errors import ConfigError
from processing.config.gate import Rule, Threshold
from processing.config.scorers import ScorerSpec
from processing.gate.metric import scale_of, scorer_metric
from processing.gate.paired import paired_mean

COUNTED_ROWS = 10_000
"""A longer file is taken to have rows enough."""


def check_reach(bundle: Bundle, config_name: str) -> None:
    """Raises ConfigError, a line for each budget or threshold that nothing can meet.

    The interval of rows that all have the best score still has a worse end, the fewer the worse.
    """
    rows = _most_rows(bundle)
    problems = [f"{config_name}: {problem}" for problem in _problems(bundle, rows)]
    if problems:
        raise ConfigError("\n".join(problems))


def _problems(bundle: Bundle, rows: int | None) -> Iterator[str]:
    config = bundle.config
    least = config.budgets.min_rows
    if rows is not None and rows < least:
        yield (
            f"budgets.min_rows: {least} is more than the {rows} rows that are evaluated "
            "(dataset.sample_size, or all there are), so that no model could pass"
        )
        return
    scorers = {scorer.name: scorer for scorer in config.scorers}
    named = {f"thresholds.{metric}": (metric, t) for metric, t in config.thresholds.items()}
    for column, section in config.slices.items():
        for metric, threshold in section.thresholds.items():
            named[f"slices.{column}.thresholds.{metric}"] = (metric, threshold)
    for key, (metric, threshold) in named.items():
        if threshold.on == "interval" and threshold.tier == "hard" and metric in scorers:
            yield from _out_of_reach(key, scorers[metric], threshold, rows)
    yield from _margins(bundle, rows)


def _margins(bundle: Bundle, rows: int | None) -> Iterator[str]:
    """Rows on which two models are equally good still leave room for a difference."""
    champion = bundle.config.champion
    if champion is None or rows is None:
        return
    scales = {scorer.name: scale_of(scorer) for scorer in bundle.config.scorers}
    for name, metric in champion.metrics.items():
        scale = scales[name]
        if scale.assumed:
            continue
        low = paired_mean([0.0] * rows, scale.high - scale.low).low
        if low is not None and low < -metric.margin:
            yield (
                f"champion.metrics.{name}.margin: {metric.margin:g} is out of reach: were all of "
                f"{rows} rows as good as the champion's, this model might still be worse by "
                f"{-low:.4g}; widen it, or take more rows"
            )


def _out_of_reach(
    key: str, scorer: ScorerSpec, threshold: Threshold, rows: int | None
) -> Iterator[str]:
    scale = scale_of(scorer)
    if scale.assumed:
        return
    for rule, bound in threshold.bounds():
        best = scale.high if rule == "min" else scale.low
        if rows is None and bound != best:
            continue
        count = COUNTED_ROWS if rows is None else rows
        reached = _worse_end(scorer, rule, best, count)
        if reached is not None and (reached < bound if rule == "min" else reached > bound):
            of_so_many = "of any number of rows" if rows is None else f"of {rows} rows"
            yield (
                f"{key}.{rule}: {bound:g} with on: interval is out of reach: were {of_so_many} all "
                f"{best:g}, the interval would end at {reached:.4g}; lower it, or take more rows"
            )


def _worse_end(scorer: ScorerSpec, rule: Rule, best: float, rows: int) -> float | None:
    metric = scorer_metric([best] * rows, scale=scale_of(scorer), numbers="monotone")
    return metric.low if rule == "min" else metric.high


def _most_rows(bundle: Bundle) -> int | None:
    """So many rows are evaluated at most; None where that is not known here."""
    sample = bundle.config.dataset.sample_size or None
    if bundle.dataset_upload is None:
        return sample
    most = COUNTED_ROWS + 1
    counted = sum(1 for _ in itertools.islice(usable_rows(bundle), most))
    found = [number for number in (sample, counted) if number and number < most]
    return min(found, default=None)
