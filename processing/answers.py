"""Phase one of an evaluation: every row's question is answered, and every answer is kept.

An answer is on disk before the next one is waited for: it has been paid for.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from processing.config import Endpoint
from processing.dataset import Row
from processing.endpoint import Call, ask
from processing.errors import EndpointError
from processing.payload import request_body

FAILED_IN_A_ROW = 10
"""So many rows without an answer, one after the other, and the endpoint counts as down."""

PROGRESS_SECONDS = 5.0


@dataclass(frozen=True)
class Answer:
    row: Row
    request: dict[str, Any]
    call: Call

    @property
    def text(self) -> str | None:
        return self.call.reply.text if self.call.reply else None


def answer_rows(client: Any, endpoint: Endpoint, rows: list[Row], kept: Path) -> list[Answer]:
    """Ask about every row, `endpoint.concurrency` at a time; answers in the order of `rows`.

    Each is appended to the JSON Lines file `kept` as it comes. Raises EndpointError when the
    endpoint has stopped answering; what came until then is in the file.
    """
    kept.parent.mkdir(parents=True, exist_ok=True)
    answers: dict[str, Answer] = {}
    with kept.open("a", encoding="utf-8") as file:
        failed_in_a_row, last_report = 0, time.monotonic()
        for answer in _as_they_come(client, endpoint, rows):
            _keep(answer, file)
            answers[answer.row.row_id] = answer
            failed_in_a_row = failed_in_a_row + 1 if answer.call.error else 0
            if failed_in_a_row >= FAILED_IN_A_ROW:
                good = sum(1 for a in answers.values() if a.text is not None)
                raise EndpointError(
                    f"endpoint {endpoint.name} has stopped answering: {failed_in_a_row} rows "
                    f"failed one after the other, the last with {answer.call.error}; {good} of "
                    f"{len(rows)} rows were answered and are kept in {kept.name}"
                )
            if time.monotonic() - last_report > PROGRESS_SECONDS or len(answers) == len(rows):
                last_report = time.monotonic()
                _report(answers, len(rows))
    return [answers[row.row_id] for row in rows]


def _as_they_come(client: Any, endpoint: Endpoint, rows: list[Row]) -> Iterator[Answer]:
    """Answers in the order in which they arrive; stops asking when the consumer stops."""

    def answer(row: Row) -> Answer:
        body = request_body(endpoint, row)
        return Answer(row, body, ask(client, endpoint, body))

    waiting = iter(rows)
    with ThreadPoolExecutor(endpoint.concurrency, thread_name_prefix="endpoint") as pool:
        # No more is handed out than can be in flight, so that stopping costs no further calls.
        in_flight: set[Future[Answer]] = set()
        while True:
            for row in waiting:
                in_flight.add(pool.submit(answer, row))
                if len(in_flight) >= endpoint.concurrency:
                    break
            if not in_flight:
                return
            done, in_flight = wait(in_flight, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()


def _keep(answer: Answer, file: IO[str]) -> None:
    record = {
        "row_id": answer.row.row_id,
        "request": answer.request,
        **asdict(answer.call),
    }
    file.write(json.dumps(record, ensure_ascii=False) + "\n")
    file.flush()


def _report(answers: dict[str, Answer], rows: int) -> None:
    failed = sum(1 for answer in answers.values() if answer.call.error)
    print(f"answered {len(answers)} of {rows} rows, {failed} failed", flush=True)
