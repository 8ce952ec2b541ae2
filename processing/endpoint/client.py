"""The model endpoint: which model stands behind it, and asking it, with retries worth making."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from processing.base.aws_errors import with_hint
from processing.base.clean_text import storable
from processing.base.error_bodies import make_error_readable
from processing.base.errors import EndpointError
from processing.calls.rate_limit import RateLimit
from processing.config.endpoint import Endpoint
from processing.config.infrastructure import Infrastructure
from processing.endpoint.asynchronous import asynchronous_client
from processing.endpoint.invocation import Attempt, invoke
from processing.endpoint.reply import Reply

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 20.0


@dataclass(frozen=True)
class MeasuredModel:
    """The model that answers, as SageMaker describes it; never typed by hand.

    `source_uri` is the ARN that RegisterModel takes as SourceUri: the model package that the model
    was made from, or else the model. `revision` changes when the endpoint gets another
    configuration or the model is made anew, but not when the endpoint is scaled. `kept_as` is set
    for a candidate, whose endpoint is another one in every run: see `processing.candidate.package`.
    """

    endpoint_arn: str
    model_name: str
    source_uri: str
    revision: str
    kept_as: str = ""

    @property
    def identity(self) -> str:
        """What an answer is kept under."""
        return self.kept_as or f"{self.source_uri} {self.endpoint_arn} {self.revision}"


@dataclass(frozen=True)
class Call:
    """One question's way through the endpoint, retries included.

    Exactly one of `reply` and `error` is set, or neither: the endpoint was not asked (NOT_ASKED).
    `unusable` is what could be read of an answer that is none, such as the reasoning of a model
    that was cut off before it answered. `latency_ms` and the times (nanoseconds since 1970) are
    those of the last attempt alone, without any wait for its turn; `load` says in words under what
    they were measured. `ttft_ms` and `inter_token_ms` are a stream's time to the first token and
    mean time between two, None where its events do not tell.
    """

    reply: Reply | None
    error: str | None
    attempts: int
    latency_ms: float
    started_ns: int
    ended_ns: int
    unusable: Reply | None = None
    load: str = ""
    ttft_ms: float | None = None
    inter_token_ms: float | None = None

    @property
    def tokens_per_second(self) -> float | None:
        """A stream's output tokens by its latency; None where it does not say how many."""
        tokens = self.reply.output_tokens if self.reply else None
        if tokens is None or self.ttft_ms is None or self.latency_ms <= 0:
            return None
        return tokens / self.latency_ms * 1000

    @property
    def said(self) -> Reply | None:
        """What the model said, whether or not it is an answer."""
        return self.reply or self.unusable


STREAM_KEYS = ("ttft_ms", "inter_token_ms", "tokens_per_second")
"""What is measured of a stream alone."""

NOT_ASKED = Call(None, None, attempts=0, latency_ms=0.0, started_ns=0, ended_ns=0)
"""Nothing more was to be paid for: no answer, and no error of the endpoint's."""


def describe_model(client: Any, endpoint: Endpoint) -> MeasuredModel:
    """Look up the model behind the endpoint (a boto3 `sagemaker` client).

    Raises EndpointError if there is no such endpoint, if it is not InService, if it is of the other
    kind (`endpoint.asynchronous`), or if it does not say which one model answers.
    """
    from botocore.exceptions import ClientError

    try:
        described = client.describe_endpoint(EndpointName=endpoint.name)
        if described["EndpointStatus"] != "InService":
            raise EndpointError(
                f"endpoint {endpoint.name} is {described['EndpointStatus']}, not InService: "
                "wait for it, or name another with endpoint.name or EndpointName="
            )
        _require_kind(endpoint, is_asynchronous=bool(described.get("AsyncInferenceConfig")))
        model_name = _model_name(client, endpoint, described["EndpointConfigName"])
        model = client.describe_model(ModelName=model_name)
    except ClientError as error:
        raise EndpointError(
            f"endpoint {endpoint.name} cannot be described: {with_hint(error)}"
        ) from error
    containers = [model["PrimaryContainer"]] if "PrimaryContainer" in model else model["Containers"]
    package = str(containers[0].get("ModelPackageName", ""))
    return MeasuredModel(
        endpoint_arn=described["EndpointArn"],
        model_name=model_name,
        source_uri=package if package.startswith("arn:") else model["ModelArn"],
        revision=f"{described['EndpointConfigName']} {model['CreationTime']}",
    )


def _require_kind(endpoint: Endpoint, *, is_asynchronous: bool) -> None:
    if is_asynchronous and not endpoint.asynchronous:
        raise EndpointError(
            f"endpoint {endpoint.name} is asynchronous and refuses real-time calls: write "
            "asynchronous: true into endpoint:"
        )
    if endpoint.asynchronous and not is_asynchronous:
        raise EndpointError(
            f"endpoint {endpoint.name} is a real-time endpoint (its configuration has no "
            "AsyncInferenceConfig): take asynchronous out of endpoint:, or name another endpoint"
        )


