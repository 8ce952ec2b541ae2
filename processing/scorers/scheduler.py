"""Judges are asked about a row as soon as it is answered, while other rows are still on their way.

The endpoint and every judge are services of their own, each asked at its own pace: none waits for
another, and none of them for MLflow's bookkeeping, which goes on meanwhile.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from processing.calls.paid_store import Record
from processing.endpoint.answers import Answer
from processing.judges.verdict import Question, question_of
from processing.scorers.asked_once import PaidVerdicts, Said, computed
from processing.scorers.build import BuiltScorer
from processing.scorers.cascade import Phases, dearness
from processing.scorers.rows_in_hand import RowsInHand

if TYPE_CHECKING:
    from mlflow.entities import Feedback


ROWS_AT_ONCE = 16
"""Of scorers without a judge: what is computed here waits for nobody, unless a user's own does."""


class Settled(Protocol):
    """Is told of each verdict as soon as it is there, by the thread that has it."""

    def judged(self, row_id: str, scorer: str, record: Record) -> None: ...

    def computed(self, row_id: str, scorer: str, feedback: Feedback | None) -> None: ...


class Judging:
    """Verdicts by row and scorer: asked for in the order of the answers, waited for in any.

    With `settled` the scorers without a judge are asked here too, each as soon as there is an
    answer; without it nobody has to know of their verdicts before MLflow.

    Judges that cost less come first, on each row. In a `cascade` they do on all rows: a judge is
    asked when all that costs less has been, from `all_answered` on.

    `rows_in_hand`: about so many rows at once the judges are asked, without it about all.
    """

    def __init__(
        self,
        scorers: Sequence[BuiltScorer],
        paid: PaidVerdicts,
        settled: Settled | None = None,
        *,
        cascade: bool = False,
        rows_in_hand: int = sys.maxsize,
    ) -> None:
        judged = [built for built in scorers if built.judge is not None]
        self._judged = sorted(judged, key=lambda built: dearness(built, paid.spend.prices))
        self._phases = Phases(self._judged, paid.spend.prices) if cascade else None
        self._free = [built for built in scorers if built.judge is None] if settled else []
        self._paid, self._settled = paid, settled
        self._pools: dict[tuple[str, str | None], ThreadPoolExecutor] = {}
        self._computing = ThreadPoolExecutor(ROWS_AT_ONCE, "scorer")
        self._verdicts: dict[tuple[str, str], Future[Record]] = {}
        self._feedbacks: dict[tuple[str, str], Future[Feedback]] = {}
        self._rows = RowsInHand(self._ask_judges, rows_in_hand)

    def ask(self, answer: Answer) -> None:
        """Have all scorers asked about this answer, if it is one.

        Raises JudgingError when a judge has turned out to refuse everything.
        """
        self._paid.health.require()
        if answer.text is None:
            return
        row_id = answer.row.row_id
        for built in self._free:
            computing = self._computing.submit(self._compute, built, answer)
            self._feedbacks[row_id, built.spec.name] = computing
            if self._phases:
                self._phases.after(computing)
        if self._phases:  # whose judges wait for all rows anyway
            self._ask_judges(answer)
        elif self._judged:
            self._rows.add(answer)

    def all_answered(self) -> None:
        """Nothing more will be asked about: the first judges of a cascade may begin."""
        if self._phases:
            self._phases.begin()

    def _ask_judges(self, answer: Answer) -> int:
        assert answer.judged is not None
        question, row_id = question_of(answer.row, answer.judged), answer.row.row_id
        for built in self._judged:
            self._verdicts[row_id, built.spec.name] = self._asked_for(built, question, row_id)
        return len(self._judged)

    def _asked_for(self, built: BuiltScorer, question: Question, row_id: str) -> Future[Record]:
        def settle(said: list[Said]) -> Record:
            record = self._paid.settled(built, said)
            if self._settled:
                self._settled.judged(row_id, built.spec.name, record)
            return record

        def submit() -> Future[Record]:
            return self._submitted(built, question, settle)

        return submit() if self._phases is None else self._phases.later(built, submit)

    def _submitted(
        self, built: BuiltScorer, question: Question, settle: Callable[[list[Said]], Record]
    ) -> Future[Record]:
        """Each judge is asked at its own pace; whoever is the last has the verdict settled."""
        if len(built.asked) == 1:
            [member] = built.asked
            return self._pool(member).submit(lambda: settle([self._paid.said(member, question)]))
        said = [
            self._pool(member).submit(self._paid.said, member, question) for member in built.asked
        ]
        return all_of(said, settle)

    def _compute(self, built: BuiltScorer, answer: Answer) -> Feedback:
        assert answer.judged is not None
        feedback = None
        try:
            feedback = computed(built, answer.row, answer.judged)
            return feedback
        finally:
            if self._settled:
                self._settled.computed(answer.row.row_id, built.spec.name, feedback)

    def verdict_on(self, built: BuiltScorer, question: Question) -> Future[Record]:
        """Have the scorer's judge asked; the verdict as it is kept, or `{"error": reason}`.

        Raises JudgingError when a judge has turned out to refuse everything.
        """
        self._paid.health.require()
        return self._submitted(built, question, lambda said: self._paid.settled(built, said))

    def verdict(self, row_id: str, scorer: str) -> Record:
        """The verdict as it is kept, or `{"error": reason}`; waits for it. To be had once."""
        self._rows.start_now(row_id)
        try:
            return self._verdicts.pop((row_id, scorer)).result()
        finally:
            self._rows.handed_out(row_id)

    def feedback(self, row_id: str, scorer: str) -> Feedback | None:
        """What a scorer without a judge gives; None where it is not asked here. To be had once.

        Waits for it, and raises what it has raised.
        """
        coming = self._feedbacks.pop((row_id, scorer), None)
        return coming.result() if coming else None

    def by_scorer(self, row_id: str) -> dict[str, Record]:
        """All verdicts on a row that was answered; waits for them."""
        names = (built.spec.name for built in self._judged)
        return {name: self.verdict(row_id, name) for name in names}

    def close(self) -> None:
        """Ask for nothing more, and wait for what is on its way: it is paid for."""
        if self._phases:
            self._phases.cancel()
        self._rows.close()
        pools = [self._computing, *self._pools.values()]
        for pool in pools:
            pool.shutdown(wait=False, cancel_futures=True)
        for pool in pools:
            pool.shutdown(wait=True)

    def _pool(self, built: BuiltScorer) -> ThreadPoolExecutor:
        judge = built.judge
        assert judge is not None
        service = (judge.model, judge.base_url)
        if service not in self._pools:
            self._pools[service] = ThreadPoolExecutor(judge.concurrency, "judge")
        return self._pools[service]


