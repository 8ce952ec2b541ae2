"""Latency, tokens and streams: the metrics that an evaluation makes, whatever the scorers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from processing.endpoint.answers import Answer
from processing.endpoint.client import STREAM_KEYS
from processing.gate.clusters import Clusters, RowClusters
from processing.gate.cut_answers import CutAnswers
from processing.gate.metric import Metric, mean_metric, percentile_metric
from processing.gate.settled_answer import SettledAnswer
from processing.gate.worst_case import RATES, TIMES_AND_COUNTS

PERCENTS, LOW_PERCENTS = (50, 95, 99), (50, 5, 1)
MOST_TOKENS = 10**9
"""Of one row. An endpoint that says more, or less than none, has not said how many."""


def measure(
    answers: Sequence[Answer],
    clusters: Mapping[str, str] | None = None,
    *,
    stream: bool = False,
) -> dict[str, Metric]:
    """Metrics by name (`MEASUREMENTS` and `STREAM_MEASUREMENTS` of processing.config.model).

    Milliseconds, tokens a row, and with `stream` tokens a second. Rests on the answered rows; on
    those alone that have the number, as tokens where the endpoint said how many. A row that was
    never answered counts as infinitely slow where a percentile is held against a threshold.
    `clusters`: row id -> what the row belongs to.
    """
    metrics = _measured(answers, clusters, stream=stream)
    load = load_of(answers)
    metrics = {n: replace(m, load=load) if is_time(n) else m for n, m in metrics.items()}
    asked = [answer for answer in answers if answer.asked]
    if len(asked) == len(answers):
        return metrics
    over_asked = _measured(asked, clusters, stream=stream)
    return {name: replace(metric, asked=over_asked[name]) for name, metric in metrics.items()}


def is_time(metric: str) -> bool:
    """Whether the load that the endpoint is under makes a difference to it."""
    return metric.endswith("_ms") or metric.startswith("tokens_per_second")


def load_of(answers: Sequence[Answer]) -> str:
    """Under what the answers were measured; where it differs among them, with how many each."""
    loads = Counter(answer.call.load for answer in answers if answer.call.reply)
    loads.pop("", None)
    if len(loads) < 2:
        return "".join(loads)
    return ", and ".join(f"{load} ({rows} rows)" for load, rows in loads.most_common())


def _measured(
    answers: Sequence[Answer], clusters: Mapping[str, str] | None, *, stream: bool
) -> dict[str, Metric]:
    replies = [answer.call.reply for answer in answers]
    latencies = [answer.latency_ms if answer.call.reply else None for answer in answers]
    inputs = [_possible(reply.input_tokens) if reply else None for reply in replies]
    outputs = [_possible(reply.output_tokens) if reply else None for reply in replies]
    answered = sum(reply is not None for reply in replies)
    of = None if clusters is None else [clusters[answer.row.row_id] for answer in answers]
    found = (
        _metrics("latency_{}_ms", latencies, answered, of)
        | _metrics("input_tokens_{}", inputs, answered, of)
        | _metrics("output_tokens_{}", outputs, answered, of)
    )
    if not stream:
        return found
    first, between, rates = (_of_streams(answers, key) for key in STREAM_KEYS)
    return (
        found
        | _metrics("ttft_{}_ms", first, answered, of)
        | _metrics("inter_token_{}_ms", between, answered, of)
        | _metrics("tokens_per_second_{}", rates, answered, of, rate=True)
    )


def _of_streams(answers: Sequence[Answer], key: str) -> list[float | None]:
    return [getattr(answer.call, key) if answer.call.reply else None for answer in answers]


def settled_answer(answer: Answer) -> SettledAnswer:
    """What `measure`, `cut_answers` and the budgets will count of it."""
    reply = answer.call.reply
    return SettledAnswer(
        answered=reply is not None,
        failed=bool(answer.call.error),
        said=answer.call.said is not None,
        cut=answer.cut,
        latency_ms=answer.latency_ms,
        input_tokens=_possible(reply.input_tokens) if reply else None,
        output_tokens=_possible(reply.output_tokens) if reply else None,
        ttft_ms=answer.call.ttft_ms,
        inter_token_ms=answer.call.inter_token_ms,
        tokens_per_second=answer.call.tokens_per_second,
    )


def cut_answers(answers: Sequence[Answer]) -> CutAnswers:
    """How many answers end at the token limit, those among them that are of no use otherwise."""
    said = [answer.cut for answer in answers if answer.call.said is not None]
    known = [cut for cut in said if cut is not None]
    return CutAnswers(cut=sum(known), known=len(known), total=len(said))


def _possible(count: int | None) -> float | None:
    return float(count) if count is not None and 0 <= count <= MOST_TOKENS else None


def _metrics(
    name: str,
    numbers: Sequence[float | None],
    answered: int,
    clusters: Clusters | None,
    *,
    rate: bool = False,
) -> dict[str, Metric]:
    """Percentiles and mean of the rows that have a number; the others of `answered` are errors."""
    known = [number for number in numbers if number is not None]
    errors, rows, together = answered - len(known), len(numbers), None
    if clusters is not None:
        by_row = list(zip(clusters, numbers, strict=True))
        together = RowClusters(
            [cluster for cluster, number in by_row if number is not None],
            [cluster for cluster, number in by_row if number is None],
        )
    scale = RATES if rate else TIMES_AND_COUNTS
    mean = mean_metric(known, errors=errors, rows=rows, scale=scale, clusters=together)
    return {
        name.format(f"p{percent}"): percentile_metric(
            known, percent, errors=errors, rows=rows, clusters=together, higher_is_better=rate
        )
        for percent in (LOW_PERCENTS if rate else PERCENTS)
    } | {name.format("mean"): mean}
