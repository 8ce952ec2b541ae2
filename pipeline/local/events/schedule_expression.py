"""EventBridge's schedule expressions, rate(...) and cron(...): when a rule is due. Times are UTC.

Forms: EventBridge user guide, "Cron expressions" and "Rate expressions". L, W and # are refused.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

NextTime: TypeAlias = Callable[[dt.datetime], dt.datetime | None]

_RATE = re.compile(r"rate\((?P<value>[1-9]\d*) (?P<unit>minute|hour|day)(?P<plural>s?)\)")
_CRON = re.compile(r"cron\((?P<fields>[^()]+)\)")
_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
_LAST_YEAR = 2199


class ScheduleError(ValueError):
    """The expression is none that EventBridge, or the local AWS, knows."""


def next_time(expression: str) -> NextTime:
    """A function from a moment to the next one at which the rule is due; None for never again.

    Raises ScheduleError.
    """
    rate = _RATE.fullmatch(expression)
    if rate is not None:
        value = int(rate["value"])
        if bool(rate["plural"]) is not (value > 1):
            raise ScheduleError(f"{expression}: a value of 1 takes the singular, others the plural")
        step = dt.timedelta(**{f"{rate['unit']}s": value})
        return lambda moment: moment + step
    cron = _CRON.fullmatch(expression)
    if cron is None:
        raise ScheduleError(f"{expression}: neither rate(VALUE UNIT) nor cron(SIX FIELDS)")
    fields = cron["fields"].split()
    if len(fields) != 6:
        raise ScheduleError(
            f"{expression}: cron has six fields: minutes hours day-of-month month day-of-week year"
        )
    return _Cron.parse(expression, fields).after


@dataclass(frozen=True)
class _Cron:
    minutes: list[int]
    hours: list[int]
    days_of_month: set[int] | None
    months: set[int]
    days_of_week: set[int] | None
    years: set[int]

    @classmethod
    def parse(cls, expression: str, fields: list[str]) -> _Cron:
        minutes, hours, day_of_month, month, day_of_week, year = fields
        if (day_of_month == "?") == (day_of_week == "?"):
            raise ScheduleError(
                f"{expression}: exactly one of day-of-month and day-of-week must be ?"
            )
        try:
            return cls(
                minutes=sorted(_numbers(minutes, 0, 59)),
                hours=sorted(_numbers(hours, 0, 23)),
                days_of_month=None if day_of_month == "?" else _numbers(day_of_month, 1, 31),
                months=_numbers(_named(month, _MONTHS), 1, 12),
                days_of_week=None
                if day_of_week == "?"
                else _numbers(_named(day_of_week, _DAYS), 1, 7),
                years=_numbers(year, 1970, _LAST_YEAR),
            )
        except ValueError as error:
            raise ScheduleError(f"{expression}: {error}") from error

    def after(self, moment: dt.datetime) -> dt.datetime | None:
        first = moment.replace(second=0, microsecond=0) + dt.timedelta(minutes=1)
        day = first.replace(hour=0, minute=0)
        while day.year <= max(self.years):
            if self._is_day(day):
                for hour in self.hours:
                    for minute in self.minutes:
                        found = day.replace(hour=hour, minute=minute)
                        if found >= first:
                            return found
            day += dt.timedelta(days=1)
        return None

    def _is_day(self, day: dt.datetime) -> bool:
        if day.year not in self.years or day.month not in self.months:
            return False
        if self.days_of_month is not None:
            return day.day in self.days_of_month
        return self.days_of_week is None or day.isoweekday() % 7 + 1 in self.days_of_week


def _named(field: str, names: list[str]) -> str:
    for number, name in enumerate(names, start=1):
        field = re.sub(name, str(number), field, flags=re.IGNORECASE)
    return field


def _numbers(field: str, low: int, high: int) -> set[int]:
    """Raises ValueError."""
    found: set[int] = set()
    for part in field.split(","):
        parsed = re.fullmatch(r"(\*|(\d+)(?:-(\d+))?)(?:/([1-9]\d*))?", part)
        if parsed is None:
            raise ValueError(f"{part!r} is not supported by the local AWS")
        every, first, last, step = parsed.groups()
        start = low if every == "*" else int(first)
        end = high if every == "*" or (step and not last) else int(last or first)
        if not low <= start <= end <= high:
            raise ValueError(f"{part!r} is not within {low} to {high}")
        found.update(range(start, end + 1, int(step or 1)))
    return found