def all_of(
    waited: Sequence[Future[Said]], settle: Callable[[list[Said]], Record]
) -> Future[Record]:
    """What `settle` makes of all results, in their order, in the thread of the last one.

    Raises what the first of them, or `settle`, raises; CancelledError if one never ran.
    """
    promised: Future[Record] = Future()
    lock, left = threading.Lock(), len(waited)

    def done(_: Future[Said]) -> None:
        nonlocal left
        with lock:
            left -= 1
            if left:
                return
        try:
            promised.set_result(settle([each.result() for each in waited]))
        except BaseException as error:  # noqa: BLE001 whoever waits for it has to see it
            promised.set_exception(error)

    for each in waited:
        each.add_done_callback(done)
    return promised


@contextmanager
def judging(
    scorers: Sequence[BuiltScorer],
    paid: PaidVerdicts,
    settled: Settled | None = None,
    *,
    cascade: bool = False,
    rows_in_hand: int = sys.maxsize,
) -> Iterator[Judging]:
    """Judges that are asked within the block, and no longer.

    Raises JudgingError at its end if one of them has refused everything.
    """
    begun = Judging(scorers, paid, settled, cascade=cascade, rows_in_hand=rows_in_hand)
    try:
        yield begun
    finally:
        begun.close()
    paid.health.require(refused=1)
