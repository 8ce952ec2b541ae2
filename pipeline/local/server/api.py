"""What the operations of the local AWS have in common: the call, clients, pages, times."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

import boto3

from pipeline.local.server.aws_errors import ValidationException

T = TypeVar("T")
_DEFAULT_PAGE = 100


@dataclass(frozen=True)
class Call:
    """One request to SageMaker, and `forward(operation, request)` to have moto answer one.

    `forward` raises AwsError with moto's code and message.
    """

    operation: str
    request: dict[str, Any]
    account: str
    region: str
    forward: Callable[[str, dict[str, Any]], dict[str, Any]]


Operation: TypeAlias = Callable[[Call], dict[str, Any]]


@dataclass
class Clients:
    """boto3 clients of this local AWS, made once for each service and region."""

    endpoint_url: str
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _made: dict[tuple[str, str], Any] = field(default_factory=dict)

    def get(self, service: str, region: str) -> Any:
        with self._lock:
            if (service, region) not in self._made:
                session = boto3.Session(
                    aws_access_key_id="testing",
                    aws_secret_access_key="testing",
                    region_name=region,
                )
                self._made[(service, region)] = session.client(
                    service,  # type: ignore[call-overload]
                    endpoint_url=self.endpoint_url,
                )
            return self._made[(service, region)]

    def in_region(self, region: str) -> Callable[[str], Any]:
        return lambda service: self.get(service, region)


def paginate(items: list[T], request: dict[str, Any]) -> tuple[list[T], dict[str, str]]:
    """One page, and {"NextToken": ...} when more follow. Raises ValidationException."""
    text = request.get("NextToken", "0")
    if not text.isdigit():
        raise ValidationException(f"Invalid pagination token: {text}")
    start = int(text)
    end = start + int(request.get("MaxResults", _DEFAULT_PAGE))
    return items[start:end], {"NextToken": str(end)} if end < len(items) else {}


def time_filter(request: dict[str, Any], name: str, time: dt.datetime) -> bool:
    """Whether a time lies within <name>After and <name>Before (seconds since 1970)."""
    after, before = request.get(f"{name}After"), request.get(f"{name}Before")
    seconds = time.timestamp()
    return (after is None or seconds > after) and (before is None or seconds < before)
