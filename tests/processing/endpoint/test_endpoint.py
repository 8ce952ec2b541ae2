"""Asking an endpoint: what is asked again, what is not, and what counts as an answer.

The endpoint is the demo server over HTTP, with faults switched on.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest

from processing.base.errors import EndpointError
from processing.calls.paid_store import Shelf
from processing.calls.spend import Spend
from processing.config.endpoint import Endpoint
from processing.dataset.rows import make_row
from processing.endpoint import client as endpoint_module
from processing.endpoint.answers import AnswerDesk, answer_rows
from processing.endpoint.client import Call, MeasuredModel, ask, endpoint_rate_limit, runtime_client
from processing.endpoint.payload import request_body

ROW = make_row("How many hours of sleep do most adults need each night?", "Seven or more.")
Asker = Callable[..., tuple[Call, int]]


@pytest.fixture
def asker(server: str, monkeypatch: pytest.MonkeyPatch) -> Asker:
    """asker(faults={...}, endpoint keys...) -> the call, and how often the server was asked."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", server)
    monkeypatch.setattr(endpoint_module, "FIRST_PAUSE_SECONDS", 0.01)

    def asked(faults: dict[str, Any] | None = None, **keys: Any) -> tuple[Call, int]:
        quick = {"latency_ms": 0, "jitter_ms": 0, **(faults or {})}
        httpx.put(f"{server}/_demo/endpoints/qa", json={"faults": quick}).raise_for_status()
        httpx.delete(f"{server}/_demo/calls")
        endpoint = Endpoint(name="qa", **keys)
        call = ask(
            _client(endpoint), endpoint, request_body(endpoint, ROW), endpoint_rate_limit(endpoint)
        )
        return call, httpx.get(f"{server}/_demo/calls").json()["total"]

    return asked


def _client(endpoint: Endpoint) -> Any:
    session = boto3.Session(
        region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    return runtime_client(endpoint, session)


@pytest.mark.parametrize(
    "keys",
    [
        {"format": "chat", "system_prompt": "Be brief."},
        {"format": "text_generation", "parameters": {"max_new_tokens": 99}},
        {
            "format": "template",
            "request": {"query": "{question}"},
            "response": {"answer": "result.text", "output_tokens": "result.tokens.out"},
        },
    ],
    ids=lambda keys: keys["format"],
)
def test_every_format_gets_an_answer_with_its_tokens(asker: Asker, keys: dict[str, Any]) -> None:
    call, asked = asker(**keys)
    assert call.error is None
    assert call.reply is not None
    assert "sleep" in call.reply.text
    assert (call.reply.output_tokens or 0) > 0
    assert asked == call.attempts == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("error", "asked_again"),
    [
        ("ThrottlingException", True),
        ("ServiceUnavailable", True),
        ("ModelNotReadyException", True),
        ("InternalDependencyException", True),
        ("connection-reset", True),
        ("ValidationError", False),
    ],
)
def test_only_what_can_pass_is_asked_again(asker: Asker, error: str, asked_again: bool) -> None:
    call, asked = asker({"fail": 1.0, "fail_with": error}, retry_seconds=0.3)
    assert call.reply is None
    assert call.error
    assert (asked > 1) == asked_again
    assert asked == call.attempts


@pytest.mark.slow
@pytest.mark.parametrize(("status", "asked_again"), [(429, True), (500, True), (400, False)])
def test_a_model_error_is_judged_by_the_container_s_own_status(
    asker: Asker, status: int, asked_again: bool
) -> None:
    faults = {"fail": 1.0, "fail_with": "ModelError", "model_error_status": status}
    call, asked = asker(faults, retry_seconds=0.3)
    assert f"ModelError {status}" in str(call.error)
    assert (asked > 1) == asked_again


@pytest.mark.parametrize("malformed_as", ["not-json", "truncated", "empty", "error-inside"])
def test_a_200_without_an_answer_in_it_is_a_failure(asker: Asker, malformed_as: str) -> None:
    faults = {"malformed": 1.0, "malformed_as": malformed_as}
    call, asked = asker(faults, format="text_generation", retry_seconds=5)
    assert call.reply is None
    assert str(call.error).startswith("unusable answer")
    assert asked == 3  # more would cost money for the same answer


def test_a_time_out_is_a_failure_and_named(asker: Asker) -> None:
    call, _ = asker({"hang": 1.0}, timeout_seconds=0.2, retry_seconds=0)
    assert "ReadTimeout" in str(call.error)


def test_throttling_that_passes_costs_time_but_no_answer(asker: Asker) -> None:
    call, asked = asker({"throttle": 0.6, "seed": 4}, retry_seconds=10)
    assert call.error is None
    assert asked == call.attempts


def test_a_question_s_own_braces_are_left_alone() -> None:
    row = make_row("What does {context} mean?", "A placeholder.", context=["the passage"])
    endpoint = Endpoint(name="qa", prompt="{context}\n\n{question}")
    message = request_body(endpoint, row)["messages"][0]["content"]
    assert message == "the passage\n\nWhat does {context} mean?"


def test_an_endpoint_that_is_down_is_not_asked_about_every_row(
    server: str, asker: Asker, tmp_path: Path
) -> None:
    asker({"fail": 1.0, "fail_with": "ValidationError"})
    httpx.delete(f"{server}/_demo/calls")
    endpoint = Endpoint(name="qa", concurrency=2)
    rows = [make_row(f"Question {i}?", "Answer.") for i in range(200)]
    desk = AnswerDesk(
        client=_client(endpoint),
        endpoint=endpoint,
        model=MeasuredModel("arn:endpoint", "model", "arn:model", "1"),
        shelf=Shelf(tmp_path / "answers.jsonl"),
        spend=Spend({}),
        rate_limit=endpoint_rate_limit(endpoint),
    )
    with pytest.raises(EndpointError, match="has stopped answering: 10 rows"):
        answer_rows(desk, rows)
    assert httpx.get(f"{server}/_demo/calls").json()["total"] <= 12
    assert not (tmp_path / "answers.jsonl").exists()  # a failure is no answer: it is asked again
