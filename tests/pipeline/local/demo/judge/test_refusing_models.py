"""Models as they are on Bedrock today: what they refuse costs no verdict, and is told.

Through the door that an evaluation asks at: scorers, boto3, HTTP.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from pipeline.local.demo.http_server import DemoServer
from pipeline.local.demo.judge.server import serve_judge
from processing.base.errors import JudgingError
from processing.config.judge import Judge, silence_libraries
from processing.config.scorers import parse_scorer
from processing.judges.health import JudgeHealth
from processing.judges.verdict import JudgeError, Question
from processing.scorers.build import BuiltScorer, build_scorers

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore:.*same direction:DeprecationWarning"),
]
ANSWER = "Pinch the soft nose for 10 minutes. Lean forward."
ROW = Question("How do I stop a nosebleed?", ANSWER, ANSWER, (ANSWER,))
COLD = {"temperature": 0, "max_tokens": 4000}
CALM = {"latency_ms": 0, "jitter_ms": 0}


@pytest.fixture(scope="module")
def server() -> Iterator[DemoServer]:
    silence_libraries()
    server = serve_judge()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", server.url)
        environment.setenv("AWS_ACCESS_KEY_ID", "testing")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield server
    server.stop()


class Model:
    """A scorer's judge with habits, and what it has been asked."""

    def __init__(self, url: str, habits: dict[str, Any]) -> None:
        self.url = url
        httpx.put(f"{url}/_demo/models/m", json={"faults": CALM, **habits}).raise_for_status()
        httpx.delete(f"{url}/_demo/calls")

    def scorer(self, entry: Any = "Safety", **judge: Any) -> BuiltScorer:
        told = Judge.model_validate({"model": "bedrock:/m", **judge})
        return build_scorers([parse_scorer(entry)], told)[0]

    def outcomes(self) -> dict[str, int]:
        told: dict[str, int] = httpx.get(f"{self.url}/_demo/calls").json()["by_name"].get("m", {})
        return told


@pytest.fixture
def model(server: DemoServer) -> Callable[..., Model]:
    return lambda **habits: Model(server.url, habits)


@pytest.mark.parametrize(
    ("habits", "parameters", "left_out", "refusals"),
    [
        ({"refuses": ["temperature"]}, COLD, "temperature", 1),
        ({"refuses": ["temperature", "top_p"]}, {**COLD, "top_p": 1}, "temperature, top_p", 2),
        ({"refuses": ["temperature_with_top_p"]}, {**COLD, "top_p": 1}, "top_p", 1),
        ({"max_tokens": 2048}, COLD, "max_tokens", 1),
        ({"max_tokens": 2048}, {}, "max_tokens", 1),
        ({"refuses": ["output_format"]}, COLD, "outputConfig.textFormat", 1),
        ({"refuses": ["output_format", "strict"]}, COLD,
         "outputConfig.textFormat, toolSpec.strict", 2),
        ({"refuses": ["output_format", "tool_choice"]}, COLD,
         "outputConfig.textFormat, toolConfig.toolChoice", 2),
        ({"refuses": ["output_format", "tools"]}, COLD, "outputConfig.textFormat, toolConfig", 2),
        ({"refuses": ["temperature", "output_format", "strict", "tool_choice"],
          "thinks_tokens": 99}, COLD,
         "temperature, outputConfig.textFormat, toolSpec.strict, toolConfig.toolChoice", 4),
    ],
)  # fmt: skip
def test_what_a_model_refuses_is_left_out_for_the_rest_of_the_run(
    model: Callable[..., Model],
    habits: dict[str, Any],
    parameters: dict[str, Any],
    left_out: str,
    refusals: int,
) -> None:
    refusing = model(**habits)
    scorer = refusing.scorer(parameters=parameters)
    first, second = scorer.score(ROW), scorer.score(ROW)
    assert first.value == second.value == "yes"
    assert {*first.metadata["judge_left_out"].split(", ")} == {*left_out.split(", ")}
    assert first.metadata["judge_calls"] == str(1 + refusals)
    assert second.metadata["judge_calls"] == "1"
    assert refusing.outcomes() == {"answered": 2, "ValidationException": refusals}


@pytest.mark.parametrize("entry", ["AnswerRelevancy", {"FactualCorrectness": {"kind": "RAGAS"}}])
def test_frameworks_judges_do_without_it_too(model: Callable[..., Model], entry: Any) -> None:
    refusing = model(refuses=["temperature", "output_format", "tool_choice"])
    told = refusing.scorer(entry, parameters=COLD).score(ROW)
    assert 0 <= float(told.value) <= 1
    assert "temperature" in told.metadata["judge_left_out"]


def test_a_well_behaved_model_is_sent_all_of_it_and_says_nothing(
    model: Callable[..., Model],
) -> None:
    calm = model(refuses=["temperature"])  # which is not sent: nobody has asked for it
    assert "judge_left_out" not in calm.scorer().score(ROW).metadata
    assert calm.outcomes() == {"answered": 1}


def test_what_a_model_thinks_is_no_part_of_its_verdict(model: Callable[..., Model]) -> None:
    thinking = model(thinks_tokens=3000)
    told = thinking.scorer().score(ROW)
    assert told.value == "yes"
    assert int(told.metadata["mlflow.assessment.judgeOutputTokens"]) > 3000


@pytest.mark.parametrize("entry", ["Safety", "AnswerRelevancy"])
@pytest.mark.parametrize("thinks", [90, 110], ids=["verdict cut", "thinking cut"])
@pytest.mark.parametrize("refuses", [[], ["output_format"]], ids=["text", "tool"])
def test_a_verdict_that_is_cut_names_the_key_to_raise_and_is_not_paid_for_again(
    model: Callable[..., Model], entry: str, thinks: int, refuses: list[str]
) -> None:
    thinking = model(thinks_tokens=thinks, refuses=refuses)
    with pytest.raises(JudgeError, match=r"judge.parameters.max_tokens \d+: raise it") as told:
        thinking.scorer(entry, parameters={"max_tokens": 100}).score(ROW)
    assert not told.value.retryable
    assert thinking.outcomes()["answered"] == 1


@pytest.mark.parametrize(
    ("unavailable", "helps"),
    [
        ("retired", "switched this model off, and for good"),
        ("legacy", "name an active one"),
        ("no_access", "enable the model for this account"),
        ("on_demand", "write an inference profile into judge.model"),
        ("unknown", "names no model that Bedrock has"),
    ],
)
def test_a_model_that_is_not_to_be_had_is_asked_once_and_has_its_own_hint(
    model: Callable[..., Model], unavailable: str, helps: str
) -> None:
    gone, health = model(unavailable=unavailable), JudgeHealth()
    scorer = gone.scorer()
    for _ in range(5):
        with pytest.raises(JudgeError, match="the judge failed") as told:
            scorer.score(ROW)
        assert not told.value.retryable
    assert sum(gone.outcomes().values()) == 1
    health.failed(Judge(model="bedrock:/m"), told.value)
    with pytest.raises(JudgingError, match=r"bedrock:/m cannot be asked") as ended:
        health.require()
    assert helps in str(ended.value)
    hints = ["for good", "an active one", "enable the model", "inference profile", "names no model"]
    assert len([hint for hint in hints if hint in str(ended.value).partition(");")[2]]) == 1
