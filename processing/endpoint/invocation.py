"""One attempt at asking the endpoint: sent, read, and judged whether another could end better.

Sources: SageMaker Runtime API reference, InvokeEndpoint, InvokeEndpointWithResponseStream and
InvokeEndpointAsync; botocore retries/standard.py (botocore does not retry ModelError 424,
ModelNotReadyException 429 or InternalDependencyException 530).
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from typing import Any

from processing.config.endpoint import Endpoint
from processing.endpoint.asynchronous import AsynchronousFailure
from processing.endpoint.body_bytes import LONGEST_BODY
from processing.endpoint.payload import read_reply
from processing.endpoint.reply import Reply, UnusableReply
from processing.endpoint.streamed import TokenTimes, read_stream

RETRYABLE_CODES = {
    "ModelNotReadyException",
    "ThrottlingException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "InternalFailure",
    "InternalServerException",
    "InternalDependencyException",
    "InternalStreamFailure",
    "ModelStreamError",
}
ONCE, A_FEW, AS_TIME_ALLOWS = 1, 3, 1_000_000
"""How often to ask in all: a refusal stays one, a garbled answer may not, throttling passes."""


@dataclass(frozen=True)
class Attempt:
    """What came of it. `latency_ms` is from sending to the last byte, whatever that was."""

    reply: Reply | None = None
    error: str | None = None
    worth_asking: int = ONCE
    throttled: bool = False
    unusable: Reply | None = None
    latency_ms: float = 0.0
    times: TokenTimes = TokenTimes()  # noqa: RUF009 (frozen)


def invoke(client: Any, endpoint: Endpoint, body: dict[str, Any]) -> Attempt:
    """Ask once; `client` is what `runtime_client` makes."""
    start = time.perf_counter()
    ended: float | None = None
    times = TokenTimes()
    try:
        answered, times = _sent(client, endpoint, body, start)
        ended = time.perf_counter()
        attempt = _read(endpoint, answered)
    except Exception as error:  # noqa: BLE001 botocore's reader raises what it likes; ends no row
        attempt = _failed(error)
    took = ((ended or time.perf_counter()) - start) * 1000
    return replace(attempt, latency_ms=took, times=times)


def _sent(
    client: Any, endpoint: Endpoint, body: dict[str, Any], start: float
) -> tuple[bytes, TokenTimes]:
    """The response's body, of a stream the parts of it put together, with when its tokens came."""
    optional = {
        "InferenceComponentName": endpoint.inference_component,
        "TargetVariant": endpoint.variant if not endpoint.inference_component else None,
        "CustomAttributes": endpoint.custom_attributes,
    }
    request = {
        "EndpointName": endpoint.name,
        "ContentType": "application/json",
        "Body": json.dumps(body).encode(),
        **{key: value for key, value in optional.items() if value},
    }
    if endpoint.stream:
        response = client.invoke_endpoint_with_response_stream(**request)
        return read_stream(response["Body"], start)
    if endpoint.asynchronous:
        return client.answer(endpoint.asynchronous, request), TokenTimes()
    response = client.invoke_endpoint(Accept="application/json", **request)
    return response["Body"].read(LONGEST_BODY + 1), TokenTimes()


def _read(endpoint: Endpoint, answered: bytes) -> Attempt:
    if len(answered) > LONGEST_BODY:
        return Attempt(error=f"unusable answer: a body of more than {LONGEST_BODY:,} bytes")
    try:
        return Attempt(reply=read_reply(endpoint, answered))
    except UnusableReply as error:
        asked_again = ONCE if error.final else A_FEW
        said = f"unusable answer: {error}"
        return Attempt(error=said, worth_asking=asked_again, unusable=error.reply)


def _failed(error: Exception) -> Attempt:
    from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
    from urllib3.exceptions import HTTPError  # a stream's, which botocore hands on as it is

    if isinstance(error, ClientError):
        return _classify(error.response)
    if isinstance(error, AsynchronousFailure):
        return Attempt(error=str(error))
    again = AS_TIME_ALLOWS if isinstance(error, HTTPClientError | HTTPError) else A_FEW
    if isinstance(error, BotoCoreError) and not isinstance(error, HTTPClientError):
        again = ONCE
    return Attempt(error=f"{type(error).__name__}: {error}", worth_asking=again)


def _classify(response: Any) -> Attempt:
    code = response["Error"].get("Code", "")
    message = str(response["Error"].get("Message") or "")
    if code == "ModelError":
        status = int(response.get("OriginalStatusCode") or 0)
        transient = status == 429 or status >= 500 or "timed out" in message
        throttled = status in (429, 503)
        code = f"ModelError {status}"
    else:
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        transient = code in RETRYABLE_CODES or status == 429 or status >= 500
        throttled = status in (429, 503)
    return Attempt(
        error=f"{code}: {message}",
        worth_asking=AS_TIME_ALLOWS if transient else ONCE,
        throttled=throttled,
    )
