"""What SageMaker Data Capture has written to S3: one JSON object a line, in folders by the hour.

    <DestinationS3Uri>/<endpoint>/<variant>/yyyy/mm/dd/hh/<file>.jsonl

An endpoint with inference components or several models has folders of its own in between. Format:
developer guide, "Capture data from real-time endpoint" and "View data captured"; the files are
written a piece at a time, so that the last line of one may be half a record, and a call may stand
in two files.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from processing.base.aws_errors import explain
from processing.base.errors import DatasetError
from processing.base.exact_json import decode
from processing.base.s3 import bucket_and_key
from processing.config.capture import CaptureSource

LONGEST_LINE = 64_000_000
"""Bytes. SageMaker takes requests of 25 MB and answers of as many, a third more as base64."""

_HOUR = re.compile(r"(?:^|/)(\d{4}/\d{2}/\d{2}/\d{2})/[^/]+$")
_DEEPEST = 4


@dataclass(frozen=True)
class CaptureFile:
    """`folder`: what stands between the endpoint's name and the hour, as a rule the variant."""

    bucket: str
    key: str
    folder: str


@dataclass(frozen=True)
class CapturedCall:
    """`request` and `response` as they went over the wire; None where it was not captured."""

    event_id: str
    time: dt.datetime | None
    request: bytes | None
    response: bytes | None


class BrokenRecordError(ValueError):
    """Arguments: reason, detail. The detail holds nothing of what people wrote."""


@dataclass(frozen=True)
class CapturePlace:
    """Where an endpoint's captured calls are. `notes` say what its configuration leaves out."""

    uri: str
    kms_key: str | None = None
    notes: tuple[str, ...] = ()


def capture_place(client: Any, source: CaptureSource, who: str = "job") -> CapturePlace:
    """By `s3=` or by DescribeEndpoint (a boto3 `sagemaker` client). Raises DatasetError."""
    from botocore.exceptions import BotoCoreError, ClientError

    if source.s3 is not None:
        return CapturePlace(source.s3)
    try:
        described = client.describe_endpoint(EndpointName=source.endpoint)
    except (BotoCoreError, ClientError) as error:
        raise DatasetError(
            f"capture://{source.endpoint}: the endpoint cannot be described: "
            f"{explain(error, who)}; if it is gone, say where its captured calls are: "
            f"capture://{source.endpoint}?s3=s3://bucket/prefix"
        ) from error
    capture = described.get("DataCaptureConfig") or {}
    uri = str(capture.get("DestinationS3Uri") or "")
    if not uri.startswith("s3://"):
        raise DatasetError(
            f"capture://{source.endpoint}: the endpoint has no data capture: give its endpoint "
            "configuration a DataCaptureConfig with Input and Output, or say where captured calls "
            f"are: capture://{source.endpoint}?s3=s3://bucket/prefix"
        )
    notes = []
    if not capture.get("EnableCapture", True) or capture.get("CaptureStatus") == "Stopped":
        notes.append("data capture is switched off at the endpoint: newer calls are not there")
    share = capture.get("CurrentSamplingPercentage")
    if share is not None and share < 100:
        notes.append(f"SageMaker captures {share} % of the endpoint's calls")
    return CapturePlace(uri, capture.get("KmsKeyId") or None, tuple(notes))


def capture_files(
    client: Any, place: CapturePlace, endpoint: str, start: dt.datetime, end: dt.datetime
) -> list[CaptureFile]:
    """The files of these hours, by key (a boto3 `s3` client). Raises DatasetError if S3 refuses."""
    from botocore.exceptions import BotoCoreError, ClientError

    bucket, prefix = bucket_and_key(place.uri)
    below = f"{prefix.strip('/')}/{endpoint}/".lstrip("/")
    first = start.replace(minute=0, second=0, microsecond=0)
    try:
        found = [
            CaptureFile(bucket, key, folder.removeprefix(below).strip("/"))
            for folder in _folders(client, bucket, below, _DEEPEST)
            for key in _keys(client, bucket, folder)
            if (hour := _hour_of(key)) is not None and first <= hour <= end
        ]
    except (BotoCoreError, ClientError) as error:
        raise DatasetError(
            f"s3://{bucket}/{below} cannot be listed: {explain(error, 'job')}; the job role needs "
            "s3:ListBucket and s3:GetObject there (`permissions create` looks where that is)"
        ) from error
    return sorted(found, key=lambda file: file.key)


