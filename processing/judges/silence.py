"""A judge that takes calls and does not answer: noticed after a few, and then asked no more.

Each such call costs its whole time-out, and a verdict up to four of them: without an end, the job's
own time limit would be reached first.
"""

from __future__ import annotations

import sys
import threading
import time

NOTICED_AFTER, GIVEN_UP_AFTER = 3, 8
"""Calls in a row without an answer in time. Eight are made at once to begin with (`RateLimit`)."""


class Silence:
    """The calls to one judge that have timed out since its last answer. Safe between threads.

    A judge that has answered before is given up only when a call that was begun after the first
    time-out times out too: a short outage hits all calls in flight at once.
    """

    def __init__(self, model: str) -> None:
        self.given_up = ""
        """Why the judge is asked no more; empty while it is."""
        self._model = model
        self._answered = False
        self._late = 0
        self._first_late = 0.0
        self._lock = threading.Lock()

    def answered(self) -> None:
        with self._lock:
            self._answered, self._late = True, 0

    def timed_out(self, timeout_seconds: float) -> None:
        now = time.monotonic()
        with self._lock:
            self._late += 1
            if self._late == 1:
                self._first_late = now
            late = f"{self._late} calls in a row were not answered within {timeout_seconds:g} s"
            again = not self._answered or now - self._first_late >= timeout_seconds
            if self._late >= GIVEN_UP_AFTER and again:
                self.given_up = self.given_up or late
            tell = self._late == NOTICED_AFTER
        if tell:
            # not sys.stdout, which is somewhere else while MLflow's evaluate runs
            print(f"judge {self._model}: {late}", file=sys.__stderr__, flush=True)
