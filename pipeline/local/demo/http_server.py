"""A demo server in a daemon thread of this process."""

import socket
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from uvicorn.protocols.http.h11_impl import H11Protocol

from pipeline.local.loopback_guard import AsgiApp, LoopbackGuard, Message

_START_SECONDS = 10.0
_STOP_SECONDS = 5


class _ResettableProtocol(H11Protocol):
    """uvicorn's HTTP/1.1 with the transport in reach, for a fault that cuts the connection."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


@dataclass(frozen=True)
class DemoServer:
    """A demo server running in a daemon thread."""

    url: str
    _stopping: threading.Event
    _server: uvicorn.Server
    _thread: threading.Thread

    def stop(self) -> None:
        """Ends the server and the calls that hang in it; calls under way are still answered."""
        self._stopping.set()
        self._server.should_exit = True
        self._thread.join()

    def wait(self) -> None:
        """Blocks until the server ends."""
        self._thread.join()


def serve(app: Starlette, port: int, label: str) -> DemoServer:
    """Serves the app on loopback in a daemon thread; port 0 takes a free one.

    label goes into the header `x-demo` of every response that has none of its own.
    Raises OSError naming the port if it is taken, RuntimeError if the server does not come up.
    """
    # with the protocol named, asyncio turns Nagle off; without, each call waits 40 ms for an ACK
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        listener.close()
        raise OSError(error.errno, f"cannot serve the {label} on port {port}: {error}") from error
    app.state.stopping = stopping = threading.Event()
    config = uvicorn.Config(
        _labelled(LoopbackGuard(app), label),
        http=_ResettableProtocol,
        lifespan="off",
        timeout_graceful_shutdown=_STOP_SECONDS,
        log_level="warning",
        access_log=False,
    )
    server = uvicorn.Server(config)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    thread = threading.Thread(target=server.run, args=([listener],), name=label, daemon=True)
    thread.start()
    deadline = time.monotonic() + _START_SECONDS
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise RuntimeError(f"the {label} did not start within {_START_SECONDS:g} s")
        time.sleep(0.005)
    return DemoServer(url, stopping, server, thread)


def _labelled(app: AsgiApp, label: str) -> AsgiApp:
    """The application whose responses say `label`, unless they say something else."""

    async def labelled(
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        async def send_labelled(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).setdefault("x-demo", label)
            await send(message)

        await app(scope, receive, send_labelled)

    return labelled
