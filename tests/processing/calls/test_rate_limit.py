"""A service is asked as much as it takes: the limit climbs, halves, and keeps to quotas."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from processing.calls.rate_limit import RateLimit


class Service:
    """Admits `at_once` calls of `seconds` each, and throttles the others."""

    def __init__(self, at_once: int, seconds: float = 0.01) -> None:
        self.at_once, self.seconds = at_once, seconds
        self.in_flight = self.busiest = self.throttled = 0
        self._lock = threading.Lock()

    def admit(self) -> bool:
        with self._lock:
            if self.in_flight >= self.at_once:
                self.throttled += 1
                return False
            self.in_flight += 1
            self.busiest = max(self.busiest, self.in_flight)
            return True

    def call(self) -> bool:
        if not self.admit():
            return False
        time.sleep(self.seconds)
        with self._lock:
            self.in_flight -= 1
        return True


def asked(service: Service, rate_limit: RateLimit, calls: int) -> None:
    """Every call is made until it is admitted."""

    def ask(_: int) -> None:
        while True:
            with rate_limit.turn() as turn:
                turn.throttled = not service.call()
            if not turn.throttled:
                return
            time.sleep(0.01)

    with ThreadPoolExecutor(rate_limit.maximum) as pool:
        list(pool.map(ask, range(calls)))


@pytest.mark.slow
@pytest.mark.parametrize("at_once", [3, 16, 40])
def test_it_settles_near_what_the_service_takes(at_once: int) -> None:
    service, rate_limit = Service(at_once), RateLimit(64)
    asked(service, rate_limit, 40 * at_once)
    assert service.busiest == at_once
    assert 0.45 * at_once <= rate_limit.limit <= at_once + 1.5
    assert rate_limit.throttled == service.throttled <= 0.06 * 40 * at_once


def test_nothing_is_throttled_where_the_maximum_is_below_what_the_service_takes() -> None:
    service, rate_limit = Service(100), RateLimit(20)
    asked(service, rate_limit, 200)
    assert service.busiest == 20
    assert service.throttled == 0


@pytest.mark.slow
def test_it_climbs_again_when_the_service_takes_more() -> None:
    service, rate_limit = Service(4), RateLimit(32)
    asked(service, rate_limit, 100)
    service.at_once = 100
    asked(service, rate_limit, 600)
    assert service.busiest == 32


@pytest.mark.slow
def test_it_does_not_climb_while_calls_only_queue_up() -> None:
    rate_limit = RateLimit(64)
    service = Service(1000)

    def ask(_: int) -> None:
        with rate_limit.turn():
            assert service.admit()
            time.sleep(0.004 * service.in_flight)  # the more at once, the slower each
            service.in_flight -= 1

    with ThreadPoolExecutor(64) as pool:
        list(pool.map(ask, range(200)))
    assert rate_limit.limit < 48


@pytest.mark.slow
def test_requests_a_minute_are_kept_to() -> None:
    rate_limit = RateLimit(8, requests_per_minute=60 * 100)
    start = time.monotonic()
    asked(Service(100, 0.0), rate_limit, 560)  # 500 at once, and 60 more at 100 a second
    assert time.monotonic() - start >= 0.5


@pytest.mark.slow
def test_tokens_a_minute_are_kept_to() -> None:
    rate_limit = RateLimit(1, tokens_per_minute=60 * 1000)
    start = time.monotonic()
    for _ in range(7):
        with rate_limit.turn() as turn:
            turn.tokens = 1000  # 5,000 at once, and then a second for each thousand
    assert time.monotonic() - start >= 0.9


def test_a_failure_that_is_no_throttling_changes_nothing() -> None:
    rate_limit = RateLimit(8)
    with pytest.raises(ZeroDivisionError), rate_limit.turn():
        raise ZeroDivisionError
    assert (rate_limit.limit, rate_limit.throttled) == (8, 0)
    with rate_limit.turn():
        pass
