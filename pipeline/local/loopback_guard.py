"""The local servers answer programs of their own user, and no web page.

They listen on loopback only, but a browser on this machine reaches loopback too, for any page:

- a page of another origin can send a POST without asking first; its browser names it in `Origin`,
  and tells in `Sec-Fetch-Site` of requests without one (an image, a link) where they come from;
- a site can let its own name point to 127.0.0.1 (DNS rebinding), so that its pages are of the same
  origin as the server; `Host` is then that name.

boto3, MLflow's client and curl send none of these, and a loopback `Host`. Buckets are called
`<bucket>.localhost` by S3 clients that put them into the host name; names under `localhost` always
mean this machine (RFC 6761), so nobody can rebind them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

_HOST = re.compile(r"(127\.0\.0\.1|\[::1\]|(?:[a-z0-9_.-]+\.)?localhost)(?::(\d{1,5}))?", re.I)
_OWN_PAGES = {"127.0.0.1", "::1", "localhost"}
_HTTP_PORT = 80

Message = MutableMapping[str, Any]
AsgiApp = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]],
    Awaitable[None],
]


def refusal(headers: Mapping[str, str], *, shows_pages: bool = False) -> str | None:
    """Why a request with these headers (names in lower case) is refused; None if it is not.

    `shows_pages`: other sites may link to the server's pages.
    """
    host = _HOST.fullmatch(headers.get("host", ""))
    if host is None:
        return (
            f"Host {headers.get('host', '')!r} is not loopback; use http://127.0.0.1 with the port"
        )
    origin, site = headers.get("origin"), headers.get("sec-fetch-site", "none")
    if origin is not None and not _is_own(origin, int(host[2] or _HTTP_PORT)):
        return f"Origin {origin!r}: this local server takes no requests from web pages of others"
    if site not in {"none", "same-origin"} and not (shows_pages and _opens_page(headers)):
        return "this local server takes no requests from web pages of others"
    return None


def _is_own(origin: str, port: int) -> bool:
    try:
        page = urlsplit(origin)
        own_port = (page.port or _HTTP_PORT) == port
    except ValueError:
        return False
    return page.scheme == "http" and page.hostname in _OWN_PAGES and own_port


def _opens_page(headers: Mapping[str, str]) -> bool:
    """Whether someone has followed a link, into a whole tab."""
    mode, target = headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")
    return (mode, target) == ("navigate", "document") and "origin" not in headers


def wsgi_headers(environ: Mapping[str, Any]) -> dict[str, str]:
    """The request's headers, their names in lower case."""
    return {
        name.removeprefix("HTTP_").replace("_", "-").lower(): str(value)
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }


class LoopbackGuard:
    """An ASGI application that answers 403 instead of `app` to what `refusal` names."""

    def __init__(self, app: AsgiApp, *, shows_pages: bool = False) -> None:
        self._app, self._shows_pages = app, shows_pages

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        reason = None
        if scope["type"] in {"http", "websocket"}:
            headers = {name.decode("latin-1"): v.decode("latin-1") for name, v in scope["headers"]}
            reason = refusal(headers, shows_pages=self._shows_pages)
        if reason is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close"})
        else:
            body = json.dumps({"message": reason}).encode()
            kind = [(b"content-type", b"application/json")]
            await send(
                {"type": "http.response.start", "status": HTTPStatus.FORBIDDEN, "headers": kind}
            )
            await send({"type": "http.response.body", "body": body})
