"""Requests that nobody waits for until the end, made by some threads in the order they came."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from processing.mlflow_record.signing import share_credentials

REQUESTS_AT_ONCE = 12
"""Each waits for the server, and for its turn among a hundred threads that ask and judge.

A server on its default settings holds 15 connections to its database.
"""

MOST_WAITING = 500
"""A server that is slower than the judges slows them down at last, and fills no memory."""


class RequestsBehind:
    """What has been sent is let go; what has failed is kept, to be told at the end."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(REQUESTS_AT_ONCE, "mlflow", share_credentials)
        self._pending: set[Future[None]] = set()  # and what has failed
        self._room = threading.Semaphore(MOST_WAITING)

    def submit(self, request: Callable[..., None], *given: Any) -> None:
        """Waits where MOST_WAITING do; no lock may be held that a request needs."""
        self._room.acquire()
        try:
            sending = self._pool.submit(request, *given)
        except RuntimeError:  # it is closed
            self._room.release()
            raise
        self._pending.add(sending)
        sending.add_done_callback(self._done)

    def _done(self, sent: Future[None]) -> None:
        self._room.release()
        if not sent.cancelled() and sent.exception() is None:
            self._pending.discard(sent)

    def wait(self) -> None:
        """Return when all is sent. Raises what a request has raised."""
        for each in list(self._pending):
            each.result()

    def close(self) -> None:
        """Wait for what is being sent; send nothing else."""
        self._pool.shutdown(wait=True, cancel_futures=True)
