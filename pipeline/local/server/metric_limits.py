"""What CloudWatch refuses of PutMetricData; moto takes nearly all of it.

Source: CloudWatch API reference, PutMetricData, MetricDatum, Dimension; user guide, "CloudWatch
concepts" (namespaces, timestamps).
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_MOST = 1_000
_MOST_DIMENSIONS = 30
_GREATEST = 2.0**360
_NAMESPACE = re.compile(r"(?!AWS/)(?!:)[0-9A-Za-z._\-/#: ]{1,255}")
_TEXT = re.compile(r"(?=.*[^ ])[ -~]+")  # visible ASCII, and not all blanks
_OLDEST, _NEWEST = dt.timedelta(days=14), dt.timedelta(hours=2)


def metric_problem(namespace: str, data: Sequence[Mapping[str, Any]]) -> str | None:
    """The first thing that CloudWatch would refuse, in its words or near them."""
    if not _NAMESPACE.fullmatch(namespace):
        return f"The value {namespace} for parameter Namespace is invalid."
    if len(data) > _MOST:
        return f"The collection MetricData must not have a size greater than {_MOST}."
    return next((found for n, one in enumerate(data, 1) for found in _problems(n, one)), None)


def _problems(number: int, datum: Mapping[str, Any]) -> Iterator[str]:
    place = f"MetricData.member.{number}"
    value = float(datum.get("Value") or 0.0)
    if not math.isfinite(value) or abs(value) > _GREATEST:
        yield f"The value {value} for parameter {place}.Value is invalid."
    if not _TEXT.fullmatch(datum["MetricName"]):
        yield f"The value {datum['MetricName']} for parameter {place}.MetricName is invalid."
    dimensions = datum.get("Dimensions") or []
    if len(dimensions) > _MOST_DIMENSIONS:
        yield f"The collection {place}.Dimensions must not have a size greater than 30."
    for dimension in dimensions:
        name, text = dimension["Name"], dimension["Value"]
        if not _TEXT.fullmatch(name) or name.startswith(":"):
            yield f"The value {name} for parameter {place}.Dimensions.member.Name is invalid."
        if not _TEXT.fullmatch(text):
            yield f"The value {text} for parameter {place}.Dimensions.member.Value is invalid."
    time, now = datum.get("Timestamp"), dt.datetime.now(dt.UTC)
    if isinstance(time, dt.datetime):
        time = time if time.tzinfo else time.replace(tzinfo=dt.UTC)
        if not now - _OLDEST <= time <= now + _NEWEST:
            yield f"The parameter {place}.Timestamp must specify a time within the past two weeks."