def _folders(client: Any, bucket: str, prefix: str, depth: int) -> Iterator[str]:
    """Those that hold years: the variants', or what lies below them."""
    below = _subfolders(client, bucket, prefix)
    if any(re.fullmatch(r"\d{4}", name) for name in below):
        yield prefix
    for name in below:
        if depth and not re.fullmatch(r"\d{4}", name):
            yield from _folders(client, bucket, f"{prefix}{name}/", depth - 1)


def _subfolders(client: Any, bucket: str, prefix: str) -> list[str]:
    pages = client.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix=prefix, Delimiter="/"
    )
    return [
        each["Prefix"].removeprefix(prefix).rstrip("/")
        for page in pages
        for each in page.get("CommonPrefixes", [])
    ]


def _keys(client: Any, bucket: str, prefix: str) -> Iterator[str]:
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for entry in page.get("Contents", []):
            if entry["Size"] and entry["Key"].endswith(".jsonl"):
                yield entry["Key"]


def _hour_of(key: str) -> dt.datetime | None:
    found = _HOUR.search(key)
    try:
        return dt.datetime.strptime(f"{found[1]} +0000", "%Y/%m/%d/%H %z") if found else None
    except ValueError:
        return None


def captured_lines(client: Any, file: CaptureFile) -> Iterator[bytes]:
    """The lines of a file. Raises DatasetError where S3 refuses or the connection breaks."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        body = client.get_object(Bucket=file.bucket, Key=file.key)["Body"]
        yield from body.iter_lines(chunk_size=1 << 20)
    except (BotoCoreError, ClientError) as error:
        raise DatasetError(
            f"s3://{file.bucket}/{file.key} cannot be read: {explain(error, 'job')}; the job role "
            "needs s3:GetObject there, and kms:Decrypt if the endpoint captures with a key"
        ) from error


def read_call(line: bytes) -> CapturedCall:
    """Raises BrokenRecordError for a line that is no record: half of one, or another's."""
    try:
        record = decode(line)
    except (ValueError, RecursionError) as error:
        raise BrokenRecordError("broken record", "is no JSON, as of a half-written file") from error
    captured = record.get("captureData") if isinstance(record, dict) else None
    if not isinstance(captured, dict):
        raise BrokenRecordError("broken record", "has no captureData")
    about = record.get("eventMetadata")
    about = about if isinstance(about, dict) else {}
    return CapturedCall(
        str(about.get("eventId") or ""),
        _time(about.get("inferenceTime")),
        _payload(captured.get("endpointInput"), "endpointInput"),
        _payload(captured.get("endpointOutput"), "endpointOutput"),
    )


def _time(text: object) -> dt.datetime | None:
    try:
        time = dt.datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return time.replace(tzinfo=time.tzinfo or dt.UTC).astimezone(dt.UTC)


def _payload(part: object, name: str) -> bytes | None:
    if not isinstance(part, dict) or part.get("data") is None:
        return None
    data, encoding = part["data"], str(part.get("encoding") or "").upper()
    if not isinstance(data, str):
        raise BrokenRecordError("broken record", f"{name}.data is no text")
    try:
        return base64.b64decode(data, validate=True) if encoding == "BASE64" else data.encode()
    except (binascii.Error, ValueError) as error:
        raise BrokenRecordError("broken record", f"{name}.data is no base64") from error
