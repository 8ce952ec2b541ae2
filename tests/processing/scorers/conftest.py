"""A judge by markers on loopback, and scorers built as an evaluation builds them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from judge_models import EXAMPLE_JUDGE
from marker_judge import MarkerJudge, serve
from stub_wire import StubWire

from processing.config.judge import Judge, silence_libraries
from processing.config.scorers import parse_scorer
from processing.scorers.build import BuiltScorer, build_scorers


@pytest.fixture(scope="module")
def judge_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MarkerJudge]:
    silence_libraries()
    judge = MarkerJudge()
    server = serve(judge)
    settings = {
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": judge.url,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/mlflow.db",
    }
    with pytest.MonkeyPatch.context() as environment:
        for name, value in settings.items():
            environment.setenv(name, value)
        yield judge
    server.shutdown()
    server.server_close()


@pytest.fixture
def judge(judge_server: MarkerJudge) -> Iterator[MarkerJudge]:
    """The server, well behaved and without memory."""
    judge_server.received.clear()
    judge_server.well_again = threading.Event()
    yield judge_server
    judge_server.well_again.set()  # whoever is still being slow stops
    judge_server.failing = judge_server.saying = judge_server.raw = None
    judge_server.refuses = []
    judge_server.words = {}
    judge_server.drip_seconds = judge_server.slow_seconds = judge_server.jitter_seconds = 0.0


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> StubWire:
    """What the judges of scorers that are built from now on are asked through."""
    silence_libraries()
    stub = StubWire()
    monkeypatch.setattr("processing.judges.service._wire", lambda _: stub)
    return stub


@pytest.fixture
def build(tmp_path: Path) -> Callable[..., BuiltScorer]:
    """build(entry, model=..., **judge) makes one scorer from an entry under `scorers:`."""

    def make(entry: object, model: str = EXAMPLE_JUDGE, **judge: Any) -> BuiltScorer:
        told = Judge.model_validate({"model": model, "retry_seconds": 0, **judge})
        return build_scorers([parse_scorer(entry)], told, tmp_path)[0]

    return make
