"""Today's judges and scorers on the champion's kept answers: paid once, counted, told."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from processing.calls.paid_store import Shelf
from processing.calls.spend import Spend
from processing.config.judge import Judge
from processing.config.scorers import parse_scorer
from processing.dataset.judged_answer import JudgedAnswer
from processing.dataset.rows import make_row
from processing.evaluation.rejudged import rejudged, scorer_record_of
from processing.gate.champion import Rejudged
from processing.gate.scorer_record import how_they_differ
from processing.judges.verdict import JudgeError
from processing.judges.wire import JudgeReply
from processing.scorers.asked_once import PaidVerdicts
from processing.scorers.build import BuiltScorer, build_scorers

ROWS = {row.row_id: row for row in (make_row(f"Question {n}?", f"Right {n}.") for n in range(5))}
ANSWERS = {row_id: row.expected_response for row_id, row in list(ROWS.items())[:3]}


class Wire:
    """Says yes, and refuses where `failing` stands in the prompt."""

    forms = ("plain",)
    failing = "nothing"

    def ask(self, _: Judge, messages: list[dict[str, str]], *__: Any) -> JudgeReply:
        if self.failing in messages[0]["content"]:
            raise JudgeError("the judge failed (no)", retryable=False)
        return JudgeReply(json.dumps({"result": "yes", "rationale": "why"}), "end_turn", 1, 1)


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    made = Wire()
    monkeypatch.setattr("processing.judges.service._wire", lambda _: made)
    return made


def built(entries: list[Any], spend: Spend, **judge: Any) -> list[BuiltScorer]:
    told = Judge.model_validate({"model": "bedrock:/new", "retry_seconds": 0, **judge})
    return build_scorers([parse_scorer(entry) for entry in entries], told, spend=spend)


def judge_again(folder: Path, names: list[str], **judge: Any) -> Rejudged:
    spend = Spend({})
    scorers = built(["Correctness", "rougeL_fmeasure"], spend, **judge)
    shelf = Shelf(folder / "verdicts.jsonl")
    if shelf.file.exists():
        shelf.kept |= {json.loads(li)["key"]: li for li in shelf.file.read_text().splitlines()}
    run: Any = SimpleNamespace(scorers=scorers, spend=spend)
    answers = {row_id: JudgedAnswer(text) for row_id, text in ANSWERS.items()}
    shelves = {member.definition: shelf for each in scorers for member in each.asked}
    return rejudged(run, PaidVerdicts(shelves, spend), names, answers, ROWS)


def test_each_answer_is_judged_and_paid_for_once(wire: Wire, tmp_path: Path) -> None:  # noqa: ARG001
    first = judge_again(tmp_path, ["Correctness"])
    assert first.scores == {row_id: {"Correctness": 1.0} for row_id in ANSWERS}
    assert first.words == "re-judged on 3 kept answers by bedrock:/new (Correctness); 3 calls"
    again = judge_again(tmp_path, ["Correctness"])
    assert (again.scores, again.words[-7:]) == (first.scores, "0 calls")
    assert judge_again(tmp_path, ["Correctness"], repeats=3).words.endswith("; 6 calls")


def test_a_scorer_without_a_judge_is_computed_anew(wire: Wire, tmp_path: Path) -> None:  # noqa: ARG001
    found = judge_again(tmp_path, ["rougeL_fmeasure"])
    assert found.scores == {row_id: {"rougeL_fmeasure": 1.0} for row_id in ANSWERS}
    assert "the scorers' own code (rougeL_fmeasure); 0 calls" in found.words


def test_an_answer_that_cannot_be_judged_has_no_number(wire: Wire, tmp_path: Path) -> None:
    wire.failing = "Question 1?"
    found = judge_again(tmp_path, ["Correctness"])
    numbers = [row["Correctness"] for row in found.scores.values()]
    assert sorted(map(str, numbers)) == ["1.0", "1.0", "None"]
    assert found.words.endswith("; 3 calls, 1 without a verdict")


@pytest.mark.parametrize(
    ("theirs", "told"),
    [
        ({"model": "bedrock:/old"}, "was judged by bedrock:/old, this model by bedrock:/new"),
        ({"parameters": {"temperature": 1}}, "the judge's parameters or address"),
        ({"repeats": 3}, "judge.repeats 3 then, 1 now"),
        ({"concurrency": 3, "swapped_answers": 0}, ""),
    ],
)
def test_what_of_a_judge_makes_it_another(theirs: dict[str, Any], told: str) -> None:
    [ours] = built(["Safety"], Spend({}))
    [other] = built(["Safety"], Spend({}), **theirs)
    said = how_they_differ(scorer_record_of(ours), scorer_record_of(other))
    assert told in said
    assert bool(said) == bool(told)


def test_other_guidelines_and_other_numbers_are_other_rules() -> None:
    def record(**options: Any) -> Any:
        entry = {"kind": "template", "template": "Is {{ outputs }} kind?", **options}
        [scorer] = built([{"tone": entry}], Spend({}))
        return scorer_record_of(scorer)

    levels = record(levels={"kind": 1, "rude": 0})
    assert "what its verdicts count" in how_they_differ(
        levels, record(levels={"kind": 2, "rude": 0})
    )
    other = record(levels={"kind": 1, "rude": 0}, template="Is {{ outputs }} warm?")
    assert "its options" in how_they_differ(levels, other)
