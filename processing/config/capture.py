"""`capture://ENDPOINT?hours=24`: which of an endpoint's captured calls are the dataset."""

from __future__ import annotations

import datetime as dt
import re
import urllib.parse
from dataclasses import dataclass

from processing.config import patterns

SCHEME = "capture://"
MOST_HOURS = 24 * 366
_KEYS = ("hours", "until", "s3")


@dataclass(frozen=True)
class CaptureSource:
    """The calls of `hours` up to `until` (None: now), below `s3` (None: where the endpoint says).

    `s3`: as DestinationS3Uri of the endpoint's DataCaptureConfig, without the endpoint's name.
    """

    endpoint: str
    hours: float = 24.0
    until: dt.datetime | None = None
    s3: str | None = None

    def window(self, now: dt.datetime) -> tuple[dt.datetime, dt.datetime]:
        """From when on, and up to when, both in UTC."""
        end = self.until or now
        return end - dt.timedelta(hours=self.hours), end


def read_capture(source: str) -> CaptureSource:
    """Raises ValueError, which says how it has to be written."""
    name, _, query = source.removeprefix(SCHEME).partition("?")
    if not re.fullmatch(patterns.NAME, name):
        raise ValueError(
            f"{source}: {name!r} is no endpoint's name; write capture://my-endpoint?hours=24"
        )
    pairs = urllib.parse.parse_qsl(query, keep_blank_values=True)
    given = dict(pairs)
    unknown = [key for key in given if key not in _KEYS]
    if unknown or len(given) < len(pairs):
        what = f"{unknown[0]} is not known" if unknown else "a key stands twice"
        raise ValueError(f"{source}: {what}; there are {', '.join(_KEYS)}")
    s3 = given.get("s3")
    if s3 is not None and not re.fullmatch(patterns.S3_URI, s3):
        raise ValueError(f"{source}: s3 must be {patterns.IN_WORDS[patterns.S3_URI]}")
    return CaptureSource(name, _hours(source, given), _until(source, given), s3)


def _hours(source: str, given: dict[str, str]) -> float:
    try:
        hours = float(given.get("hours", "24"))
    except ValueError:
        hours = 0.0
    if not 0 < hours <= MOST_HOURS:
        raise ValueError(f"{source}: hours must be a number above 0, at most {MOST_HOURS}")
    return hours


def _until(source: str, given: dict[str, str]) -> dt.datetime | None:
    text = given.get("until")
    if text is None:
        return None
    try:
        until = dt.datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        raise ValueError(
            f"{source}: until must be a time such as 2026-11-26T12:00:00Z, not {text!r}"
        ) from None
    return until.replace(tzinfo=until.tzinfo or dt.UTC).astimezone(dt.UTC)
