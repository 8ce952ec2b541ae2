"""The demo servers on loopback, and boto3 clients that reach them as they would reach AWS."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config

from pipeline.local.demo.endpoint.behaviour import EndpointBehaviour
from pipeline.local.demo.endpoint.server import serve_endpoint
from pipeline.local.demo.judge.server import serve_judge
from processing.config.judge import silence_libraries

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


@pytest.fixture(scope="module")
def judged_by_the_demo(judge_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """An environment in which the frameworks reach the demo judge and nothing else.

    It must stand before they are imported, as litellm, deepeval and mlflow read it then: a module
    names it with pytest.mark.usefixtures, which makes it the first of the module's fixtures.
    Telemetry stays off until the process ends, as deepeval asks once more at exit.
    """
    silence_libraries()
    folder = tmp_path_factory.mktemp("mlflow")
    settings = {
        "AWS_BEDROCK_RUNTIME_ENDPOINT": judge_url,
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": judge_url,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db",
    }
    with pytest.MonkeyPatch.context() as environment:
        for name, value in settings.items():
            environment.setenv(name, value)
        yield


def _trace_of_retrieval(*passages: str) -> Any:
    """An MLflow trace of an application that retrieved these passages; kept in no store."""
    from mlflow.entities import Span, Trace, TraceData, TraceInfo, TraceLocation, TraceState

    retrieved = [{"page_content": text} for text in passages]
    span = {
        "trace_id": "+hxgUOiZMTNPR42eO8aFdw==",
        "span_id": "LC5aAxT6Hgg=",
        "parent_span_id": None,
        "name": "retrieve",
        "start_time_unix_nano": 1,
        "end_time_unix_nano": 2,
        "events": [],
        "status": {"code": "STATUS_CODE_OK", "message": ""},
        "attributes": {
            "mlflow.traceRequestId": json.dumps("tr-1"),
            "mlflow.spanType": json.dumps("RETRIEVER"),
            "mlflow.spanOutputs": json.dumps(retrieved),
        },
    }
    info = TraceInfo(
        trace_id="tr-1",
        trace_location=TraceLocation.from_experiment_id("0"),
        request_time=1,
        state=TraceState.OK,
        execution_duration=1,
    )
    return Trace(info, TraceData([Span.from_dict(span)]))


@pytest.fixture(scope="session")
def retrieving() -> Callable[..., Any]:
    """retrieving(*passages) is the trace of an application that retrieved them."""
    return _trace_of_retrieval


@pytest.fixture
def judge_faults(judge_url: str) -> Iterator[Callable[..., None]]:
    """judge_faults(model_id, **faults): that model misbehaves until the test ends."""
    spoilt = set()

    def put(model_id: str, **faults: Any) -> None:
        body = {"faults": {**QUICK, **faults}}
        httpx.put(f"{judge_url}/_demo/models/{model_id}", json=body).raise_for_status()
        spoilt.add(model_id)

    yield put
    for model_id in spoilt:
        httpx.delete(f"{judge_url}/_demo/models/{model_id}")


@pytest.fixture
def judge_calls(judge_url: str) -> Callable[[], dict[str, Any]]:
    """judge_calls() is what the demo judge has counted since the test began."""
    httpx.delete(f"{judge_url}/_demo/calls").raise_for_status()

    def counted() -> dict[str, Any]:
        return dict(httpx.get(f"{judge_url}/_demo/calls").json())

    return counted


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
