"""A judge's model as a service: its wire, its rate limit, and what asking it has cost.

MLflow's own route asks up to ten times with growing pauses, gives most of its judges neither
parameters nor an address, and RAGAS's and DeepEval's routes retry too. Here a call is made once;
the scorer that wants the verdict decides whether to ask again. Only a call that the judge throttles
is made again here: throttling costs time, and neither an attempt nor the verdict's other calls.
"""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pydantic import BaseModel

from processing.base.clean_text import storable
from processing.base.secrets import without_own_secrets
from processing.calls.rate_limit import RateLimit
from processing.calls.spend import Spend
from processing.calls.stop import NotAsked
from processing.config.judge import judge_name
from processing.judges.accepted import Accepted
from processing.judges.kept_replies import KeptReplies
from processing.judges.silence import Silence
from processing.judges.verdict import JudgeError, NotJudged
from processing.judges.wire import Form, JudgeReply, Messages, RequestRefused, Wire

if TYPE_CHECKING:
    from processing.config.judge import Judge


FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 15.0
"""Between two tries of a throttled call, with full jitter."""

SETTLING_SECONDS = 15.0
"""So long the others wait for the first call to a judge."""


@dataclass
class JudgeService:
    """Shared by all scorers that ask one model at one address. Safe between threads."""

    model: str
    wire: Wire
    rate_limit: RateLimit
    spend: Spend | None = None
    replies: KeptReplies = field(default_factory=KeptReplies)
    silence: Silence = field(init=False)
    accepted: Accepted = field(init=False)
    _first: threading.Lock = field(default_factory=threading.Lock)
    _settled: threading.Event = field(default_factory=threading.Event)
    _answered: bool = False
    _gone: JudgeError | None = None

    def __post_init__(self) -> None:
        self.silence = Silence(self.model)
        self.accepted = Accepted(self.model, self.wire.forms)

    def ask(
        self, judge: Judge, messages: Messages, schema: type[BaseModel] | None
    ) -> tuple[JudgeReply, int]:
        """The reply, and how many requests it took. Raises JudgeError.

        The first call is made alone: what the model refuses is refused once, and not as often as
        calls are made at once.
        """
        if self._settled.is_set():
            return self._accepted(judge, messages, schema)
        if not self._first.acquire(blocking=False):
            self._settled.wait(SETTLING_SECONDS)
            return self._accepted(judge, messages, schema)
        try:
            return self._accepted(judge, messages, schema)
        finally:
            self._settled.set()

    def _accepted(
        self, judge: Judge, messages: Messages, schema: type[BaseModel] | None
    ) -> tuple[JudgeReply, int]:
        """A refused request is made again without what is refused, down to none of it.

        Each framework's prompt describes the JSON too.
        """
        asked = schema.__name__ if schema else ""
        form = self.accepted.form(judge, asked)
        for requests in itertools.count(1):
            try:
                reply = self._unthrottled(judge, messages, schema, form)
            except RequestRefused as error:
                form = self.accepted.instead(judge, asked, form, error)
                continue
            self.accepted.works(asked, form)
            return reply, requests
        raise AssertionError("every refusal leaves out something, or is raised")

    def _unthrottled(
        self, judge: Judge, messages: Messages, schema: type[BaseModel] | None, form: Form
    ) -> JudgeReply:
        """Makes a throttled call again until its pauses come to `judge.retry_seconds`.

        The time that a call waits for its turn is not counted: the rate limit makes it wait.
        """
        left = judge.retry_seconds
        ceiling = FIRST_PAUSE_SECONDS
        while True:
            try:
                return self._once(judge, messages, schema, form)
            except JudgeError as error:
                pause = random.uniform(0, ceiling)
                if not error.throttled or pause > left:
                    raise
            time.sleep(pause)
            left -= pause
            ceiling = min(2 * ceiling, LONGEST_PAUSE_SECONDS)

    def _once(
        self, judge: Judge, messages: Messages, schema: type[BaseModel] | None, form: Form
    ) -> JudgeReply:
        name = judge_name(self.model)
        with self.rate_limit.turn() as turn:
            if self._gone is not None:
                raise self._gone
            if self.silence.given_up:
                reason = f"the judge failed ({self.silence.given_up})"
                raise JudgeError(reason, retryable=False, timed_out=True)
            if self.spend is not None:
                try:
                    self.spend.begin(name)
                except NotAsked as stop:
                    raise NotJudged(str(stop)) from stop
            try:
                reply = self.wire.ask(judge, messages, schema, form)
                reply = replace(reply, text=without_own_secrets(storable(reply.text)))
            except JudgeError as error:
                turn.throttled = error.throttled
                if error.timed_out:
                    self.silence.timed_out(judge.timeout_seconds)
                if error.final and not self._answered:
                    self._gone = error
                raise
            self.silence.answered()
            self._answered = True
            turn.tokens = reply.prompt_tokens + reply.output_tokens
        if self.spend is not None:
            self.spend.add(
                name,
                input_tokens=reply.input_tokens,
                output_tokens=reply.output_tokens,
                cache_read_tokens=reply.cache_read_tokens,
                cache_write_tokens=reply.cache_write_tokens,
            )
        return reply


@dataclass(frozen=True)
class JudgeLine:
    """A judge as one scorer asks it: its settings, and the service at the other end."""

    judge: Judge
    service: JudgeService

    def ask(self, messages: Messages, schema: type[BaseModel] | None) -> tuple[JudgeReply, int]:
        return self.service.ask(self.judge, messages, schema)

    def left_out(self) -> list[str]:
        """What the model has refused of these requests, and is asked without."""
        return self.service.accepted.left_out(self.judge)


RepliesOf = Callable[["Judge"], KeptReplies]
"""Where a judge's replies are kept."""


def judge_lines(
    judges: Iterable[Judge],
    spend: Spend | None,
    instances: int,
    replies_of: RepliesOf,
) -> list[JudgeLine]:
    """A line for each judge, in order; judges of one model and address share their service.

    `instances` of a job share the model's quotas. Raises ConfigError for an unknown provider.
    """
    services: dict[tuple[str, str | None], JudgeService] = {}
    lines = []
    for judge in judges:
        address = (judge.model, judge.base_url)
        if address not in services:
            services[address] = _service(judge, spend, instances, replies_of(judge))
        lines.append(JudgeLine(judge, services[address]))
    return lines


def _service(
    judge: Judge, spend: Spend | None, instances: int, replies: KeptReplies
) -> JudgeService:
    rate_limit = RateLimit(
        max(1, judge.concurrency // instances),
        _share(judge.requests_per_minute, instances),
        _share(judge.tokens_per_minute, instances),
    )
    return JudgeService(judge.model, _wire(judge), rate_limit, spend, replies)


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
