"""An answer by way of S3: asked for with InvokeEndpointAsync, and looked for until it is there.

Sources: SageMaker Runtime API reference, InvokeEndpointAsync; developer guide, "Invoke an
Asynchronous Endpoint" and "Check prediction results".
"""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from processing.base.aws_errors import explain
from processing.base.s3 import bucket_and_key
from processing.base.visible_text import visible
from processing.config.asynchronous import Asynchronous, scratch_uri
from processing.config.infrastructure import Infrastructure
from processing.endpoint.body_bytes import LONGEST_BODY

INLINE_BYTES = 128_000
"""A larger request has to stand in S3."""
FIRST_LOOK_SECONDS, LONGEST_PAUSE_SECONDS, SHARE_OF_WAIT = 0.2, 5.0, 0.1
"""When a result is looked for: so a latency is too long by no more than that share."""
_LONGEST_WORDS = 600
NOT_FOUND, FORBIDDEN = 404, 403


class AsynchronousFailure(Exception):
    """The row has no answer, and asking once more would pay twice."""


@dataclass(frozen=True)
class _Look:
    """What one look into S3 found: the bytes, or nothing yet and perhaps why."""

    body: bytes | None = None
    problem: str = ""


@dataclass(frozen=True)
class AsynchronousClient:
    """`runtime` and `s3` are boto3 clients; `scratch` is where large requests are put for a while.

    What lies below `scratch`, a candidate's results too, is deleted once it is read.
    """

    runtime: Any
    s3: Any
    scratch: str
    encryption: dict[str, str]
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def answer(self, settings: Asynchronous, request: dict[str, Any]) -> bytes:
        """The container's response to InvokeEndpoint's `request`, as it came.

        Longer than LONGEST_BODY where more was written than is read. Raises AsynchronousFailure for
        a failure or for none of both within the time; what botocore does where the request itself
        was refused, so that nothing was queued.
        """
        asked = {
            **{key: value for key, value in request.items() if key != "Body"},
            "Accept": "application/json",
            "RequestTTLSeconds": settings.queue_seconds,
            "InvocationTimeoutSeconds": settings.run_seconds,
        }
        with self._queued(asked, request["Body"]) as told:
            return self._result(told, settings.longest_seconds)

    @contextlib.contextmanager
    def _queued(self, asked: dict[str, Any], body: bytes) -> Iterator[dict[str, Any]]:
        """What InvokeEndpointAsync says. A request in S3 is there until the block ends."""
        told = self._inline(asked, body) if len(body) <= INLINE_BYTES else None
        if told is not None:
            yield told
            return
        location = self._put(body)
        try:
            yield self.runtime.invoke_endpoint_async(InputLocation=location, **asked)
        finally:
            self._delete(location)

    def _inline(self, asked: dict[str, Any], body: bytes) -> dict[str, Any] | None:
        """None where the region takes no request without S3 yet: so it was until June 2026."""
        from botocore.exceptions import ClientError

        try:
            told: dict[str, Any] = self.runtime.invoke_endpoint_async(Body=body, **asked)
        except ClientError as error:
            if "at 'body' failed to satisfy" in str(error):
                return None
            raise
        return told

    def _put(self, body: bytes) -> str:
        from botocore.exceptions import BotoCoreError, ClientError

        location = f"{self.scratch}/input/{uuid.uuid4()}.json"
        bucket, key = bucket_and_key(location)
        try:
            self.s3.put_object(
                Bucket=bucket, Key=key, Body=body, ContentType="application/json", **self.encryption
            )
        except (BotoCoreError, ClientError) as error:
            raise AsynchronousFailure(
                f"a request of {len(body):,} bytes has to stand in S3, and cannot be put into "
                f"{self.scratch}/input/: {explain(error, 'job')}"
            ) from error
        return location

    def _result(self, told: dict[str, Any], seconds: float) -> bytes:
        output, failure = str(told["OutputLocation"]), str(told.get("FailureLocation") or "")
        begun = self.clock()
        problem = ""
        while True:
            waited = self.clock() - begun
            for place in filter(None, (output, failure)):
                look = self._look(place)
                problem = look.problem or problem
                if look.body is None:
                    continue
                self._delete(place)
                if place == failure:
                    raise AsynchronousFailure(f"the asynchronous endpoint failed: {_words(look)}")
                return look.body
            if waited >= seconds:
                raise AsynchronousFailure(_neither(told, seconds, problem))
            pause = max(FIRST_LOOK_SECONDS, waited * SHARE_OF_WAIT)
            self.sleep(min(pause, LONGEST_PAUSE_SECONDS, seconds - waited))

    def _look(self, uri: str) -> _Look:
        """Raises AsynchronousFailure where no later look could find more.

        Whatever else S3 says may pass, and the answer is paid for: it is looked for again.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        bucket, key = bucket_and_key(uri)
        try:
            body: bytes = self.s3.get_object(Bucket=bucket, Key=key)["Body"].read(LONGEST_BODY + 1)
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            if status == NOT_FOUND and error.response["Error"].get("Code") != "NoSuchBucket":
                return _Look()
            said = f"{uri}: {explain(error, 'job')}"
            if status == FORBIDDEN and self._is_listed(bucket, key):
                raise AsynchronousFailure(
                    f"the result is there and cannot be read: {said}; `pipeline_definition.py "
                    "permissions create` gives the job role s3:GetObject there; a KMS key has to "
                    "allow kms:Decrypt"
                ) from error
            return _Look(problem=said)
        except (BotoCoreError, OSError) as error:
            return _Look(problem=f"{uri}: {explain(error, 'job') or error}")
        return _Look(body)

    def _is_listed(self, bucket: str, key: str) -> bool:
        """Whether the key is there. Without s3:ListBucket S3 says 403 of what is not, too."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            listed = self.s3.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)
        except (BotoCoreError, ClientError):
            return False
        return any(entry["Key"] == key for entry in listed.get("Contents", ()))

    def _delete(self, uri: str) -> None:
        """Of ours alone. What cannot be deleted is left to a lifecycle rule, and costs no row."""
        from botocore.exceptions import BotoCoreError, ClientError

        if uri.startswith(f"{self.scratch}/"):
            bucket, key = bucket_and_key(uri)
            with contextlib.suppress(BotoCoreError, ClientError):
                self.s3.delete_object(Bucket=bucket, Key=key)


