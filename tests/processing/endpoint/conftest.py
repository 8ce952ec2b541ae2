from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipeline.local.demo.endpoint.behaviour import EndpointBehaviour
from pipeline.local.demo.endpoint.server import serve_endpoint


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a demo endpoint `qa`, which behaves well until a test tells it otherwise."""
    demo = serve_endpoint(endpoints={"qa": EndpointBehaviour()})
    yield demo.url
    demo.stop()
