"""Calls, tokens, money and time of an evaluation, by service, before any of it is paid for.

What an earlier run measured is taken where there is one, and the estimates of this module where
not. Nothing is subtracted for answers and verdicts that are kept from earlier.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.checks.plan.earlier import EarlierRun
from pipeline.checks.plan.judge_calls import ASSUMED_PASSAGES
from pipeline.checks.plan.rows import PlannedRows
from pipeline.checks.plan.scorer_calls import (
    ScorerCalls,
    context_of,
    pairwise_calls,
    scorer_calls,
)
from pipeline.checks.plan.tokens import counter
from processing.calls.spend import ENDPOINT
from processing.config.endpoint import Endpoint
from processing.config.judge import Judge, judge_name
from processing.config.model import EvaluationConfig
from processing.config.prices import Usage
from processing.dataset.rows import Row
from processing.endpoint.payload import request_body
from processing.endpoint.prompt import fill
from processing.gate.scorer_record import judges_asked

ENDPOINT_SECONDS, JUDGE_SECONDS = 3.0, 2.0
"""Of a call, where no earlier run has measured it; those of docs/scale.md."""

INSTRUCTIONS_TOKENS, VERDICT_TOKENS, PASSAGE_TOKENS = 500, 120, 200
"""Of a judge's call beside the row's own texts, and of its reply; those of docs/scale.md. A judge
that thinks writes several times as many."""

START_SECONDS = 4.0
COUNTED = 300
"""Rows whose tokens are counted; the others have as many."""


@dataclass(frozen=True)
class ServiceCost:
    """`cost` is None without `prices`. `seconds` is how long it takes alone, bound by `limit`.

    `basis` says where calls and tokens are from.
    """

    service: str
    calls: int
    input_tokens: int
    output_tokens: int
    cost: float | None
    seconds: float
    limit: str
    basis: str


@dataclass(frozen=True)
class Costs:
    """`pairwise` is not paid now: `compare` asks it of each two runs. Nor is `rejudge`, unless the
    champion was judged otherwise: so many calls at most, on its answers.
    """

    services: tuple[ServiceCost, ...]
    scorers: tuple[ScorerCalls, ...]
    pairwise: tuple[ScorerCalls, ...]
    rejudge: int = 0

    @property
    def money(self) -> float | None:
        """In the prices' currency; None where any service has no price."""
        found = [service.cost for service in self.services]
        return None if None in found else math.fsum(cost or 0 for cost in found)

    @property
    def unpriced(self) -> list[str]:
        return [service.service for service in self.services if service.cost is None]

    @property
    def slowest(self) -> ServiceCost | None:
        """What the time depends on: answers and verdicts are asked for side by side.

        None where nobody is asked: the answers are given, and no scorer has a judge.
        """
        return max(self.services, key=lambda service: service.seconds, default=None)

    @property
    def seconds(self) -> float:
        return START_SECONDS + (self.slowest.seconds if self.slowest else 0)


def costs(config: EvaluationConfig, planned: PlannedRows, earlier: EarlierRun | None) -> Costs:
    sample = planned.rows[:COUNTED]
    scorers = scorer_calls(config, planned)
    services = []
    if not config.dataset.answers_given:
        services.append(_endpoint(config, planned, sample, earlier))
    for judge in _services(config):
        asked = [each for each in scorers if each.service == judge_name(judge.model)]
        services.append(_judge(config, judge, asked, sample, earlier))
    return Costs(
        tuple(services),
        tuple(scorers),
        tuple(pairwise_calls(config, planned)),
        rejudge=_rejudge_calls(config, scorers),
    )


def _rejudge_calls(config: EvaluationConfig, scorers: Sequence[ScorerCalls]) -> int:
    if config.champion is None or not config.champion.rejudge:
        return 0
    named = [each for each in scorers if each.scorer in config.champion.metrics]
    return math.ceil(math.fsum(each.a_row * each.rows for each in named))


def _services(config: EvaluationConfig) -> list[Judge]:
    """A judge of each name that money is spent under, with its quotas as the first one has them."""
    named: dict[str, Judge] = {}
    for spec in config.scorers:
        for judge in config.judges_of(spec):
            named.setdefault(judge_name(judge.model), judge)
    return list(named.values())


def _endpoint(
    config: EvaluationConfig,
    planned: PlannedRows,
    sample: Sequence[Row],
    earlier: EarlierRun | None,
) -> ServiceCost:
    endpoint = config.endpoint
    tokens_in, tokens_out, basis = _endpoint_tokens(endpoint, sample, earlier)
    latencies = earlier.measured("latency_ms") if earlier else []
    seconds, measured = (_mean(latencies) / 1000, True) if latencies else (ENDPOINT_SECONDS, False)
    return _service(
        ENDPOINT,
        config,
        planned.count + endpoint.warm_up,
        (tokens_in, tokens_out),
        quotas=endpoint,
        call_seconds=seconds,
        basis=f"{basis}; {_latency(seconds, measured=measured)}",
    )


def _latency(seconds: float, *, measured: bool) -> str:
    return f"{seconds:.3g} s a call " + ("as measured" if measured else "assumed")


