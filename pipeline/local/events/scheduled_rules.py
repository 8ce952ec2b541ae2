"""Rules with a ScheduleExpression: fired when they are due, by a clock that can be put forward.

A schedule of a week can be tried in a second: POST {"advance_seconds": 604800} to /_local/clock of
the local AWS answers which rules that fired.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from pipeline.local.events.schedule_expression import NextTime, next_time

_LOOK_EVERY_SECONDS = 1.0
# So often at most a rule is fired by one jump of the clock: in a week an hourly rule would start
# 168 jobs, and here all of them at once.
_MOST_FIRED = 7


@dataclass(frozen=True)
class ScheduledRule:
    """An enabled rule; `fire(time)` delivers its event to its targets."""

    arn: str
    expression: str
    fire: Callable[[dt.datetime], None]


@dataclass
class _Due:
    expression: str
    after: NextTime
    at: dt.datetime | None


@dataclass
class Scheduler:
    """Looks at the rules every second. `rules` lists those that are enabled now."""

    rules: Callable[[], Iterable[ScheduledRule]]
    _ahead: dt.timedelta = dt.timedelta()
    _due: dict[str, _Due] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _ended: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        threading.Thread(target=self._run, daemon=True).start()

    def stop(self) -> None:
        self._ended.set()

    def advance(self, request: dict[str, Any]) -> dict[str, Any]:
        """Put the clock forward: {"advance_seconds": n} -> {"time": ..., "fired": [rule names]}."""
        seconds = request.get("advance_seconds", 0)
        if type(seconds) not in (int, float) or seconds < 0:
            raise ValueError(f"advance_seconds must be a number >= 0, not {seconds!r}")
        self.look()  # rules that nobody has seen yet count from before the jump
        with self._lock:
            self._ahead += dt.timedelta(seconds=seconds)
        fired = self.look()
        return {"time": f"{self._now():%Y-%m-%dT%H:%M:%SZ}", "fired": fired}

    def look(self) -> list[str]:
        """Fire what is due; the names of the rules, once for each time that they fired."""
        with self._lock:
            now = self._now()
            rules = {rule.arn: rule for rule in self.rules()}
            self._forget(rules)
            fired = [(time, rule) for rule in rules.values() for time in self._times(rule, now)]
        for time, rule in sorted(fired, key=lambda pair: pair[0]):
            rule.fire(time)
        return [rule.arn.rpartition("/")[2] for _, rule in fired]

    def _forget(self, rules: dict[str, ScheduledRule]) -> None:
        for arn, due in list(self._due.items()):
            if arn not in rules or rules[arn].expression != due.expression:
                del self._due[arn]

    def _times(self, rule: ScheduledRule, now: dt.datetime) -> list[dt.datetime]:
        if rule.arn not in self._due:
            after = next_time(rule.expression)
            self._due[rule.arn] = _Due(rule.expression, after, after(now))
        due, times = self._due[rule.arn], list[dt.datetime]()
        while due.at is not None and due.at <= now and len(times) < _MOST_FIRED:
            times.append(due.at)
            due.at = due.after(due.at)
        if due.at is not None and due.at <= now:
            due.at = due.after(now)
        return times

    def _now(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC) + self._ahead

    def _run(self) -> None:
        while not self._ended.wait(_LOOK_EVERY_SECONDS):
            self.look()
