"""Requests behind the evaluation: what is sent is let go, and no failure is."""

from __future__ import annotations

import gc
import threading
from concurrent.futures import Future

import pytest
from local_runs import eventually

from processing.mlflow_record.requests_behind import MOST_WAITING, RequestsBehind


def test_a_failure_is_told_however_much_is_sent_after_it() -> None:
    requests, sent = RequestsBehind(), list[int]()

    def fail() -> None:
        raise OSError("the server took no more")

    requests.submit(fail)
    for number in range(3 * MOST_WAITING):
        requests.submit(sent.append, number)
    eventually(lambda: len(sent) == 3 * MOST_WAITING)
    with pytest.raises(OSError, match="took no more"):
        requests.wait()
    requests.close()


def test_what_is_sent_takes_no_room() -> None:
    requests, done = RequestsBehind(), threading.Semaphore(0)
    for _ in range(2 * MOST_WAITING):
        requests.submit(done.release)
        assert done.acquire(timeout=60)
    kept = sum(isinstance(each, Future) for each in gc.get_objects())
    requests.close()
    assert kept < MOST_WAITING


def test_whoever_sends_waits_for_a_server_that_is_slower() -> None:
    requests, may_go, submitted = RequestsBehind(), threading.Event(), list[int]()

    def submit_many() -> None:
        for number in range(MOST_WAITING + 100):
            requests.submit(may_go.wait)
            submitted.append(number)

    sender = threading.Thread(target=submit_many)
    sender.start()
    sender.join(timeout=0.5)
    assert len(submitted) == MOST_WAITING
    may_go.set()
    sender.join(timeout=60)
    requests.wait()
    requests.close()
    assert len(submitted) == MOST_WAITING + 100
