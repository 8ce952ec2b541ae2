"""Latency and tokens: the metrics that every evaluation makes, whatever the scorers."""

from __future__ import annotations

import math
from collections.abc import Sequence

from processing.endpoint.answers import Answer
from processing.gate.cut_answers import CutAnswers
from processing.gate.metric import Metric, mean_metric, percentile_metric
from processing.gate.worst_case import Scale

PERCENTS = (50, 95, 99)
MOST_TOKENS = 10**9
"""Of one row. An endpoint that says more, or less than none, has not said how many."""

TIMES_AND_COUNTS = Scale(0.0, math.inf, higher_is_better=False)


def measure(answers: Sequence[Answer]) -> dict[str, Metric]:
    """Metrics by name (`processing.config.MEASUREMENTS`): milliseconds, and tokens a row.

    Rests on the answered rows; tokens only on those where the endpoint said how many. A row that
    was never answered counts as infinitely slow where a percentile is held against a threshold.
    """
    replies = [(answer.call, answer.call.reply) for answer in answers if answer.call.reply]
    latencies = [call.latency_ms for call, _ in replies]
    rows = len(answers)
    metrics = {
        f"latency_p{percent}_ms": percentile_metric(latencies, percent, rows=rows)
        for percent in PERCENTS
    }
    metrics["latency_mean_ms"] = mean_metric(latencies, rows=rows, scale=TIMES_AND_COUNTS)
    return (
        metrics
        | _token_metrics("input_tokens", [reply.input_tokens for _, reply in replies], rows)
        | _token_metrics("output_tokens", [reply.output_tokens for _, reply in replies], rows)
    )


def cut_answers(answers: Sequence[Answer]) -> CutAnswers:
    """How many answers end at the token limit, those among them that are of no use otherwise."""
    said = [answer.cut for answer in answers if answer.call.said is not None]
    known = [cut for cut in said if cut is not None]
    return CutAnswers(cut=sum(known), known=len(known), total=len(said))


def _token_metrics(name: str, counts: Sequence[int | None], rows: int) -> dict[str, Metric]:
    known = [float(count) for count in counts if count is not None and 0 <= count <= MOST_TOKENS]
    errors = len(counts) - len(known)
    mean = mean_metric(known, errors=errors, rows=rows, scale=TIMES_AND_COUNTS)
    return {f"{name}_mean": mean} | {
        f"{name}_p{percent}": percentile_metric(known, percent, errors=errors, rows=rows)
        for percent in PERCENTS
    }
