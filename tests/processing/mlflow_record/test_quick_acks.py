"""A server that loses TCP_NODELAY, as MLflow's does with several processes (uvicorn#3149)."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
from loopback_server import serving
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from processing.mlflow_record.quick_acks import acknowledge_at_once

BODY = b'{"experiments": []}'
REQUESTS = 20


class HeadThenBody(BaseHTTPRequestHandler):
    """In two packets, of which Nagle's algorithm keeps the second back."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def urllib3_as_it_comes() -> Iterator[None]:
    before = HTTPConnectionPool.ConnectionCls, HTTPSConnectionPool.ConnectionCls
    HTTPConnectionPool.ConnectionCls = HTTPConnection
    HTTPSConnectionPool.ConnectionCls = HTTPSConnection
    yield
    HTTPConnectionPool.ConnectionCls, HTTPSConnectionPool.ConnectionCls = before


def seconds(address: str) -> float:
    """Of the quicker half of the requests on one connection: a busy machine delays some."""
    taken = []
    with requests.Session() as session:
        for _ in range(REQUESTS):
            started = time.perf_counter()
            assert session.get(address).content == BODY
            taken.append(time.perf_counter() - started)
    return sum(sorted(taken)[: REQUESTS // 2])


@pytest.mark.slow
@pytest.mark.usefixtures("urllib3_as_it_comes")
def test_no_answer_is_kept_back() -> None:
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), HeadThenBody)) as address:
        kept_back = seconds(address)
        acknowledge_at_once()
        assert seconds(address) < kept_back / 2


@pytest.mark.usefixtures("urllib3_as_it_comes")
def test_a_machine_that_does_not_know_it_gets_its_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "TCP_QUICKACK", 9999, raising=False)
    acknowledge_at_once()
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), HeadThenBody)) as address:
        assert requests.get(address, timeout=10).content == BODY
