"""Answers as they arrive: one thread asks for them all, others wait for the one they need."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager

from processing.endpoint.answers import Answer

Ask = Callable[[Callable[[Answer], None]], list[Answer]]
"""Asks about all rows, hands each answer on as it comes, and returns them in the rows' order."""


class NoMoreAnswers(BaseException):
    """No more answers will come. Not an Exception, or MLflow would take it for one row's error."""


class AnswerStream:
    """Answers by row id. Safe between threads."""

    def __init__(self) -> None:
        self._there: dict[str, Answer] = {}
        self._waited_for: dict[str, Future[Answer]] = {}
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._result: Future[list[Answer]] = Future()

    def answer(self, row_id: str) -> Answer:
        """Waits for it. Raises NoMoreAnswers if it will not come. To be had once."""
        with self._lock:
            if row_id in self._there:
                return self._there.pop(row_id)
            if self._result.done():
                raise NoMoreAnswers
            coming = self._waited_for[row_id] = Future()
        return coming.result()

    def all(self) -> list[Answer]:
        """All answers, in the order of the rows. Raises the error that ended the calls."""
        return self._result.result()

    def run(self, ask: Ask, arrived: Callable[[Answer], None]) -> None:
        def hand_on(answer: Answer) -> None:
            if self._ended.is_set():
                raise NoMoreAnswers
            arrived(answer)
            row_id = answer.row.row_id
            with self._lock:
                waiting = self._waited_for.pop(row_id, None)
                if waiting is None:
                    self._there[row_id] = answer
                    return
            waiting.set_result(answer)

        try:
            answers = ask(hand_on)
        except BaseException as error:  # noqa: BLE001 raised where the rows are waited for
            with self._lock:
                self._result.set_exception(error)
        else:
            with self._lock:
                self._result.set_result(answers)
        for waiting in self._waited_for.values():
            waiting.set_exception(NoMoreAnswers())

    def end(self) -> None:
        self._ended.set()


@contextmanager
def streamed_answers(ask: Ask, arrived: Callable[[Answer], None]) -> Iterator[AnswerStream]:
    """Ask within the block; at its end nothing more is asked, and what is on its way comes home."""
    stream = AnswerStream()
    thread = threading.Thread(target=stream.run, args=(ask, arrived), name="answers")
    thread.start()
    try:
        yield stream
    finally:
        stream.end()
        thread.join()
