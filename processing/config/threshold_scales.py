"""Thresholds held against the scales of what they bound: one that nothing can pass, or fail.

Where a metric's numbers lie, `processing.config.scorer_numbers` says.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from processing.config.gate import Champion, Rule, Slice, Threshold
from processing.config.scorer_numbers import number_range, scale_in_words
from processing.config.scorers import ScorerSpec

Location = tuple[str | int, ...]


def threshold_problems(
    scorers: Sequence[ScorerSpec],
    thresholds: Mapping[str, Threshold],
    slices: Mapping[str, Slice],
    champion: Champion | None,
) -> Iterator[tuple[Location, str]]:
    """The key of each bound that no number of its metric can miss, or reach, and why."""
    known = {scorer.name: scorer for scorer in scorers}
    named: list[tuple[Location, str, Threshold]] = [
        (("thresholds", metric), metric, threshold) for metric, threshold in thresholds.items()
    ]
    for column, section in slices.items():
        named += [
            (("slices", column, "thresholds", metric), metric, threshold)
            for metric, threshold in section.thresholds.items()
        ]
    for location, metric, threshold in named:
        for rule, bound in threshold.bounds():
            if problem := bound_problem(known.get(metric), metric, rule, bound):
                yield (*location, rule), problem
    for metric, allowed in (champion.metrics if champion else {}).items():
        scorer = known.get(metric)
        low, high = number_range(scorer) if scorer else (-math.inf, math.inf)
        if scorer and allowed.margin > high - low:
            message = (
                f"{allowed.margin:g} is more than two means of {metric} can differ by: its scale "
                f"is {scale_in_words(scorer)}, so that no model could be too much worse"
            )
            yield ("champion", "metrics", metric, "margin"), message


def bound_problem(scorer: ScorerSpec | None, metric: str, rule: Rule, bound: float) -> str:
    """Why the bound decides nothing; empty if it can. Without a scorer: of latency or tokens."""
    low, high = number_range(scorer) if scorer else (0.0, math.inf)
    if low <= bound <= high:
        return ""
    passes = bound < low if rule == "min" else bound > high
    scale = f"its scale is {scale_in_words(scorer)}" if scorer else "it is never below 0"
    outcome = "every model would pass" if passes else "no model could pass"
    return f"{bound:g} lies off the scale of {metric}: {scale}, so that {outcome}"
