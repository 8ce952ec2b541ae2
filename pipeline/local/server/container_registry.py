"""ECR in the local AWS: moto keeps its state, a registry that the user runs keeps the images.

moto knows repositories, but no images can be pushed to it. With `local --registry HOST:PORT` the
addresses that ECR gives out are those of that registry.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from werkzeug.test import run_wsgi_app

_ECR = "AmazonEC2ContainerRegistry_"
_ADDRESS = re.compile(rb"(https://)?\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com")

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def with_registry(moto: Application, registry: str) -> Application:
    """moto, with the registry's HOST:PORT in what ECR answers."""

    def address(found: re.Match[bytes]) -> bytes:
        return (b"http://" if found[1] else b"") + registry.encode()

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if not str(environ.get("HTTP_X_AMZ_TARGET", "")).startswith(_ECR):
            return moto(environ, start_response)
        chunks, status, headers = run_wsgi_app(moto, environ, buffered=True)
        body = _ADDRESS.sub(address, b"".join(chunks))
        headers["Content-Length"] = str(len(body))
        start_response(status, list(headers))
        return [body]

    return application
