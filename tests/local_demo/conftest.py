"""The demo servers on loopback, and boto3 clients that reach them as they would reach AWS."""

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config

from pipeline.local.demo_endpoint import EndpointBehaviour, serve_endpoint
from pipeline.local.demo_judge import serve_judge

GOOD, WORSE = "health-qa-good", "health-qa-worse"
QUICK = {"latency_ms": 0, "jitter_ms": 0}


def aws_client(service: Any, url: str, read_timeout: float = 10) -> Any:
    """One try per call, so that a test sees each error the server sends."""
    return boto3.client(
        service,
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=Config(
            retries={"total_max_attempts": 1}, read_timeout=read_timeout, max_pool_connections=20
        ),
    )


@pytest.fixture(scope="session")
def endpoint_url() -> Iterator[str]:
    endpoints = {
        GOOD: EndpointBehaviour.model_validate({"model": "good", "faults": QUICK}),
        WORSE: EndpointBehaviour.model_validate({"model": "worse", "faults": QUICK}),
    }
    server = serve_endpoint(endpoints=endpoints)
    yield server.url
    server.stop()


@pytest.fixture(scope="session")
def judge_url() -> Iterator[str]:
    server = serve_judge()
    yield server.url
    server.stop()


@pytest.fixture(scope="session")
def runtime(endpoint_url: str) -> Any:
    return aws_client("sagemaker-runtime", endpoint_url)


@pytest.fixture
def impatient_runtime(endpoint_url: str) -> Any:
    """Gives up after 0.3 seconds."""
    return aws_client("sagemaker-runtime", endpoint_url, read_timeout=0.3)


@pytest.fixture(scope="session")
def bedrock(judge_url: str) -> Any:
    return aws_client("bedrock-runtime", judge_url)


@pytest.fixture
def endpoint(endpoint_url: str, request: pytest.FixtureRequest) -> Iterator[Callable[..., str]]:
    """endpoint(faults={...}, model=...) makes an endpoint of this test's own, returns its name."""
    name = f"test-{abs(hash(request.node.nodeid))}"

    def put(faults: dict[str, Any] | None = None, **behaviour: Any) -> str:
        body = {**behaviour, "faults": {**QUICK, **(faults or {})}}
        httpx.put(f"{endpoint_url}/_demo/endpoints/{name}", json=body).raise_for_status()
        return name

    yield put
    httpx.delete(f"{endpoint_url}/_demo/endpoints/{name}")
