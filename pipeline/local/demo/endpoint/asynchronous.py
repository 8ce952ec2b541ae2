"""InvokeEndpointAsync of the demo endpoint, with the bad habits of queues and of S3.

A request is answered with 202 and where its result will be; a worker takes it from there, and puts
the container's response, or what failed, into S3. Wire format: botocore's service model; limits:
SageMaker Runtime API reference, InvokeEndpointAsync. The wording of the refusals to the wrong kind
of call, and of a failure file, is an assumption: AWS documents neither.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from pipeline.local.demo.calls import WireError
from pipeline.local.demo.endpoint.model_error import ACCOUNT
from pipeline.local.demo.faults import Share, fraction

INLINE_BYTES, LARGEST_INPUT = 128_000, 1_000_000_000
_HEADER = "X-Amzn-SageMaker-"
Run = Callable[[Request], Awaitable[Response]]


class Asynchronous(BaseModel):
    """Where results go (`output`, `failure`: s3://...), and what is amiss with them.

    at_once: requests that the container works on at a time. late_ms: how long a finished result
    takes to appear. Of all requests, in shares: lost: neither a result nor a failure ever comes;
    twice: the result is delivered once more, a moment later; throttled: the call itself is refused.
    inline: False refuses requests that are not in S3, as AWS did until June 2026.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    output: str = ""
    failure: str | None = None
    at_once: int = Field(default=8, ge=1, le=1000)
    late_ms: float = Field(default=0, ge=0)
    lost: Share = 0
    twice: Share = 0
    throttled: Share = 0
    inline: bool = True


def wrong_kind(request: Request, name: str, asynchronous: Asynchronous | None) -> str:
    """The refusal of a real-time call to an asynchronous endpoint, or the reverse; or empty."""
    queued = request.url.path.endswith("/async-invocations")
    if queued and asynchronous is None:
        return f"Endpoint {name} of account {ACCOUNT} is not an asynchronous inference endpoint."
    if asynchronous is not None and not queued:
        return f"Endpoint {name} of account {ACCOUNT} is an asynchronous inference endpoint."
    return ""


class Queue:
    """The requests of one endpoint, taken in their order; touched by one event loop alone."""

    def __init__(self, told: Asynchronous) -> None:
        self._told = told
        self._free = asyncio.Semaphore(told.at_once)
        self._number = 0
        self._under_way: set[asyncio.Task[None]] = set()

    async def take(self, request: Request, run: Run) -> Response:
        """202 with the locations. `run` asks the container, later."""
        body, location = await request.body(), request.headers.get(f"{_HEADER}InputLocation")
        if refusal := self._refusal(body, location):
            return WireError("ValidationError", 400, Message=refusal).response()
        self._number += 1
        if self._drawn("throttled") < self._told.throttled:
            return WireError("ThrottlingException", 400, Message="Rate exceeded").response()
        name = str(uuid.uuid4())
        output, failure = f"{self._told.output}/{name}.out", ""
        headers = {f"{_HEADER}OutputLocation": output}
        if self._told.failure:
            failure = f"{self._told.failure}/{name}-error.out"
            headers[f"{_HEADER}FailureLocation"] = failure
        lost = self._drawn("lost") < self._told.lost
        twice = self._drawn("twice") < self._told.twice
        work = self._work(request, run, body, "" if lost else output, "" if lost else failure)
        task = asyncio.create_task(self._delivered(work, 2 if twice else 1))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return JSONResponse({"InferenceId": str(uuid.uuid4())}, 202, headers)

    def _refusal(self, body: bytes, location: str | None) -> str:
        most = INLINE_BYTES if self._told.inline else 0
        if len(body) > most:
            return (
                "1 validation error detected: Value at 'body' failed to satisfy constraint: Member "
                f"must have length less than or equal to {most}"
            )
        if bool(body) == bool(location):
            return "Provide exactly one of Body and InputLocation."
        if location and not location.startswith(("s3://", "https://")):
            return f"Value '{location}' at 'inputLocation' failed to satisfy constraint"
        return ""

    def _drawn(self, habit: str) -> float:
        return fraction(f"{habit}/{self._number}")

    async def _delivered(self, work: Awaitable[tuple[str, bytes]], times: int) -> None:
        place, result = await work
        for _ in range(times if place else 0):
            await asyncio.sleep(self._told.late_ms / 1000)
            await asyncio.to_thread(_put, place, result)

    async def _work(
        self, request: Request, run: Run, body: bytes, output: str, failure: str
    ) -> tuple[str, bytes]:
        """Where the result goes, and what it is."""
        location = request.headers.get(f"{_HEADER}InputLocation")
        seconds = int(request.headers.get(f"{_HEADER}InvocationTimeoutSeconds", 900))
        async with self._free:
            if location:
                try:
                    body = await asyncio.to_thread(_get, location)
                except Exception as error:  # noqa: BLE001 whatever S3 or boto3 says is the reason
                    return failure, f"Failed to download {location}: {error}".encode()
            inner = _Inner(request, body)
            try:
                answered = await asyncio.wait_for(run(inner.request), seconds)
            except TimeoutError:
                return failure, b"Model container did not respond within the invocation timeout"
        if inner.was_reset:
            return failure, b"The connection to container primary was closed"
        if answered.status_code == 200:
            return output, bytes(answered.body)
        return failure, str(json.loads(bytes(answered.body)).get("Message", "")).encode()


class _Inner:
    """What the container is asked, when the caller of the outer request is long gone."""

    def __init__(self, outer: Request, body: bytes) -> None:
        self.was_reset = False
        headers = [each for each in outer.scope["headers"] if each[0] != b"content-length"]
        scope: MutableMapping[str, Any] = {
            **outer.scope, "headers": headers, "state": {**outer.scope["state"], "transport": self}
        }  # fmt: skip
        sent = False

        async def receive() -> MutableMapping[str, Any]:
            nonlocal sent
            if sent:
                await asyncio.Event().wait()
            sent = True
            return {"type": "http.request", "body": body, "more_body": False}

        self.request = Request(scope, receive)

    def abort(self) -> None:
        """As the transport of a connection that is cut."""
        self.was_reset = True


def _get(location: str) -> bytes:
    import boto3

    bucket, _, key = location.removeprefix("s3://").partition("/")
    client = boto3.client("s3")
    found = client.get_object(Bucket=bucket, Key=key)
    if found["ContentLength"] > LARGEST_INPUT:
        raise ValueError(f"{found['ContentLength']:,} bytes are more than 1 GB")
    body: bytes = found["Body"].read()
    return body


def _put(location: str, body: bytes) -> None:
    import boto3

    bucket, _, key = location.removeprefix("s3://").partition("/")
    boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=body)