def _model_name(client: Any, endpoint: Endpoint, config_name: str) -> str:
    if endpoint.inference_component:
        component = client.describe_inference_component(
            InferenceComponentName=endpoint.inference_component
        )
        name = component["Specification"].get("ModelName")
        if not name:
            raise EndpointError(
                f"inference component {endpoint.inference_component} was not made from a "
                "SageMaker model, so there is nothing to register: create it with ModelName"
            )
        return str(name)
    config = client.describe_endpoint_config(EndpointConfigName=config_name)
    variants = {variant["VariantName"]: variant for variant in config["ProductionVariants"]}
    chosen = [endpoint.variant] if endpoint.variant else list(variants)
    if len(chosen) != 1 or chosen[0] not in variants:
        raise EndpointError(
            f"endpoint {endpoint.name} has the variants {', '.join(variants)}: "
            "say in endpoint.variant which one is to be evaluated"
        )
    name = variants[chosen[0]].get("ModelName")
    if not name:
        raise EndpointError(
            f"endpoint {endpoint.name} hosts inference components: "
            "say in endpoint.inference_component which one is to be evaluated"
        )
    return str(name)


def runtime_client(
    endpoint: Endpoint, session: Any, infrastructure: Infrastructure | None = None
) -> Any:
    """A boto3 `sagemaker-runtime` client that leaves retrying to `ask`.

    For an asynchronous endpoint one with S3 beside it, which needs `infrastructure`.
    """
    from botocore.config import Config

    client = session.client(
        "sagemaker-runtime",
        config=Config(
            connect_timeout=5,
            read_timeout=endpoint.timeout_seconds,
            max_pool_connections=endpoint.most_at_once,
            # botocore would ask again after a read time-out while the first answer is still made
            retries={"mode": "standard", "total_max_attempts": 1},
        ),
    )
    for operation in ("InvokeEndpoint", "InvokeEndpointWithResponseStream", "InvokeEndpointAsync"):
        event = f"before-parse.sagemaker-runtime.{operation}"
        client.meta.events.register(event, make_error_readable)
    if endpoint.asynchronous is None:
        return client
    assert infrastructure is not None
    return asynchronous_client(client, session, infrastructure, endpoint.most_at_once)


def endpoint_rate_limit(endpoint: Endpoint, instances: int = 1) -> RateLimit:
    """How much the endpoint is asked at once, by one of `instances` that share its quotas."""
    return RateLimit(
        max(1, endpoint.most_at_once // instances),
        endpoint.requests_per_minute and endpoint.requests_per_minute / instances,
        endpoint.tokens_per_minute and endpoint.tokens_per_minute / instances,
        fixed=endpoint.fixed_concurrency is not None,
    )


def ask(
    client: Any,
    endpoint: Endpoint,
    body: dict[str, Any],
    rate_limit: RateLimit,
    begin: Callable[[], None] = lambda: None,
) -> Call:
    """Ask the endpoint, again where that can help, for at most `endpoint.retry_seconds`.

    `begin` is called before each attempt, and what it raises is raised. The time that an attempt
    waits for its turn is not part of its latency.
    """
    deadline = time.monotonic() + endpoint.retry_seconds
    attempts = 0
    while True:
        attempts += 1
        with rate_limit.turn() as turn:
            begin()
            started_ns = time.time_ns()
            attempt = invoke(client, endpoint, body)
            turn.throttled, turn.failed = attempt.throttled, attempt.error is not None
            turn.tokens = _tokens(attempt.reply or attempt.unusable)
        pause = _pause(attempts)
        over = attempts >= attempt.worth_asking or time.monotonic() + pause > deadline
        if attempt.error is None or over:
            return Call(
                attempt.reply,
                storable(attempt.error),
                attempts,
                attempt.latency_ms,
                started_ns,
                time.time_ns(),
                attempt.unusable,
                load=endpoint.load,
                ttft_ms=attempt.times.first_ms,
                inter_token_ms=attempt.times.inter_token_ms(_output_tokens(attempt)),
            )
        time.sleep(pause)


def _output_tokens(attempt: Attempt) -> int | None:
    said = attempt.reply or attempt.unusable
    return said.output_tokens if said else None


def _tokens(reply: Reply | None) -> int | None:
    return (reply.input_tokens or 0) + (reply.output_tokens or 0) if reply else None


def _pause(attempts: int) -> float:
    """Full jitter: Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015."""
    ceiling = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** (attempts - 1))
    return random.uniform(0, ceiling)
