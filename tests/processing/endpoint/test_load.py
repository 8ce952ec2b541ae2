"""Latency under the load that is meant: calls at once, what waits is not counted, warm-up calls."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from running_aws import ConfigWriter

from processing.base.errors import ConfigError
from processing.calls.paid_store import Shelf
from processing.calls.rate_limit import RateLimit
from processing.calls.spend import ENDPOINT, Spend
from processing.calls.stop import Cap
from processing.config.endpoint import Endpoint
from processing.config.file import load_config
from processing.dataset.rows import make_row
from processing.endpoint import client as endpoint_module
from processing.endpoint.answers import Answer, AnswerDesk, answer_rows
from processing.endpoint.client import MeasuredModel, endpoint_rate_limit, runtime_client
from processing.evaluation.measurements import measure

ROWS = [make_row(f"How much sleep do {i} adults need?", "Seven hours.") for i in range(12)]
Asked = Callable[..., tuple[list[Answer], dict[str, Any]]]


@pytest.fixture
def asked(server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Asked:
    """asked(faults, endpoint keys...) -> all rows' answers, and the server's count of calls."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", server)
    shelf = Shelf(tmp_path / "answers.jsonl")

    def ask(
        faults: dict[str, Any], spend: Spend | None = None, **keys: Any
    ) -> tuple[list[Answer], dict[str, Any]]:
        httpx.put(f"{server}/_demo/endpoints/qa", json={"faults": {"jitter_ms": 0, **faults}})
        httpx.delete(f"{server}/_demo/calls")
        endpoint = Endpoint(name="qa", **keys)
        session = boto3.Session("x", "x", region_name="us-east-1")
        desk = AnswerDesk(
            client=runtime_client(endpoint, session),
            endpoint=endpoint,
            model=MeasuredModel("arn:endpoint", "model", "arn:model", "1"),
            shelf=shelf,
            spend=spend or Spend({}),
            rate_limit=endpoint_rate_limit(endpoint),
        )
        return answer_rows(desk, ROWS), httpx.get(f"{server}/_demo/calls").json()

    return ask


@pytest.mark.slow
def test_what_waits_in_our_own_client_is_no_latency_of_the_model_s(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = time.monotonic()
    answers, _ = asked({"latency_ms": 50}, concurrency=1)
    assert time.monotonic() - begun > 12 * 0.05  # one after the other
    assert max(answer.call.latency_ms for answer in answers) < 300
    quick = {"latency_ms": 0, "throttle": 0.5, "seed": 3}
    monkeypatch.setattr(endpoint_module, "_pause", lambda _attempts: 0.4)
    begun = time.monotonic()
    answers, calls = asked(quick, concurrency=3, requests_per_minute=1200)
    assert calls["total"] > len(ROWS)
    assert time.monotonic() - begun > 0.4
    assert max(answer.call.latency_ms for answer in answers) < 300


def test_a_fixed_load_is_there_from_the_first_call_and_stays_where_the_service_objects() -> None:
    rate_limit = RateLimit(16, fixed=True)
    assert rate_limit.limit == 16
    for _ in range(5):
        with rate_limit.turn() as turn:
            turn.throttled = True
        with rate_limit.turn():
            pass
    assert rate_limit.limit == 16
    assert rate_limit.throttled == 5


@pytest.mark.slow
def test_warm_up_calls_are_paid_for_and_told_and_no_row_s(
    asked: Asked, capsys: pytest.CaptureFixture[str]
) -> None:
    spend = Spend({})
    answers, calls = asked({"latency_ms": 0}, spend, concurrency=4, warm_up=5)
    assert calls["total"] == len(ROWS) + 5 == spend.accounts[ENDPOINT].calls
    assert "5 warm-up calls are left out of the latencies\n" in capsys.readouterr().out
    metrics = measure(answers)
    assert metrics["latency_p95_ms"].n == len(ROWS)
    assert metrics["latency_p95_ms"].load == "4 at once, fixed; 5 warm-up calls left out"
    assert metrics["output_tokens_mean"].load == ""
    again, calls = asked({"latency_ms": 0}, concurrency=4, warm_up=5)
    assert calls["total"] == 0  # all are kept, so nothing is to be warm
    assert all(answer.reused for answer in again)
    assert measure(again)["latency_p50_ms"].load == metrics["latency_p50_ms"].load


def test_warm_up_calls_that_fail_or_may_not_be_made_are_told(
    asked: Asked, capsys: pytest.CaptureFixture[str]
) -> None:
    answers, _ = asked({"latency_ms": 0}, Spend({}, cap=Cap(calls=3)), warm_up=5)
    assert "3 warm-up calls are left out" in capsys.readouterr().out
    assert not any(answer.asked for answer in answers)


@pytest.mark.slow
def test_another_fixed_load_asks_again_and_an_open_one_names_each_load(asked: Asked) -> None:
    quick = {"latency_ms": 0}
    asked(quick, concurrency=4)
    _, calls = asked(quick, concurrency=2)
    assert calls["total"] == len(ROWS)
    asked(quick, concurrency={"max": 8})
    answers, calls = asked(quick, concurrency={"max": 4})
    assert calls["total"] == 0
    assert measure(answers)["latency_p95_ms"].load == "8 at once at most; no warm-up calls"


@pytest.mark.parametrize(
    ("value", "instances", "message"),
    [
        ("many", 1, "endpoint.concurrency: must be a whole number, not 'many'"),
        (0, 1, "endpoint.concurrency: input should be greater than or equal to 1, not 0"),
        ({"most": 3}, 1, "endpoint.concurrency.most: unknown key; the keys are max"),
        ({"max": 0}, 1, "endpoint.concurrency.max: input should be greater than or equal to 1"),
        (16, 3, "3 instances .* cannot share evenly: take 15 or 18, or {max: 16}"),
    ],
)
def test_a_load_that_is_none_is_refused_by_its_key(
    write_config: ConfigWriter, value: Any, instances: int, message: str
) -> None:
    evaluate = {"evaluate": {"instance_count": instances}}
    path = write_config(endpoint={"concurrency": value}, infrastructure=evaluate)
    with pytest.raises(ConfigError, match=message):
        load_config(path)
