"""Answers as they arrive: one thread asks for them all, others wait for the one they need."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager

from processing.dataset.rows import Row
from processing.endpoint.answers import Answer

Ask = Callable[[Callable[[Answer], None]], list[Answer]]
"""Asks about all rows, hands each answer on as it comes, and returns them in the rows' order."""


class NoMoreAnswers(BaseException):
    """No more answers will come. Not an Exception, or MLflow would take it for one row's error."""


class AnswerStream:
    """Answers by row id. Safe between threads."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._coming: dict[str, Future[Answer]] = {row.row_id: Future() for row in rows}
        self._ended = threading.Event()
        self._result: Future[list[Answer]] = Future()

    def answer(self, row_id: str) -> Answer:
        """Waits for it. Raises NoMoreAnswers if it will not come. To be had once."""
        answer = self._coming[row_id].result()
        del self._coming[row_id]  # a thousand bytes that nobody waits for any more
        return answer

    def all(self) -> list[Answer]:
        """All answers, in the order of the rows. Raises the error that ended the calls."""
        return self._result.result()

    def run(self, ask: Ask, arrived: Callable[[Answer], None]) -> None:
        def hand_on(answer: Answer) -> None:
            if self._ended.is_set():
                raise NoMoreAnswers
            arrived(answer)
            self._coming[answer.row.row_id].set_result(answer)

        try:
            self._result.set_result(ask(hand_on))
        except BaseException as error:  # noqa: BLE001 raised where the rows are waited for
            self._result.set_exception(error)
            for coming in list(self._coming.values()):
                if not coming.done():
                    coming.set_exception(NoMoreAnswers())

    def end(self) -> None:
        self._ended.set()


@contextmanager
def streamed_answers(
    rows: Sequence[Row], ask: Ask, arrived: Callable[[Answer], None]
) -> Iterator[AnswerStream]:
    """Ask within the block; at its end nothing more is asked, and what is on its way comes home."""
    stream = AnswerStream(rows)
    thread = threading.Thread(target=stream.run, args=(ask, arrived), name="answers")
    thread.start()
    try:
        yield stream
    finally:
        stream.end()
        thread.join()
