"""Judges are asked as answers arrive, each service so many at once, and none after the end."""

from __future__ import annotations

import threading
import time
from concurrent.futures import CancelledError
from pathlib import Path

import pytest
from mlflow.entities import Feedback

from processing.calls.paid_store import Shelf
from processing.calls.spend import Spend
from processing.config.judge import Judge
from processing.config.prices import Prices
from processing.config.scorers import parse_scorer
from processing.dataset.rows import make_row
from processing.endpoint.answers import Answer
from processing.endpoint.client import Call
from processing.endpoint.reply import Reply
from processing.judges.verdict import JudgeError, Question
from processing.scorers.asked_once import PaidVerdicts
from processing.scorers.build import BuiltScorer
from processing.scorers.scheduler import Judging, judging

SMALL, LARGE = (Judge(model=f"bedrock:/{name}", concurrency=3) for name in ("small", "large"))


class Asked:
    """Counts who is asked, and how many at once."""

    def __init__(self, seconds: float = 0.01) -> None:
        self.seconds = seconds
        self.calls: list[str] = []
        self.most: dict[str, int] = {}
        self._running: dict[str, int] = {}
        self._lock = threading.Lock()

    def scorer(self, name: str, judge: Judge | None) -> BuiltScorer:
        def score(question: Question) -> Feedback:
            model = judge.model if judge else "none"
            with self._lock:
                self.calls.append(f"{name} {question.answer}")
                self._running[model] = self._running.get(model, 0) + 1
                self.most[model] = max(self.most.get(model, 0), self._running[model])
            time.sleep(self.seconds)
            with self._lock:
                self._running[model] -= 1
            if question.answer == "refused":
                raise JudgeError("no", retryable=False)
            if question.answer == "broken":
                raise ZeroDivisionError
            return Feedback(name=name, value=f"{len(question.answer) % 2}" == "0", rationale="so")

        return BuiltScorer(parse_scorer({name: {"kind": "Guidelines", "guidelines": ["g"]}}),
                           judge, name, score)  # fmt: skip


def answer(number: int, text: str | None) -> Answer:
    reply = Reply(text, 1, 1) if text is not None else None
    call = Call(reply, None if reply else "ModelError", 1, 1.0, 0, 1)
    return Answer(make_row(f"Question {number}?", "Yes."), {}, call)


def paid(folder: Path, scorers: list[BuiltScorer]) -> PaidVerdicts:
    shelves = {built.definition: Shelf(folder / f"{built.spec.name}.jsonl") for built in scorers}
    return PaidVerdicts(shelves, Spend({}))


def test_every_answer_gets_a_verdict_from_every_judge(tmp_path: Path) -> None:
    asked = Asked()
    scorers = [asked.scorer("a", SMALL), asked.scorer("b", SMALL), asked.scorer("c", LARGE)]
    scorers.append(asked.scorer("computed", None))
    answers = [answer(n, None if n == 7 else f"answer {n}") for n in range(20)]
    with judging(scorers, paid(tmp_path, scorers)) as judges:
        for each in answers:
            judges.ask(each)
        told = [judges.by_scorer(a.row.row_id) for a in answers if a.text is not None]
    assert len(told) == 19
    assert all(set(verdicts) == {"a", "b", "c"} for verdicts in told)
    assert len(asked.calls) == len(set(asked.calls)) == 57
    assert asked.most == {SMALL.model: 3, LARGE.model: 3}


def test_a_verdict_that_cannot_be_had_is_an_error_and_stops_nobody(tmp_path: Path) -> None:
    asked = Asked(0)
    scorers = [asked.scorer("a", SMALL)]
    answers = [answer(1, "refused"), answer(2, "broken"), answer(3, "fine")]
    with judging(scorers, paid(tmp_path, scorers)) as judges:
        for each in answers:
            judges.ask(each)
        told = [judges.verdict(each.row.row_id, "a") for each in answers]
    assert told[0] == {"error": "no"}
    assert told[1]["error"].startswith("ZeroDivisionError")
    assert told[2]["value"] is True
    assert (tmp_path / "a.jsonl").read_text().count("\n") == 1


def test_after_the_end_nobody_is_asked_and_what_was_under_way_is_kept(tmp_path: Path) -> None:
    asked = Asked(0.6)
    scorers = [asked.scorer("a", SMALL)]
    judges = Judging(scorers, paid(tmp_path, scorers))
    for number in range(50):
        judges.ask(answer(number, f"answer {number}"))
    time.sleep(0.05)
    judges.close()
    assert len(asked.calls) == 3
    assert (tmp_path / "a.jsonl").read_text().count("\n") == 3


def test_judges_of_a_row_are_asked_in_the_order_of_their_prices(tmp_path: Path) -> None:
    asked = Asked(0)
    alone = [Judge(model=f"bedrock:/{name}", concurrency=1) for name in ("dear", "none", "cheap")]
    scorers = [asked.scorer(judge.model[9:], judge) for judge in alone]
    prices = {
        "dear": Prices(input_per_million=3, output_per_million=15),
        "cheap": Prices(input_per_million=0.1, output_per_million=0.5),
    }
    shelves = paid(tmp_path, scorers).shelves
    with judging(scorers, PaidVerdicts(shelves, Spend(prices)), cascade=True) as judges:
        for number in range(5):
            judges.ask(answer(number, f"answer {number}"))
        assert asked.calls == []  # nobody before all answers are there
        judges.all_answered()
        for number in range(5):
            assert set(judges.by_scorer(answer(number, "").row.row_id)) == {"dear", "cheap", "none"}
    assert [call.partition(" ")[0] for call in asked.calls] == [
        *["cheap"] * 5, *["dear"] * 5, *["none"] * 5
    ]  # fmt: skip


def test_a_cascade_that_is_ended_before_its_judges_leaves_nobody_waiting(tmp_path: Path) -> None:
    asked = Asked(0)
    scorers = [asked.scorer("a", SMALL)]
    judges = Judging(scorers, paid(tmp_path, scorers), cascade=True)
    judges.ask(answer(1, "an answer"))
    judges.close()
    with pytest.raises(CancelledError):
        judges.verdict(answer(1, "").row.row_id, "a")
    assert asked.calls == []
