"""No question is put to a judge more than four times, whatever it replies, whoever asks.

A question is one prompt about one row. A throttled call is made again for `judge.retry_seconds`,
which is 0 here.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from every_judge import ENTRIES, ROW, fitting, name_of
from marker_judge import MarkerJudge
from pydantic import BaseModel
from stub_wire import StubWire

from processing.calls.paid_store import Record, Shelf
from processing.calls.spend import Spend
from processing.dataset.judged_answer import JudgedAnswer
from processing.dataset.rows import make_row
from processing.judges.verdict import JudgeError
from processing.scorers.asked_once import ATTEMPTS, PaidVerdicts
from processing.scorers.build import BuiltScorer

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore:.*same direction:DeprecationWarning"),
]
THREE: list[Any] = ["Safety", {"AnswerAccuracy": {"kind": "RAGAS"}}, "Bias"]
MODELS = ["bedrock:/m", "openai:/m", "mistral:/m"]

Say = Callable[[str, type[BaseModel] | None], str]


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("processing.judges.service.FIRST_PAUSE_SECONDS", 0.0001)
    monkeypatch.setattr("processing.scorers.asked_once.FIRST_PAUSE_SECONDS", 0.0001)


def record(built: BuiltScorer, folder: Path) -> Record:
    """What an evaluation keeps of the scorer's verdict on ROW."""
    paid = PaidVerdicts({built.definition: Shelf(folder / "verdicts.jsonl")}, Spend({}))
    row = make_row(ROW.question, ROW.expected_response, context=ROW.context, further=ROW.further)
    return paid.record(built, row, JudgedAnswer(ROW.answer))


def fails(error: str, **how: Any) -> Say:
    def say(*_: object) -> str:
        raise JudgeError(f"the judge failed ({error})", **how)

    return say


def off_scale(prompt: str, schema: type[BaseModel] | None) -> str:
    """The lists that a metric asks for first are whole; every verdict is none that can be."""
    return json.dumps(_off(json.loads(fitting(prompt, schema))))


_OFF = {
    **{"verdict": 7, "result": "perhaps", "rating": 99, "score": 99, "attributed": 7},
    "equivalent": 7,
}


def _off(part: Any) -> Any:
    if isinstance(part, list):
        return [_off(each) for each in part]
    if not isinstance(part, dict):
        return part
    told = {name: _OFF.get(name, _off(value)) for name, value in part.items()}
    return told | ({"answers": ["perhaps"]} if "answers" in told else {})


def _emptied(told: dict[str, Any]) -> dict[str, Any]:
    return {name: [] if isinstance(value, list) else None for name, value in told.items()}


UNSCALED = ("ContextEntityRecall_",)  # its judge lists, and judges nothing


UNREADABLE: dict[str, Say] = {
    "no JSON": lambda *_: "I would say that it is fine.",
    "nothing": lambda *_: "",
    "blank": lambda *_: " \n",
    "an empty object": lambda *_: "{}",
    "another form": lambda *_: '{"error": "overloaded"}',
    "lists without an entry": lambda *asked: json.dumps(_emptied(json.loads(fitting(*asked)))),
    "only thoughts": lambda *asked: f"<think>{fitting(*asked)}",
    "two verdicts": lambda *asked: f"{fitting(*asked)}\n{json.dumps(_OFF)}",
    "a server's error": fails("InternalServerException", retryable=True),
    "a time-out": fails("ReadTimeoutError", retryable=True, timed_out=True),
}


@pytest.mark.parametrize("say", UNREADABLE.values(), ids=UNREADABLE)
@pytest.mark.parametrize("entry", ENTRIES, ids=name_of)
def test_a_reply_that_cannot_be_read_is_asked_for_four_times_at_most(
    wire: StubWire, build: Callable[..., BuiltScorer], tmp_path: Path, entry: Any, say: Say
) -> None:
    wire.say = say
    assert "the judge" in record(build(entry), tmp_path)["error"]
    assert max(Counter(wire.prompts).values()) in (2, ATTEMPTS)
    assert ATTEMPTS == 4
    assert len(wire.prompts) <= ATTEMPTS + (say is UNREADABLE["lists without an entry"])


@pytest.mark.parametrize("entry", [e for e in ENTRIES if name_of(e) not in UNSCALED], ids=name_of)
def test_a_verdict_outside_its_scale_is_asked_for_twice(
    wire: StubWire, build: Callable[..., BuiltScorer], tmp_path: Path, entry: Any
) -> None:
    wire.say = off_scale
    told = record(build(entry), tmp_path)
    asked = Counter(wire.prompts)
    assert "the judge answered" in told["error"]
    assert list(asked.values())[:-1] == [1] * (len(asked) - 1)  # these were answered
    assert list(asked.values())[-1] == 2