@dataclass(frozen=True)
class ResultPlace:
    """Where an endpoint's configuration has results and failures put; `failure` may be nowhere."""

    output: str
    failure: str | None
    kms_key: str | None


def result_place(client: Any, name: str) -> ResultPlace | None:
    """By DescribeEndpoint (a boto3 `sagemaker` client); None for a real-time endpoint.

    Raises botocore's ClientError.
    """
    described = client.describe_endpoint(EndpointName=name).get("AsyncInferenceConfig")
    if not described:
        return None
    output = described["OutputConfig"]
    return ResultPlace(
        str(output.get("S3OutputPath") or ""), output.get("S3FailurePath"), output.get("KmsKeyId")
    )


def delete_results(infrastructure: Infrastructure, endpoint: str) -> None:
    """What is left of an endpoint of ours that is gone: results that came twice, or late.

    What cannot be deleted is left to a lifecycle rule.
    """
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    bucket, key = bucket_and_key(f"{scratch_uri(infrastructure)}/{endpoint}/")
    s3 = boto3.client("s3")
    with contextlib.suppress(BotoCoreError, ClientError):
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key):
            for entry in page.get("Contents", ()):
                s3.delete_object(Bucket=bucket, Key=entry["Key"])


def asynchronous_client(
    runtime: Any, session: Any, infrastructure: Infrastructure, at_once: int
) -> AsynchronousClient:
    """`runtime` is a boto3 `sagemaker-runtime` client, `at_once` the calls in flight at most."""
    from botocore.config import Config

    key = infrastructure.output_kms_key
    impatient = Config(
        connect_timeout=5,
        read_timeout=60,
        max_pool_connections=at_once,
        retries={"mode": "standard", "total_max_attempts": 3},
    )
    return AsynchronousClient(
        runtime,
        session.client("s3", config=impatient),
        scratch_uri(infrastructure),
        {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key} if key else {},
    )


def _words(look: _Look) -> str:
    """A failure's own text: on one line, and not endless."""
    text = (look.body or b"").decode(errors="replace")
    words = visible(" ".join(text.split()))
    return words[:_LONGEST_WORDS] or "its failure file is empty"


def _neither(told: dict[str, Any], seconds: float, problem: str) -> str:
    failure = told.get("FailureLocation")
    silent = "" if failure else "; its configuration has no S3FailurePath, so failures are not told"
    last = f"; the last that S3 said was {problem}" if problem else ""
    return (
        f"neither an answer nor a failure came within {seconds:.0f} s (endpoint.asynchronous: "
        f"queue_seconds + run_seconds) for inference {told.get('InferenceId')}: not in "
        f"{told['OutputLocation']}{f' nor in {failure}' if failure else ''}{silent}{last}"
    )
