"""How far an evaluation is: what has come until now, and what that says of rate and time left.

Each worker counts its work here, one addition for an answer and one for a verdict; everything
else is worked out by the display, every few seconds. Money and tokens are `Spend`'s.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field

from processing.calls.spend import Spend

WINDOW_SECONDS = 30.0
"""Rates are those of the last so many seconds: an adaptive pace is not what it was at first."""

ENOUGH_SECONDS, ENOUGH_RESULTS = 4.0, 30
"""So long a look at so many results, and the time left can be told."""

QUIET_SECONDS = 30.0
"""So long without a result is worth a word."""


@dataclass(frozen=True)
class Part:
    """Answers or verdicts: `done` of `total`, at `rate` a second (None until it is known)."""

    done: int
    total: int
    rate: float | None

    @property
    def seconds_left(self) -> float | None:
        if self.done >= self.total:
            return 0.0
        return (self.total - self.done) / self.rate if self.rate else None


@dataclass(frozen=True)
class Standing:
    """One look at it. Seconds; `cost` in the currency of the prices, None without any.

    `cut`: answers that end at the model's token limit.
    `stopped`: nothing more is asked, although there is more.
    `unpriced`: services that have been asked and have no price, so that `cost` is without them.
    """

    answers: Part
    verdicts: Part
    seconds: float
    seconds_left: float | None
    quiet_seconds: float
    errors: int
    cut: int
    reused: int
    input_tokens: int
    output_tokens: int
    cost: float | None
    unpriced: tuple[str, ...]
    stopped: bool = False

    @property
    def all_asked(self) -> bool:
        return self.answers.done >= self.answers.total and self.verdicts.done >= self.verdicts.total

    @property
    def share(self) -> float:
        """0 to 1, of all answers and verdicts together."""
        total = self.answers.total + self.verdicts.total
        return (self.answers.done + self.verdicts.done) / total if total else 1.0


@dataclass
class Progress:
    """What one instance has done of its own `rows`. Safe between threads.

    `judges`: scorers that ask a judge, each for one verdict on every answered row.
    `host`: this instance's name, where there are several.
    `pairs`: so many verdicts on two answers that are there already.
    """

    rows: int
    judges: int
    spend: Spend
    host: str = ""
    _started: float = field(default_factory=time.monotonic)
    _answers: int = 0
    _unanswered: int = 0
    _cut: int = 0
    _verdicts: int = 0
    _unjudged: int = 0
    _reused_answers: int = 0
    _reused_verdicts: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _looks: deque[tuple[float, int, int]] = field(default_factory=deque)
    _seen: tuple[int, int] = (0, 0)
    _changed: float = field(default_factory=time.monotonic)
    pairs: int = 0

    def answered(self, *, failed: bool, reused: bool, cut: bool = False) -> None:
        with self._lock:
            self._answers += 1
            self._unanswered += failed
            self._cut += cut
            self._reused_answers += reused

    def judged(self, *, failed: bool, reused: bool) -> None:
        with self._lock:
            self._verdicts += 1
            self._unjudged += failed
            self._reused_verdicts += reused

    def look(self) -> Standing:
        """Where it stands now. For one looker, who looks every few seconds or oftener."""
        now = time.monotonic()
        with self._lock:
            answers, verdicts = self._answers, self._verdicts
            errors, cut = self._unanswered + self._unjudged, self._cut
            reused = self._reused_answers + self._reused_verdicts
            # What an earlier job has paid for comes at once, and says nothing of what is to come.
            paid = answers - self._reused_answers, verdicts - self._reused_verdicts
            judgeable = self.rows - self._unanswered
        if self._seen != (answers, verdicts):
            self._seen, self._changed = (answers, verdicts), now
        rates = self._rates(now, paid)
        parts = (
            Part(answers, self.rows, rates[0]),
            Part(verdicts, self.judges * judgeable + self.pairs, rates[1]),
        )
        left = [part.seconds_left for part in parts]
        accounts = dict(self.spend.accounts)
        costs = {service: self.spend.cost(service) for service in accounts}
        priced = [cost for cost in costs.values() if cost is not None]
        return Standing(
            *parts,
            seconds=now - self._started,
            seconds_left=None if None in left else max(filter(None, left), default=0.0),
            quiet_seconds=now - self._changed,
            errors=errors,
            cut=cut,
            reused=reused,
            input_tokens=sum(
                account.input_tokens + account.cache_read_tokens + account.cache_write_tokens
                for account in accounts.values()
            ),
            output_tokens=sum(account.output_tokens for account in accounts.values()),
            cost=sum(priced) if priced else None,
            unpriced=tuple(sorted(name for name, cost in costs.items() if cost is None)),
            stopped=self.spend.stopped is not None,
        )

    def _rates(self, now: float, paid: tuple[int, int]) -> tuple[float | None, float | None]:
        """Answers and verdicts a second, over the second half of the time, and no longer ago than
        the window: the start, when few calls were made at once, tells nothing of the rest.
        """
        self._looks.append((now, *paid))
        since = max(now - WINDOW_SECONDS, (now + self._started) / 2)
        while len(self._looks) > 2 and self._looks[1][0] <= since:
            self._looks.popleft()
        then, answers, verdicts = self._looks[0]
        came = paid[0] - answers, paid[1] - verdicts
        if now - then < ENOUGH_SECONDS / 2 or sum(came) < ENOUGH_RESULTS / 2:
            return None, None
        if now - self._started < ENOUGH_SECONDS or sum(paid) < ENOUGH_RESULTS:
            return None, None
        return came[0] / (now - then), came[1] / (now - then)