def _endpoint_tokens(
    endpoint: Endpoint, sample: Sequence[Row], earlier: EarlierRun | None
) -> tuple[float, float, str]:
    """Tokens of a call, in and out, and where the figures are from."""
    if earlier and earlier.measured("input_tokens") and earlier.measured("output_tokens"):
        tokens_in, tokens_out = map(_mean, map(earlier.measured, ("input_tokens", "output_tokens")))
        return tokens_in, tokens_out, f"tokens measured by {earlier.name}"
    count, how = counter()
    if not sample:
        return float(INSTRUCTIONS_TOKENS), float(VERDICT_TOKENS), "tokens assumed"
    tokens_in = _mean(count(_prompt(endpoint, row)) for row in sample)
    tokens_out = _mean(count(row.expected_response) for row in sample)
    return tokens_in, tokens_out, f"tokens of prompt and expected answer by {how}"


def _prompt(endpoint: Endpoint, row: Row) -> str:
    if endpoint.format == "template":
        return json.dumps(request_body(endpoint, row), ensure_ascii=False)
    return f"{endpoint.system_prompt or ''}\n{fill(endpoint.prompt, row, endpoint)}"


def _judge(
    config: EvaluationConfig,
    judge: Judge,
    asked: Sequence[ScorerCalls],
    sample: Sequence[Row],
    earlier: EarlierRun | None,
) -> ServiceCost:
    name = judge_name(judge.model)
    calls = math.fsum(each.calls for each in asked)
    tokens_in, tokens_out, basis = _judge_tokens(config, name, sample)
    paid = earlier.paid(name) if earlier else {}
    if earlier and paid.get("calls"):
        cached = paid.get("cache_read_tokens", 0) + paid.get("cache_write_tokens", 0)
        tokens_in = (paid["input_tokens"] + cached) / paid["calls"]
        tokens_out = paid["output_tokens"] / paid["calls"]
        basis = f"tokens a call measured by {earlier.name}"
        if factor := _measured_calls(earlier, name, paid, asked):
            calls *= factor
            basis = f"calls and tokens measured by {earlier.name}"
    return _service(
        name,
        config,
        math.ceil(calls),
        (tokens_in, tokens_out),
        quotas=judge,
        call_seconds=JUDGE_SECONDS,
        basis=f"{basis}; {_latency(JUDGE_SECONDS, measured=False)}",
    )


def _measured_calls(
    earlier: EarlierRun, name: str, paid: Mapping[str, Any], asked: Sequence[ScorerCalls]
) -> float | None:
    """Calls of the earlier run for each that the tables have; None where it does not tell.

    It tells if it had the same scorers and paid for all of their verdicts, retries included.
    """
    theirs = {
        scorer
        for scorer, definition in (earlier.document.get("scorers") or {}).items()
        if name in (judge_name(judge) for judge in judges_asked(definition))
    }
    ours = {each.scorer for each in asked if each.rows}
    rows = earlier.document["counts"]["answered"]
    if paid["reused"] or theirs != ours or not rows:
        return None
    swapped = earlier.swapped
    expected = math.fsum(
        each.a_row * (rows * bool(each.rows) + swapped.get((each.scorer, name), 0))
        for each in asked
    )
    return paid["calls"] / expected if expected else None


def _judge_tokens(
    config: EvaluationConfig, name: str, sample: Sequence[Row]
) -> tuple[float, float, str]:
    count, how = counter()
    specs = [
        spec
        for spec in config.scorers
        if name in (judge_name(judge.model) for judge in config.judges_of(spec))
    ]
    told = f"{INSTRUCTIONS_TOKENS} tokens of instructions and {VERDICT_TOKENS} of verdict a call"
    if not sample:
        return INSTRUCTIONS_TOKENS * 2.0, float(VERDICT_TOKENS), f"{told}, and as many of the row"
    texts = _mean(count(_texts(row)) for row in sample)
    if config.has_retrieved and not config.dataset.answers_given:
        context = float(ASSUMED_PASSAGES * PASSAGE_TOKENS)
        told += f", {PASSAGE_TOKENS} of each retrieved passage"
    else:
        context = _mean(count("\n".join(context_of(row))) for row in sample)
    share = _mean(float(spec.needs_context) for spec in specs)
    tokens_in = INSTRUCTIONS_TOKENS + texts + share * context
    return tokens_in, float(VERDICT_TOKENS), f"{told}, and the row's texts by {how}"


def _texts(row: Row) -> str:
    """What was said, and in the place of an answer that is not given the expected one too."""
    before = (text for turn in row.history for text in turn.texts)
    answer = row.given.text if row.given else row.expected_response
    return "\n".join([*before, row.question, answer, row.expected_response])


def _service(
    service: str,
    config: EvaluationConfig,
    calls: int,
    tokens: tuple[float, float],
    *,
    quotas: Endpoint | Judge,
    call_seconds: float,
    basis: str,
) -> ServiceCost:
    tokens_in, tokens_out = (math.ceil(calls * each) for each in tokens)
    price = config.prices.get(service)
    cost = None if price is None else price.cost(Usage(tokens_in, tokens_out))
    at_once = quotas.most_at_once if isinstance(quotas, Endpoint) else quotas.concurrency
    times = {f"concurrency {at_once}": calls * call_seconds / at_once}
    if quotas.requests_per_minute:
        limit = f"requests_per_minute {quotas.requests_per_minute:g}"
        times[limit] = 60 * calls / quotas.requests_per_minute
    if quotas.tokens_per_minute:
        limit = f"tokens_per_minute {quotas.tokens_per_minute:g}"
        times[limit] = 60 * (tokens_in + tokens_out) / quotas.tokens_per_minute
    binding = max(times, key=times.__getitem__)
    return ServiceCost(service, calls, tokens_in, tokens_out, cost, times[binding], binding, basis)


def _mean(values: Iterable[float]) -> float:
    """0 of none."""
    found = list(values)
    return math.fsum(found) / len(found) if found else 0.0