STOPPED = {
    "max_tokens": "cut off at judge.parameters.max_tokens 1024: raise it",
    "length": "cut off at judge.parameters.max_tokens 1024: raise it",
    "guardrail_intervened": "guardrail_intervened",
    "content_filtered": "content_filtered",
    "content_filter": "content_filter",
    "refusal": "refusal",
}


@pytest.mark.parametrize("stopped", STOPPED)
@pytest.mark.parametrize("entry", ENTRIES, ids=name_of)
def test_a_reply_that_was_stopped_is_paid_for_once(
    wire: StubWire, build: Callable[..., BuiltScorer], tmp_path: Path, entry: Any, stopped: str
) -> None:
    wire.stop_reason, why = stopped, STOPPED[stopped]
    for text in ('{"result": "yes", "rationale": "The resp', "Sorry, blocked by policy.", ""):
        wire.prompts.clear()
        wire.say = lambda *_, text=text: text
        assert why in record(build(entry, parameters={"max_tokens": 1024}), tmp_path)["error"]
        assert len(wire.prompts) == 1


@pytest.mark.parametrize("entry", ENTRIES, ids=name_of)
def test_every_prompt_of_a_verdict_may_fail_once_and_none_is_put_in_vain(
    wire: StubWire, build: Callable[..., BuiltScorer], tmp_path: Path, entry: Any
) -> None:
    failed: set[str] = set()

    def once_unreadable(prompt: str, schema: type[BaseModel] | None) -> str:
        if len(failed) < ATTEMPTS - 1 and prompt not in failed:
            failed.add(prompt)
            return "Hm."
        return fitting(prompt, schema)

    wire.say = once_unreadable
    assert "error" not in record(build(entry), tmp_path)
    assert max(Counter(wire.prompts).values()) <= 2


@pytest.fixture(params=[(model, entry) for model in MODELS for entry in THREE], ids=str)
def asked(
    request: pytest.FixtureRequest,
    judge: MarkerJudge,
    build: Callable[..., BuiltScorer],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[], Record]:
    """Asks a model for a scorer's verdict over HTTP, and gives what is kept of it."""
    monkeypatch.setenv("MISTRAL_API_KEY", "testing")
    model, entry = request.param
    address = {} if model.startswith("bedrock") else {"base_url": f"{judge.url}/v1"}
    return lambda: record(build(entry, model, **address), tmp_path)


def converse(text: str, stop: str = "end_turn") -> dict[str, Any]:
    message = {"role": "assistant", "content": [{"text": text}]}
    return {"output": {"message": message}, "stopReason": stop}


def chat(text: str | None, finish: str = "stop", **message: Any) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": text, **message}}
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{**choice, "finish_reason": finish}],
    }


OFF_SCALE = json.dumps(
    {"result": "maybe", "rating": 7, "opinions": ["o"], "verdicts": [{"verdict": "maybe"}]}
)
BODIES: list[tuple[str, dict[str, Any], int]] = [
    ("unreadable", converse("Fine.") | chat("Fine."), 4),
    ("empty", converse("") | chat(""), 4),
    ("null", {"output": {"message": {"content": [{"text": None}]}}} | chat(None), 4),
    ("cut", converse('{"result": "y', "max_tokens") | chat('{"result": "y', "length"), 1),
    ("filtered", converse("No.", "guardrail_intervened") | chat("No.", "content_filter"), 1),
    ("refused", converse("", "refusal") | chat(None, refusal="I cannot."), 4),
    ("off scale", converse(OFF_SCALE) | chat(OFF_SCALE), 2),
    ("error in a 200", {"error": {"message": "provider is down", "code": 502}}, 4),
    ("error as text in a 200", {"error": "overloaded"}, 4),
    ("nothing", {}, 4),
]


@pytest.mark.parametrize(("body", "most"), [b[1:] for b in BODIES], ids=[b[0] for b in BODIES])
def test_no_client_asks_again_on_its_own(
    judge: MarkerJudge,
    asked: Callable[[], Record],
    body: dict[str, Any],
    most: int,
) -> None:
    judge.raw = json.dumps(body).encode()
    assert "error" in asked()
    requests = Counter(json.dumps(received.body["messages"]) for received in judge.received)
    assert max(requests.values()) <= most


@pytest.mark.parametrize(
    ("status", "code", "most"),
    [
        (400, "ValidationException", 4),
        (403, "AccessDeniedException", 1),
        (404, "ResourceNotFoundException", 1),
        (424, "ModelErrorException", 4),
        (429, "ThrottlingException", 1),  # for as long as judge.retry_seconds, which is 0 here
        (500, "InternalServerException", 4),
        (503, "ServiceUnavailableException", 1),
    ],
)
def test_a_status_is_met_by_four_requests_at_most(
    judge: MarkerJudge, asked: Callable[[], Record], status: int, code: str, most: int
) -> None:
    judge.failing = (status, code)
    assert "error" in asked()
    requests = Counter(json.dumps(received.body["messages"]) for received in judge.received)
    assert max(requests.values()) <= most
