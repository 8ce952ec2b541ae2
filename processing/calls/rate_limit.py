"""How much a service is asked at once: as much as it takes, and no more than it allows.

The limit climbs while calls succeed, and halves when the service throttles: additive increase,
multiplicative decrease (Chiu and Jain, 1989; Jacobson, "Congestion Avoidance and Control", 1988).
Near the limit at which the service last throttled it climbs slowly, as CUBIC does (RFC 9438), so
that probing costs a few calls in a hundred.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

START = 8
"""So many calls at once to begin with; they double every round until the service objects."""

NEAR = 0.9
"""From this share of the limit that was too much, the climb is slow."""

PROBE_CALLS = 100
"""So many calls the slow climb takes, until the service may object again."""

SLOWER = 2.0
"""No climb while calls take so many times as long as the quickest round's: they only queue up."""

BURST_SECONDS = 5.0
"""So many seconds' worth of a quota per minute may be used at once."""


@dataclass
class Turn:
    """One call. Its caller reports what came of it."""

    started: float
    tokens: int | None = None
    throttled: bool = False
    failed: bool = False


class RateLimit:
    """The number of calls in flight to one service. Safe between threads.

    maximum: calls in flight, at most; quotas are per minute, None for no limit. `fixed`: that many,
    whatever the service says.
    """

    def __init__(
        self,
        maximum: int,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
        *,
        fixed: bool = False,
    ) -> None:
        self.maximum = maximum
        self.limit = float(maximum if fixed else min(START, maximum))
        self.throttled = 0
        self._fixed = fixed
        self._too_much: int | None = None
        self._cut_at = 0.0
        self._in_flight = 0
        self._free = threading.Condition()
        self._round = _Round()
        self._requests = _Quota(requests_per_minute)
        self._tokens = _Quota(tokens_per_minute)
        self._usual_tokens = 0.0

    @contextmanager
    def turn(self) -> Iterator[Turn]:
        """Wait for a place, hold it for the block, and learn from what the block says."""
        reserved = self._enter()
        turn = Turn(time.monotonic())
        try:
            yield turn
        except BaseException:
            turn.failed = True
            raise
        finally:
            self._leave(turn, reserved)

    def _enter(self) -> float:
        with self._free:
            reserved = self._usual_tokens
            pause = max(self._requests.take(1), self._tokens.take(reserved))
        if pause > 0:
            time.sleep(pause)
        with self._free:
            while self._in_flight >= int(self.limit):
                self._free.wait()
            self._in_flight += 1
        return reserved

    def _leave(self, turn: Turn, reserved: float) -> None:
        now = time.monotonic()
        with self._free:
            full = self._in_flight >= int(self.limit)
            self._in_flight -= 1
            if turn.tokens is not None:
                self._tokens.take(turn.tokens - reserved)
                self._usual_tokens += 0.1 * (turn.tokens - self._usual_tokens)
            before = int(self.limit)
            if turn.throttled:
                self.throttled += 1
                self._cut(turn, now)
            elif not turn.failed:
                self._round.add(now - turn.started, before)
                if full:
                    self._climb()
            self._free.notify(1 + max(0, int(self.limit) - before))

    def _cut(self, turn: Turn, now: float) -> None:
        if self._fixed or turn.started < self._cut_at:
            return  # the calls that were in flight at the last cut tell nothing new
        self._too_much, self._cut_at = int(self.limit), now
        self.limit = max(1.0, self.limit / 2)

    def _climb(self) -> None:
        if self._round.slower():
            return
        mark = self._too_much
        if mark is not None and self.limit >= mark * 1.1 + 1:
            mark = self._too_much = None  # it takes more than it did
        if mark is None:
            limit = self.limit + 1
        elif self.limit < mark * NEAR:
            limit = min(self.limit + 1, mark * NEAR)
        else:
            limit = self.limit + mark * (1 - NEAR) / PROBE_CALLS
        self.limit = min(float(self.maximum), limit)


class _Round:
    """How long calls take: the mean of the last round, of as many calls as its start allowed."""

    def __init__(self) -> None:
        self._sum, self._calls, self._size = 0.0, 0, 0
        self._last = self._best = float("inf")

    def add(self, seconds: float, limit: int) -> None:
        if self._calls == 0:
            self._size = limit
        self._sum, self._calls = self._sum + seconds, self._calls + 1
        if self._calls >= self._size:
            self._last = self._sum / self._calls
            self._best = min(self._best, self._last)
            self._sum, self._calls = 0.0, 0

    def slower(self) -> bool:
        return self._best < float("inf") and self._last > SLOWER * self._best


class _Quota:
    """A token bucket; what is taken beyond it is paid for by waiting."""

    def __init__(self, per_minute: float | None) -> None:
        self._rate = per_minute / 60 if per_minute else None
        self._level = (self._rate or 0.0) * BURST_SECONDS
        self._filled_at = time.monotonic()

    def take(self, amount: float) -> float:
        """Seconds to wait before going on. A negative amount gives back."""
        if self._rate is None:
            return 0.0
        now = time.monotonic()
        full = max(1.0, self._rate * BURST_SECONDS)
        self._level = min(full, self._level + (now - self._filled_at) * self._rate) - amount
        self._filled_at = now
        return max(0.0, -self._level / self._rate)
