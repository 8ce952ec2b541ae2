"""A verdict of several calls: no call that was well answered is made again, whatever comes between.

Calls are counted at the wire. Which call meets which fault is settled by its prompt and how often
that prompt was asked before, so that every run is the same.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import boto3
import pytest
from pydantic import BaseModel
from stub_wire import StubWire, well_behaved

from processing.base.errors import DiskError
from processing.base.sigterm import Stopped
from processing.calls.paid_store import Shelf, Store
from processing.calls.spend import Spend
from processing.config.judge import Judge
from processing.config.scorers import parse_scorer
from processing.dataset.judged_answer import JudgedAnswer
from processing.dataset.rows import Row, make_row
from processing.judges.kept_replies import KeptReplies
from processing.judges.verdict import JudgeError
from processing.scorers.asked_once import PaidVerdicts
from processing.scorers.build import BuiltScorer, build_scorers

pytestmark = pytest.mark.filterwarnings("ignore:.*same direction:DeprecationWarning")

ENTRIES: list[Any] = ["Bias", "Faithfulness", {"FactualCorrectness": {"kind": "RAGAS"}}]
CALLS = 3 + 4 + 4
ROWS = [make_row(f"Question {n}?", f"Expected {n}.", context=(f"Context {n}.",)) for n in range(25)]


@dataclass
class Faulty:
    """A well-behaved judge, but for a `share` of its calls."""

    share: float
    fault: Callable[[], str]
    good: int = 0
    faults: int = 0
    _asked: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, prompt: str, schema: type[BaseModel] | None) -> str:
        with self._lock:
            self._asked[prompt] += 1
            where = f"{prompt}/{self._asked[prompt]}".encode()
            spoilt = int.from_bytes(sha256(where).digest()[:4], "big") / 2**32 < self.share
            self.faults += spoilt
            self.good += not spoilt
        return self.fault() if spoilt else well_behaved(prompt, schema)


def throttled() -> str:
    raise JudgeError("the judge failed (ThrottlingException)", retryable=True, throttled=True)


def malformed() -> str:
    return '{"verdicts": [], "statements": [], "claims": [], "truths": []}'


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("processing.judges.service.FIRST_PAUSE_SECONDS", 0.0001)
    monkeypatch.setattr("processing.judges.service.LONGEST_PAUSE_SECONDS", 0.0002)
    monkeypatch.setattr("processing.scorers.asked_once.FIRST_PAUSE_SECONDS", 0.0001)


def built(replies: Shelf | None = None, **judge: Any) -> list[BuiltScorer]:
    told = Judge.model_validate({"model": "bedrock:/some-model", **judge})
    specs = [parse_scorer(entry) for entry in ENTRIES]
    return build_scorers(specs, told, replies_of=lambda _: KeptReplies(replies))


def verdicts(scorers: list[BuiltScorer], folder: Path, rows: list[Row] = ROWS) -> list[Any]:
    shelves = {each.definition: Shelf(folder / f"{each.spec.name}.jsonl") for each in scorers}
    paid = PaidVerdicts(shelves, Spend({}))
    return [
        paid.record(scorer, row, JudgedAnswer(f"Answer to {row.question}"))
        for row in rows
        for scorer in scorers
    ]


def shelf(folder: Path, job: str) -> Shelf:
    session = boto3.Session(region_name="us-east-1")
    return Store(folder, job=job, uri=None).shelf(session, "judge-replies")


@pytest.mark.integration
@pytest.mark.parametrize("share", [0.2, 0.4])
def test_throttling_loses_no_verdict_and_pays_no_finished_call_twice(
    wire: StubWire, tmp_path: Path, share: float
) -> None:
    wire.say = faulty = Faulty(share, throttled)
    told = verdicts(built(), tmp_path)
    assert [each for each in told if "error" in each] == []
    assert faulty.good == CALLS * len(ROWS)
    assert faulty.faults > share * CALLS * len(ROWS) / 2


@pytest.mark.slow
def test_throttling_ends_with_the_time_that_the_judge_is_given(
    wire: StubWire, tmp_path: Path
) -> None:
    wire.say = Faulty(1.0, throttled)
    [told, *_] = verdicts(built(retry_seconds=0), tmp_path, ROWS[:1])
    assert told == {"error": "the judge failed (ThrottlingException)"}
    assert len(wire.prompts) == len(ENTRIES)  # the verdict's other attempts are not spent on it


@pytest.mark.slow
def test_a_malformed_reply_costs_one_call_and_not_the_verdict_s_others(
    wire: StubWire, tmp_path: Path
) -> None:
    wire.say = faulty = Faulty(0.05, malformed)
    told = verdicts(built(), tmp_path)
    assert [each for each in told if "error" in each] == []
    assert len(wire.prompts) == CALLS * len(ROWS) + faulty.faults
    assert faulty.faults > 5


def test_a_killed_job_s_calls_are_not_made_again(wire: StubWire, tmp_path: Path) -> None:
    def dies(prompt: str, schema: type[BaseModel] | None) -> str:
        if len(wire.prompts) > 9:
            raise Stopped
        return well_behaved(prompt, schema)

    wire.say = dies
    with pytest.raises(Stopped):
        verdicts(built(shelf(tmp_path, "first")), tmp_path / "first", ROWS[:1])
    before = list(wire.prompts)
    wire.prompts.clear()
    wire.say = well_behaved
    told = verdicts(built(shelf(tmp_path, "second")), tmp_path / "second", ROWS[:1])
    assert [each for each in told if "error" in each] == []
    assert len(wire.prompts) == CALLS - 9
    assert set(before[:9]).isdisjoint(wire.prompts)
    assert [each["metadata"]["judge_calls"] for each in told] == ["3", "4", "4"]


def test_what_is_no_verdict_is_never_kept(wire: StubWire, tmp_path: Path) -> None:
    wire.say = Faulty(0.5, malformed)
    verdicts(built(shelf(tmp_path, "job")), tmp_path, ROWS[:5])
    lines = (tmp_path / "judge-replies" / "job.jsonl").read_text().splitlines()
    assert lines
    assert not [line for line in lines if json.loads(line)["text"] == malformed()]


def test_another_judge_s_calls_are_its_own(wire: StubWire, tmp_path: Path) -> None:
    for parameters in ({"temperature": 0}, {"temperature": 1}):
        verdicts(built(shelf(tmp_path, "job"), parameters=parameters), tmp_path / "v", ROWS[:1])
    assert len(wire.prompts) == 2 * CALLS


def test_finished_verdicts_hold_no_replies_in_memory(wire: StubWire, tmp_path: Path) -> None:
    replies = shelf(tmp_path, "job")
    verdicts(built(replies), tmp_path, ROWS[:3])
    assert len(wire.prompts) == 3 * CALLS
    assert replies.kept == {}


def test_a_reply_that_cannot_be_kept_ends_the_asking(wire: StubWire, tmp_path: Path) -> None:
    """/dev/full answers as a full disk does; RAGAS swallows what its judge raises."""
    full = Shelf(tmp_path / "replies.jsonl")
    full.file.symlink_to("/dev/full")
    told = Judge(model="bedrock:/some-model")
    for entry in ENTRIES:
        wire.prompts.clear()
        specs = [parse_scorer(entry)]
        scorers = build_scorers(specs, told, replies_of=lambda _: KeptReplies(Shelf(full.file)))
        with pytest.raises(DiskError, match="No space left"):
            verdicts(scorers, tmp_path, ROWS[:1])
        assert len(wire.prompts) == 1
