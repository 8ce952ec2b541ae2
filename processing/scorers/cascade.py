"""Scorers in the order of what they cost: a cheap one may refuse before a dear one is paid.

In a cascade each judge waits until all that costs less has been asked about all rows. No row is
left out: what a phase leaves open the next one is asked.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from itertools import groupby
from typing import Any

from processing.calls.paid_store import Record
from processing.config.judge import judge_name
from processing.config.prices import Prices
from processing.scorers.build import BuiltScorer

Dearness = tuple[float, int]


def dearness(built: BuiltScorer, prices: Mapping[str, Prices]) -> Dearness:
    """What a token in and one out cost of all its judges, without a price more than any; then how
    often they are asked.

    The frameworks' verdicts take several calls each.
    """
    each = [prices.get(judge_name(member.judge.model)) for member in built.asked if member.judge]
    several = built.spec.kind in ("DeepEval", "RAGAS")
    money = math.fsum(
        math.inf if price is None else price.input_per_million + price.output_per_million
        for price in each
    )
    times = sum(member.repeats for member in built.asked)
    return money if each else math.inf, times * (1 + several)


class Phases:
    """Judges of the same price are asked together. Safe between threads.

    `judged`: in the order of what they cost.
    """

    def __init__(self, judged: Sequence[BuiltScorer], prices: Mapping[str, Prices]) -> None:
        phases = groupby(judged, key=lambda built: dearness(built, prices)[0])
        self._phase_of = {
            built.spec.name: number for number, (_, of) in enumerate(phases) for built in of
        }
        self._waiting: dict[int, list[tuple[Future[Record], Callable[[], None]]]] = {}
        self._open, self._next, self._begun, self._cancelled = 0, 0, False, False
        self._lock = threading.Lock()

    def after(self, running: Future[Any]) -> None:
        """The next phase waits for this too."""
        with self._lock:
            self._open += 1
        running.add_done_callback(self._done)

    def later(self, built: BuiltScorer, submit: Callable[[], Future[Record]]) -> Future[Record]:
        """What `submit` gives, when the scorer's phase has come."""
        promised: Future[Record] = Future()

        def start() -> None:
            promised.set_running_or_notify_cancel()
            try:
                running = submit()
            except RuntimeError as error:  # the pool is closed: nothing more is asked
                promised.set_exception(error)
                self._done(promised)
            else:
                running.add_done_callback(lambda found: _hand_on(found, promised))
                running.add_done_callback(self._done)

        with self._lock:
            phase = self._waiting.setdefault(self._phase_of[built.spec.name], [])
            phase.append((promised, start))
        return promised

    def begin(self) -> None:
        """All answers are there."""
        with self._lock:
            self._begun = True
        self._go_on()

    def cancel(self) -> None:
        """What has not begun never will."""
        with self._lock:
            self._cancelled = True
            for phase in self._waiting.values():
                for promised, _ in phase:
                    promised.cancel()

    def _done(self, _: object) -> None:
        with self._lock:
            self._open -= 1
        self._go_on()

    def _go_on(self) -> None:
        """Start the next phase that has something to ask, if nothing of the last is open."""
        with self._lock:
            if self._open or not self._begun or self._cancelled:
                return
            starting: list[tuple[Future[Record], Callable[[], None]]] = []
            while self._waiting and not starting:
                starting = self._waiting.pop(self._next, [])
                self._next += 1
            self._open += len(starting)
        for _, start in starting:
            start()


def _hand_on(found: Future[Record], promised: Future[Record]) -> None:
    if found.cancelled():
        promised.set_exception(CancelledError())
    elif (error := found.exception()) is not None:
        promised.set_exception(error)
    else:
        promised.set_result(found.result())
