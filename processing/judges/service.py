"""A judge's model as a service: its wire, its pace, and what asking it has cost.

MLflow's own route asks up to ten times with growing pauses, gives most of its judges neither
parameters nor an address, and RAGAS's and DeepEval's routes retry too. Here a call is made once;
whoever wants the verdict decides whether to ask again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import BaseModel

from processing.calls.rate_limit import RateLimit
from processing.calls.spend import Spend, judge_name
from processing.judges.verdict import JudgeError
from processing.judges.wire import JudgeReply, Messages, RequestRefused, Wire

if TYPE_CHECKING:
    from processing.config.judge import Judge


@dataclass
class JudgeService:
    """Shared by all scorers that ask one model at one address. Safe between threads."""

    model: str
    wire: Wire
    rate_limit: RateLimit
    spend: Spend | None = None
    _working: dict[str, str] = field(default_factory=dict)

    def ask(
        self, judge: Judge, messages: Messages, schema: type[BaseModel] | None
    ) -> tuple[JudgeReply, int]:
        """The reply, and how many requests it took. Raises JudgeError.

        Not every model can be held to a schema, and what Bedrock answers then is undocumented. So
        until one form has worked, a request that is called invalid is made again in the next form,
        down to none; each framework's prompt describes the JSON too.
        """
        asked = schema.__name__ if schema else ""
        known = self._working.get(asked)
        forms = (known,) if known else self.wire.forms if schema else ("plain",)
        refused = ""
        for requests, form in enumerate(forms, start=1):
            try:
                reply = self._once(judge, messages, schema, form)
            except RequestRefused as error:
                refused = str(error)
                continue
            self._working[asked] = form
            return reply, requests
        raise JudgeError(f"the judge failed: {refused}", retryable=False)

    def _once(
        self, judge: Judge, messages: Messages, schema: type[BaseModel] | None, form: str
    ) -> JudgeReply:
        name = judge_name(self.model)
        with self.rate_limit.turn() as turn:
            if self.spend is not None:
                self.spend.add(name, calls=1)
            try:
                reply = self.wire.ask(judge, messages, schema, form)
            except JudgeError as error:
                turn.throttled = error.throttled
                raise
            turn.tokens = reply.input_tokens + reply.output_tokens
        if self.spend is not None:
            self.spend.add(name, input_tokens=reply.input_tokens, output_tokens=reply.output_tokens)
        return reply


@dataclass(frozen=True)
class JudgeLine:
    """A judge as one scorer asks it: its settings, and the service at the other end."""

    judge: Judge
    service: JudgeService

    def ask(self, messages: Messages, schema: type[BaseModel] | None) -> tuple[JudgeReply, int]:
        return self.service.ask(self.judge, messages, schema)


def judge_lines(judges: Iterable[Judge], spend: Spend | None, instances: int) -> list[JudgeLine]:
    """A line for each judge, in order; judges of one model and address share their service.

    `instances` of a job share the model's quotas. Raises ConfigError for an unknown provider.
    """
    services: dict[tuple[str, str | None], JudgeService] = {}
    lines = []
    for judge in judges:
        address = (judge.model, judge.base_url)
        if address not in services:
            services[address] = _service(judge, spend, instances)
        lines.append(JudgeLine(judge, services[address]))
    return lines


def _service(judge: Judge, spend: Spend | None, instances: int) -> JudgeService:
    rate_limit = RateLimit(
        max(1, judge.concurrency // instances),
        _share(judge.requests_per_minute, instances),
        _share(judge.tokens_per_minute, instances),
    )
    return JudgeService(judge.model, _wire(judge), rate_limit, spend)


def _share(quota: float | None, instances: int) -> float | None:
    return quota / instances if quota else None


def _wire(judge: Judge) -> Wire:
    provider = judge.model.partition(":/")[0]
    if provider in ("bedrock", "amazon-bedrock", "bedrock/converse"):
        from processing.judges.bedrock import BedrockWire

        return BedrockWire(judge.concurrency)
    if provider == "openai" and judge.base_url:
        from processing.judges.openai import OpenAIWire

        return OpenAIWire()
    from processing.judges.litellm import LitellmWire

    return LitellmWire(judge)
