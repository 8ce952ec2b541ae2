"""An OpenAI-compatible server (vLLM, Ollama, llama.cpp) as the model behind an endpoint.

A call's body goes to the server's /v1/chat/completions, or /v1/completions if it has a `prompt`;
its answer comes back as it is, and its errors as SageMaker gives a container's.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import httpx

from pipeline.local.demo.calls import Answer
from pipeline.local.demo.endpoint.model_error import model_error

CONTAINER_SECONDS = 60.0
"""What SageMaker gives a container for an answer."""

_LIST_SECONDS, _CONNECT_SECONDS = 5.0, 5.0
_TIMED_OUT = (
    "Your invocation timed out while waiting for a response from container primary. Review the "
    "latency metrics for each container in Amazon CloudWatch, resolve the issue, and try again."
)
_BAD_GATEWAY = 502  # nginx's word in SageMaker's own containers for a server that is gone


def base_url(url: str) -> str:
    """The address without the `/v1` that OpenAI's clients are given. Raises ValueError."""
    try:
        parts = urlsplit(url)
        right = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # a port that is none, half an IPv6 address
        right = False
    if not right or re.search(r"[^!-~]", url):
        raise ValueError(f"{url!r} is no http(s) address, such as http://127.0.0.1:8000")
    if parts.username is not None:
        raise ValueError("an address with a user or password in it would be shown: leave them out")
    if parts.query or parts.fragment:
        raise ValueError(f"{url!r} has a query or fragment: give the server's base address alone")
    return url.rstrip("/").removesuffix("/v1").rstrip("/")


def first_model(url: str) -> str | None:
    """The name of the first model that the server lists; None if it lists none.

    Raises httpx.RequestError if nothing answers there.
    """
    listed = httpx.get(f"{url}/v1/models", timeout=_LIST_SECONDS, trust_env=not _is_here(url))
    try:
        return str(listed.json()["data"][0]["id"])
    except (ValueError, KeyError, IndexError, TypeError):
        return None


class OpenAiServer:
    """One server. `url` is a `base_url`; `seconds` is how long it has for an answer."""

    def __init__(self, url: str, seconds: float = CONTAINER_SECONDS) -> None:
        self._url, self._seconds = url, seconds
        self._model: str | None = None
        # no connection is kept: one that the server closes meanwhile would look like its failure
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(None, connect=_CONNECT_SECONDS),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
            trust_env=not _is_here(url),
        )

    async def answer(self, endpoint: str, body: bytes) -> Answer:
        """Raises WireError ModelError for whatever is not a 2xx answer in time."""
        answered = await self._in_time(endpoint, body)
        headers = {
            "content-type": answered.headers.get("content-type", "application/json"),
            "x-demo": f"passed on to {self._url}",
        }
        return Answer("passed on", answered.content, headers)

    async def stream(self, endpoint: str, body: bytes) -> AsyncIterator[bytes]:
        """The parts of the answer as they come; one that breaks off raises httpx.RequestError.

        Raises WireError ModelError for whatever is not a 2xx answer that begins in time.
        """
        answered = await self._in_time(endpoint, body, stream=True)
        return answered.aiter_raw()

    async def _in_time(self, endpoint: str, body: bytes, *, stream: bool = False) -> httpx.Response:
        try:
            async with asyncio.timeout(self._seconds):
                answered = await self._pass_on(body, stream=stream)
        except TimeoutError as error:
            raise model_error(endpoint, 0, _TIMED_OUT) from error
        except httpx.RequestError as error:
            said = f"no answer from {self._url}: {error or type(error).__name__}"
            raise model_error(endpoint, _BAD_GATEWAY, said) from error
        if not answered.is_success:
            await answered.aread()
            raise model_error(endpoint, answered.status_code, answered.text)
        return answered

    async def _pass_on(self, body: bytes, *, stream: bool = False) -> httpx.Response:
        document = _read(body)
        named = await self._named(document)
        request = self._client.build_request(
            "POST",
            f"{self._url}{_path(document)}",
            content=body if named is document else json.dumps(named).encode(),
            headers={"content-type": "application/json", "accept-encoding": "identity"},
        )
        answered = await self._client.send(request, stream=stream)
        if answered.status_code == httpx.codes.NOT_FOUND:
            self._model = None  # it may serve another one by now
        return answered

    async def _named(self, document: Any) -> Any:
        """With the name of the server's model where the body has none."""
        if not isinstance(document, dict) or document.get("model"):
            return document
        if self._model is None:
            self._model = await asyncio.to_thread(first_model, self._url)
        return {**document, "model": self._model} if self._model else document


def _is_here(url: str) -> bool:
    """On this machine, to which no proxy leads."""
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def _path(document: Any) -> str:
    completes = isinstance(document, dict) and "prompt" in document and "messages" not in document
    return "/v1/completions" if completes else "/v1/chat/completions"


def _read(body: bytes) -> Any:
    """The body's JSON; None if it is none, of which the server will say what it thinks."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
