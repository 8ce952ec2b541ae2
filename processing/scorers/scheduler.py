"""Judges are asked about a row as soon as it is answered, while other rows are still on their way.

The endpoint and every judge are services of their own, each asked at its own pace: none waits for
another, and none of them for MLflow's bookkeeping, which goes on meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from processing.calls.paid_store import Record
from processing.endpoint.answers import Answer
from processing.judges.verdict import Question
from processing.scorers.asked_once import PaidVerdicts
from processing.scorers.build import BuiltScorer


class Judging:
    """Verdicts by row and scorer: asked for in the order of the answers, waited for in any."""

    def __init__(self, scorers: Sequence[BuiltScorer], paid: PaidVerdicts) -> None:
        self._judged = [built for built in scorers if built.judge is not None]
        self._paid = paid
        self._pools: dict[tuple[str, str | None], ThreadPoolExecutor] = {}
        self._verdicts: dict[tuple[str, str], Future[Record]] = {}

    def ask(self, answer: Answer) -> None:
        """Have all judges asked about this answer, if it is one.

        Raises JudgingError when a judge has turned out to refuse everything.
        """
        self._paid.health.require()
        if answer.text is None:
            return
        for built in self._judged:
            self._verdicts[answer.row.row_id, built.spec.name] = self._pool(built).submit(
                self._paid.record, built, answer.row, answer.text
            )

    def verdict_on(self, built: BuiltScorer, question: Question) -> Future[Record]:
        """Have the scorer's judge asked; the verdict as it is kept, or `{"error": reason}`.

        Raises JudgingError when a judge has turned out to refuse everything.
        """
        self._paid.health.require()
        return self._pool(built).submit(self._paid.record_on, built, question)

    def verdict(self, row_id: str, scorer: str) -> Record:
        """The verdict as it is kept, or `{"error": reason}`; waits for it. To be had once."""
        return self._verdicts.pop((row_id, scorer)).result()

    def by_scorer(self, row_id: str) -> dict[str, Record]:
        """All verdicts on a row that was answered; waits for them."""
        names = (built.spec.name for built in self._judged)
        return {name: self.verdict(row_id, name) for name in names}

    def close(self) -> None:
        """Ask for nothing more, and wait for what is on its way: it is paid for."""
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)
        for pool in self._pools.values():
            pool.shutdown(wait=True)

    def _pool(self, built: BuiltScorer) -> ThreadPoolExecutor:
        judge = built.judge
        assert judge is not None
        service = (judge.model, judge.base_url)
        if service not in self._pools:
            self._pools[service] = ThreadPoolExecutor(judge.concurrency, "judge")
        return self._pools[service]


@contextmanager
def judging(scorers: Sequence[BuiltScorer], paid: PaidVerdicts) -> Iterator[Judging]:
    """Judges that are asked within the block, and no longer.

    Raises JudgingError at its end if one of them has refused everything.
    """
    begun = Judging(scorers, paid)
    try:
        yield begun
    finally:
        begun.close()
    paid.health.require(refused=1)
