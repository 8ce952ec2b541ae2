"""What goes over the wire to an endpoint, and how its answer is read, by the endpoint's format.

A new format is a module in `processing/endpoint/payloads/` and a word in
`processing.config.endpoint.PayloadFormat`.
"""

from __future__ import annotations

import functools
import importlib
from dataclasses import replace
from typing import Any, Protocol, cast

from processing.config.endpoint import Endpoint
from processing.dataset.rows import Row
from processing.endpoint.body_bytes import document_in
from processing.endpoint.reply import Reply, UnusableReply
from processing.endpoint.response_paths import passages_in
from processing.endpoint.separation import separated


class PayloadFormat(Protocol):
    """What a module in processing/endpoint/payloads/ has."""

    def request(self, endpoint: Endpoint, row: Row) -> dict[str, Any]:
        """The JSON request for one row."""
        ...

    def prompt(self, body: dict[str, Any]) -> str | list[dict[str, str]]:
        """The part of a request that MLflow keeps as a prompt: a text, or a chat's messages."""
        ...

    def reply(self, endpoint: Endpoint, document: Any) -> Reply:
        """Read a response's JSON. Raises UnusableReply where there is no answer in it."""
        ...


def request_body(endpoint: Endpoint, row: Row) -> dict[str, Any]:
    """The JSON request for one row, in the endpoint's format."""
    return _format(endpoint.format).request(endpoint, row)


def prompt_in(endpoint: Endpoint, body: dict[str, Any]) -> str | list[dict[str, str]]:
    """What MLflow keeps of a request as its prompt: a text, or a chat's messages."""
    return _format(endpoint.format).prompt(body)


def read_reply(endpoint: Endpoint, body: bytes) -> Reply:
    """Read an endpoint's 200 response: all of it, reasoning too, as it came.

    Raises UnusableReply where the body is not JSON, has an error in it, or has no answer.
    """
    try:
        document = document_in(body, streamed=endpoint.stream)
        reply = _format(endpoint.format).reply(endpoint, document)
        reply = replace(reply, retrieved=passages_in(endpoint, document))
        separated(endpoint, reply)
    except RecursionError as error:
        raise UnusableReply("the body is JSON nested too deeply to be read") from error
    return reply


@functools.cache
def _format(name: str) -> PayloadFormat:
    return cast(PayloadFormat, importlib.import_module(f"processing.endpoint.payloads.{name}"))
