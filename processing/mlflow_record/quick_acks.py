"""Each request to an MLflow server of several processes else waits 40 ms for nothing.

Such a server (MLflow's own default is four processes) sends an answer's head and body apart, and
keeps the body back until the head is acknowledged: uvicorn gives its workers a socket on which
asyncio sets no TCP_NODELAY (uvicorn#3149, open in November 2026). Linux acknowledges by the way,
with the next thing that it sends, and after 40 ms if there is none.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


def acknowledge_at_once() -> None:
    """For the connections that requests, and so MLflow, makes from now on; Linux alone needs it."""
    if hasattr(socket, "TCP_QUICKACK"):
        HTTPConnectionPool.ConnectionCls = _Connection
        HTTPSConnectionPool.ConnectionCls = _SecureConnection


class _Connection(HTTPConnection):
    def getresponse(self) -> Any:
        """Asks for each answer anew, since Linux goes back to its own ways (tcp(7))."""
        if self.sock is not None:
            with suppress(OSError):  # of a machine that does not know it, or a connection that ends
                self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        return super().getresponse()


class _SecureConnection(_Connection, HTTPSConnection):
    pass
