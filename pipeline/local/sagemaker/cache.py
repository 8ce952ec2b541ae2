"""Step caching: a step that succeeded before with the same arguments is not run again.

The key of a Processing step is its AppSpecification, Environment and ProcessingInputs, within one
pipeline and step name (developer guide, "Caching pipeline steps"). Contents of S3 are no part of
the key, as on AWS: new data under an old name is not noticed.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import threading
from dataclasses import dataclass, field
from typing import Any

_DURATION = re.compile(
    r"P(?=.)(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?=.)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?"
)


@dataclass(frozen=True)
class CachedStep:
    """What a successful step left: its properties, metadata and the execution it ran in."""

    execution_arn: str
    properties: dict[str, Any]
    metadata: dict[str, Any]
    time: dt.datetime


@dataclass
class StepCache:
    """Results of successful steps, in memory."""

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _steps: dict[tuple[str, str, str], CachedStep] = field(default_factory=dict)

    def find(
        self, pipeline_arn: str, step: str, arguments: dict[str, Any], expire_after: str | None
    ) -> CachedStep | None:
        with self._lock:
            found = self._steps.get((pipeline_arn, step, _key(arguments)))
        if found is None or expire_after is None:
            return found
        age = dt.datetime.now(dt.UTC) - found.time
        return found if age < parse_duration(expire_after) else None

    def keep(
        self, pipeline_arn: str, step: str, arguments: dict[str, Any], result: CachedStep
    ) -> None:
        with self._lock:
            self._steps[(pipeline_arn, step, _key(arguments))] = result


def _key(arguments: dict[str, Any]) -> str:
    parts = [arguments.get(k) for k in ("AppSpecification", "Environment", "ProcessingInputs")]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def parse_duration(text: str) -> dt.timedelta:
    """An ISO 8601 duration such as P30D or PT1H; a month counts 30 days. Raises ValueError."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not an ISO 8601 duration such as P30D or PT1H")
    parts = {name: int(value or 0) for name, value in found.groupdict().items()}
    days = parts["years"] * 365 + parts["months"] * 30 + parts["weeks"] * 7 + parts["days"]
    return dt.timedelta(
        days=days, hours=parts["hours"], minutes=parts["minutes"], seconds=parts["seconds"]
    )
