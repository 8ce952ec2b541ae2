"""A judge that refuses every verdict ends the evaluation, before everything else has been paid for.

What counts is a refusal that asking again does not change (no access, no such model, no key), or
that nobody is reached at all, for every verdict so far: throttling and single rows that cannot be
judged are the gate's matter.
"""

from __future__ import annotations

import re
import threading
from collections import Counter

from processing.base.aws_hints import and_hint
from processing.base.errors import JudgingError
from processing.config.judge import Judge
from processing.judges.verdict import JudgeError

REFUSED_AT_FIRST = 10
"""So many verdicts refused, and none given: no more answers are asked for to be judged."""


_NOT_REACHED = re.compile(r"EndpointConnectionError|ConnectTimeoutError|APIConnectionError")


class JudgeHealth:
    """What each judge has done so far. Safe between threads."""

    def __init__(self) -> None:
        self._working: set[str] = set()
        self._refused: Counter[str] = Counter()
        self._reason: dict[str, str] = {}
        self._lock = threading.Lock()

    def gave(self, judge: Judge) -> None:
        with self._lock:
            self._working.add(judge.model)

    def failed(self, judge: Judge, error: JudgeError) -> None:
        # the wires' words; a verdict that came and is malformed begins otherwise
        refused = error.reason.startswith("the judge failed") and not error.retryable
        if not refused and not _NOT_REACHED.search(error.reason):
            return
        with self._lock:
            self._refused[judge.model] += 1
            self._reason[judge.model] = error.reason

    def require(self, refused: int = REFUSED_AT_FIRST) -> None:
        """Raise JudgingError if a judge has refused at least so many verdicts and given none."""
        with self._lock:
            down = [m for m, n in self._refused.items() if n >= refused and m not in self._working]
            reasons = [self._reason[model] for model in down]
        if down:
            raise JudgingError(
                f"judge {down[0]} refuses every verdict: {reasons[0][:600]}"
                f"{and_hint(reasons[0], 'job')}; what was answered until then is kept: start "
                "again to go on from there"
            )
