"""A judge that takes calls and does not answer ends the run, long before the job's own limit."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from processing.base.errors import JudgingError
from processing.calls.paid_store import Shelf
from processing.calls.rate_limit import RateLimit
from processing.calls.spend import Spend
from processing.config.judge import Judge
from processing.config.scorers import parse_scorer
from processing.dataset.rows import make_row
from processing.endpoint.answers import Answer
from processing.endpoint.client import Call
from processing.endpoint.reply import Reply
from processing.judges.service import JudgeLine, JudgeService
from processing.judges.silence import GIVEN_UP_AFTER, NOTICED_AFTER, Silence
from processing.judges.verdict import JudgeError
from processing.judges.wire import JudgeReply
from processing.scorers.asked_once import PaidVerdicts
from processing.scorers.build import BuiltScorer
from processing.scorers.mlflow_judges import build
from processing.scorers.scheduler import judging

JUDGE = Judge(model="bedrock:/slow", timeout_seconds=0.05, concurrency=32)
VERDICT = JudgeReply('{"result": "yes", "rationale": "r"}', "end_turn", 1, 1)


class Hanging:
    """A wire that answers as long as `answers` does, and then holds every call to its time-out."""

    forms = ("plain",)

    def __init__(self, answers: Iterator[bool]) -> None:
        self.calls = 0
        self._answers = answers
        self._lock = threading.Lock()

    def ask(self, judge: Judge, *_: object) -> JudgeReply:
        with self._lock:
            self.calls += 1
            answers = next(self._answers, False)
        if answers:
            return VERDICT
        time.sleep(judge.timeout_seconds)
        raise JudgeError("the judge failed (ReadTimeoutError)", retryable=True, timed_out=True)


@pytest.fixture
def judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Hanging, int], list[str]]:
    """judged(wire, rows) has every row judged; the errors, where the run is not ended."""
    monkeypatch.setattr("processing.scorers.asked_once.FIRST_PAUSE_SECONDS", 0.0001)

    def judge(wire: Hanging, rows: int) -> list[str]:
        service = JudgeService(JUDGE.model, wire, RateLimit(JUDGE.concurrency))
        spec = parse_scorer("Safety")
        built = BuiltScorer(spec, JUDGE, "d", build(spec, JudgeLine(JUDGE, service), tmp_path))
        paid = PaidVerdicts({built.definition: Shelf(tmp_path / "verdicts.jsonl")}, Spend({}))
        with judging([built], paid) as judges:
            answers = [answer(n) for n in range(rows)]
            for each in answers:
                judges.ask(each)
            told = [judges.verdict(each.row.row_id, "Safety") for each in answers]
        return [each["error"] for each in told if "error" in each]

    return judge


def answer(number: int) -> Answer:
    call = Call(Reply(f"Answer {number}", 1, 1), None, 1, 1.0, 0, 1)
    return Answer(make_row(f"Question {number}?", "Yes."), {}, call)


def test_a_judge_that_never_answers_is_asked_a_few_times(
    judged: Callable[[Hanging, int], list[str]], capfd: pytest.CaptureFixture[str]
) -> None:
    wire = Hanging(iter(()))
    with pytest.raises(JudgingError, match=r"slow has stopped answering: .*not answered within"):
        judged(wire, 60)
    assert wire.calls <= 2 * GIVEN_UP_AFTER  # and not 60 verdicts times four
    told = capfd.readouterr().err.splitlines()
    assert told == [f"judge bedrock:/slow: {NOTICED_AFTER} calls in a row were not answered "
                    "within 0.05 s"]  # fmt: skip


def test_a_judge_that_stops_answering_half_way_ends_the_run(
    judged: Callable[[Hanging, int], list[str]],
) -> None:
    wire = Hanging(iter([True] * 30))
    with pytest.raises(JudgingError, match="stopped answering"):
        judged(wire, 200)
    assert wire.calls < 30 + 3 * JUDGE.concurrency


def test_an_outage_shorter_than_the_time_out_costs_no_verdict(
    judged: Callable[[Hanging, int], list[str]],
) -> None:
    answers = iter([*[True] * 30, *[False] * 12, *[True] * 100])
    assert judged(Hanging(answers), 60) == []


def test_calls_that_are_late_now_and_then_are_no_silence() -> None:
    silence = Silence("slow")
    for _ in range(100):
        for _ in range(GIVEN_UP_AFTER - 1):
            silence.timed_out(0)
        silence.answered()
    assert not silence.given_up


def test_a_hung_judge_ends_a_run_of_one_row_too(
    judged: Callable[[Hanging, int], list[str]],
) -> None:
    with pytest.raises(JudgingError, match="ReadTimeoutError"):
        judged(Hanging(iter(())), 1)
