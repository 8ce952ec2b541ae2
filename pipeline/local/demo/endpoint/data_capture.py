"""Data Capture of the demo endpoint: what it was asked and what it said, in S3 as SageMaker has it.

With the service's bad habits, so many calls apart: a call that stands in two files, one without its
answer, a file that ends in half a record. Format: developer guide, "Capture data from real-time
endpoint".
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import threading
import uuid
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

TWICE, UNANSWERED, HALF = 5, 7, 11
"""Every so many calls one has this habit."""


def _modes(options: Any) -> Any:
    return [each.get("CaptureMode") if isinstance(each, dict) else each for each in options]


def _json_types(header: Any) -> Any:
    return header.get("JsonContentTypes", ()) if isinstance(header, dict) else header


class DataCapture(BaseModel):
    """An endpoint configuration's DataCaptureConfig: the modes, and the types kept as JSON."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    EnableCapture: bool = True
    DestinationS3Uri: str
    InitialSamplingPercentage: int = Field(ge=0, le=100)
    CaptureOptions: Annotated[tuple[str, ...], BeforeValidator(_modes)] = ()
    CaptureContentTypeHeader: Annotated[tuple[str, ...], BeforeValidator(_json_types)] = ()

    def captures(self, mode: str) -> bool:
        return mode in self.CaptureOptions or "InputAndOutput" in self.CaptureOptions


class CaptureWriter:
    """Writes an endpoint's calls, each as a file of its own; safe between threads."""

    def __init__(self, endpoint: str, told: DataCapture) -> None:
        self._endpoint, self._told = endpoint, told
        self._lock = threading.Lock()
        self._number = 0

    def write(self, variant: str, request: bytes, response: bytes, content_type: str) -> None:
        """Put the call into S3, unless it is not sampled."""
        import boto3

        with self._lock:
            self._number += 1
            number = self._number
        lot = int.from_bytes(hashlib.sha256(f"{self._endpoint} {number}".encode()).digest()[:4])
        if lot % 100 >= self._told.InitialSamplingPercentage:
            return
        now = dt.datetime.now(dt.UTC)
        line = json.dumps(self._record(number, now, request, response, content_type)) + "\n"
        s3 = boto3.client("s3")
        bucket, _, prefix = self._told.DestinationS3Uri.removeprefix("s3://").partition("/")
        folder = "/".join(filter(None, [prefix.strip("/"), self._endpoint, variant]))
        for copy in range(2 if number % TWICE == 0 else 1):
            body = line + (line[: len(line) // 2] if number % HALF == 0 else "")
            name = f"{now:%M-%S-%f}-{number}-{copy}.jsonl"
            s3.put_object(Bucket=bucket, Key=f"{folder}/{now:%Y/%m/%d/%H}/{name}", Body=body)

    def _record(
        self, number: int, now: dt.datetime, request: bytes, response: bytes, content_type: str
    ) -> dict[str, Any]:
        captured = {}
        if self._told.captures("Input"):
            captured["endpointInput"] = self._payload("INPUT", request, "application/json")
        if self._told.captures("Output") and number % UNANSWERED:
            captured["endpointOutput"] = self._payload("OUTPUT", response, content_type)
        return {
            "captureData": captured,
            "eventMetadata": {
                "eventId": str(uuid.uuid4()),
                "inferenceTime": f"{now:%Y-%m-%dT%H:%M:%SZ}",
            },
            "eventVersion": "0",
        }

    def _payload(self, mode: str, body: bytes, content_type: str) -> dict[str, str]:
        """Base64 unless the configuration names the content type as JSON: SageMaker's default."""
        as_json = content_type.partition(";")[0] in self._told.CaptureContentTypeHeader
        data = body.decode() if as_json else base64.b64encode(body).decode()
        return {
            "observedContentType": content_type,
            "mode": mode,
            "data": data,
            "encoding": "JSON" if as_json else "BASE64",
        }
