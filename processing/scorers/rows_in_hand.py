"""Answered rows whose judges have not been asked yet, kept as answers and not as calls.

An endpoint that is faster than the judges, or judges that are faster than MLflow, leave thousands
of them: a row's calls and what came of them take 20 KB and more, its answer 3.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import CancelledError

from processing.endpoint.answers import Answer

ROWS_IN_HAND = 1_000
"""More than any judge takes at once, so that none of several is idle while another is slow.

For whoever takes the verdicts while the answers are still coming: else the judges would stand idle.
"""


class RowsInHand:
    """Has the judges asked about so many rows at once; others wait in the order they came.

    `start` has a row's judges asked and returns how many verdicts will be. Once all of them are
    handed out, the next row's turn has come. Safe between threads.
    """

    def __init__(self, start: Callable[[Answer], int], most: int) -> None:
        self._start, self._most = start, most
        self._waiting: OrderedDict[str, Answer] = OrderedDict()  # by row id
        self._in_hand: dict[str, int] = {}  # verdicts that are still to be handed out
        self._closed = False
        self._lock = threading.Lock()

    def add(self, answer: Answer) -> None:
        with self._lock:
            self._waiting[answer.row.row_id] = answer
            self._fill()

    def start_now(self, row_id: str) -> None:
        """Somebody waits for this row: its turn has come. Raises CancelledError if none will."""
        with self._lock:
            if row_id in self._waiting:
                if self._closed:
                    raise CancelledError
                self._begin(self._waiting.pop(row_id))

    def handed_out(self, row_id: str) -> None:
        """One of the row's verdicts."""
        with self._lock:
            if row_id in self._in_hand:
                self._in_hand[row_id] -= 1
                if not self._in_hand[row_id]:
                    del self._in_hand[row_id]
                    self._fill()

    def close(self) -> None:
        """Start no row any more."""
        with self._lock:
            self._closed = True

    def _fill(self) -> None:
        while self._waiting and len(self._in_hand) < self._most and not self._closed:
            self._begin(self._waiting.popitem(last=False)[1])

    def _begin(self, answer: Answer) -> None:
        """With the lock: whoever looks for the row finds it waiting or begun."""
        self._in_hand[answer.row.row_id] = self._start(answer)
