"""`judge.repeats`: each verdict several times, each paid once, and the row's verdict settled."""

from __future__ import annotations

import itertools
import json
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from stub_wire import StubWire, well_behaved

from processing.calls.paid_store import Shelf
from processing.calls.spend import Spend
from processing.config.judge import Judge
from processing.config.scorers import parse_scorer
from processing.dataset.judged_answer import JudgedAnswer
from processing.dataset.rows import Row, make_row
from processing.judges.kept_replies import KeptReplies
from processing.judges.verdict import JudgeError
from processing.scorers.asked_once import PaidVerdicts
from processing.scorers.build import build_scorers
from processing.scorers.vote import voted_number

pytestmark = pytest.mark.filterwarnings("ignore:.*same direction:DeprecationWarning")

ROWS = [make_row(f"Question {n}?", f"Expected {n}.", context=(f"Context {n}.",)) for n in range(4)]
LEVELS = {
    "tone": {
        "kind": "template",
        "template": "Is {{ outputs }} kind?",
        "levels": {"kind": 1, "cool": 0.5, "rude": 0},
    }
}


class Wavering:
    """Says to each prompt one after the other of `said`; an exception is raised."""

    def __init__(self, *said: Any) -> None:
        self.said = said
        self._asked: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __call__(self, prompt: str, _: type[BaseModel] | None) -> str:
        with self._lock:
            self._asked[prompt] += 1
            said = self.said[(self._asked[prompt] - 1) % len(self.said)]
        if isinstance(said, Exception):
            raise said
        return json.dumps({"result": said, "rationale": f"so: {said}"})


REFUSED = JudgeError("the judge failed (no)", retryable=False)


def records(
    entry: Any,
    folder: Path,
    *,
    rows: list[Row] = ROWS,
    replies: Shelf | None = None,
    spend: Spend | None = None,
    **judge: Any,
) -> list[dict[str, Any]]:
    told = Judge.model_validate({"model": "bedrock:/some-model", "retry_seconds": 0, **judge})
    spend = spend or Spend({})
    [built] = build_scorers(
        [parse_scorer(entry)], told, replies_of=lambda _: KeptReplies(replies), spend=spend
    )
    file = folder / "verdicts.jsonl"
    shelf = Shelf(file)
    if file.exists():
        shelf.kept |= {json.loads(line)["key"]: line for line in file.read_text().splitlines()}
    paid = PaidVerdicts({built.definition: shelf}, spend)
    return [paid.record(built, row, JudgedAnswer(f"Answer to {row.question}")) for row in rows]


def test_the_majority_has_the_row_and_its_reason(wire: StubWire, tmp_path: Path) -> None:
    wire.say = Wavering("yes", "no", "yes")
    told = records("Correctness", tmp_path, repeats=3)
    assert [each["value"] for each in told] == ["yes"] * 4
    assert {each["rationale"] for each in told} == {"so: yes"}
    assert {each["metadata"]["judge_verdicts"] for each in told} == {'["yes", "no", "yes"]'}
    assert {each["metadata"]["judge_contradicts_itself"] for each in told} == {"yes"}
    assert {each["metadata"]["judge_calls"] for each in told} == {"3"}


def test_a_tie_counts_as_the_worse(wire: StubWire, tmp_path: Path) -> None:
    wire.say = Wavering("yes", "no")
    [told, *_] = records("Correctness", tmp_path, repeats=2)
    assert told["value"] == "no"


@pytest.mark.parametrize(
    ("said", "wins"),
    [
        (["kind", "rude", "kind"], 1),
        (["rude", "kind", "cool"], 0.5),
        (["cool", "cool", "cool"], 0.5),
    ],
)
def test_levels_have_their_middle(
    wire: StubWire, tmp_path: Path, said: list[str], wins: float
) -> None:
    wire.say = Wavering(*said)
    [told, *_] = records(LEVELS, tmp_path, repeats=3)
    assert told["value"] == wins
    assert json.loads(told["metadata"]["judge_verdicts"]) == said
    assert told["metadata"]["category"] == said[said.index({1: "kind", 0.5: "cool"}[wins])]


def test_graded_numbers_have_their_mean(wire: StubWire, tmp_path: Path) -> None:
    """Bias: the share of opinions that are biased; another one each time."""
    verdicts = itertools.cycle([["yes", "no"], ["no", "no"], ["no", "no"]])

    def say(prompt: str, schema: type[BaseModel] | None) -> str:
        assert schema is not None
        fields = schema.model_fields
        if "verdicts" in fields:
            return json.dumps({"verdicts": [{"verdict": v, "reason": "r"} for v in next(verdicts)]})
        if "opinions" in fields:
            return json.dumps({"opinions": ["one", "two"]})
        return well_behaved(prompt, schema)

    wire.say = say
    [told] = records("Bias", tmp_path, rows=ROWS[:1], repeats=3)
    said = json.loads(told["metadata"]["judge_verdicts"])
    assert len(set(said)) == 2
    assert told["value"] == pytest.approx(sum(said) / 3)
    assert told["metadata"]["judge_contradicts_itself"] == "yes"
    assert told["metadata"]["judge_calls"] == "9"


def test_more_repeats_pay_for_the_further_ones_alone(wire: StubWire, tmp_path: Path) -> None:
    wire.say = Wavering("yes")
    calls = []
    for repeats in (1, 3, 5, 3, 1):
        before, spend = len(wire.prompts), Spend({})
        records("Correctness", tmp_path, repeats=repeats, spend=spend)
        calls.append((len(wire.prompts) - before, spend.accounts["some-model"].reused))
    assert calls == [(4, 0), (8, 4), (8, 12), (0, 12), (0, 4)]


def test_verdicts_kept_before_there_were_repeats_are_not_paid_again(
    wire: StubWire, tmp_path: Path
) -> None:
    """The key of a verdict as version 1.0 wrote it."""
    wire.say = Wavering("yes")
    records("Correctness", tmp_path, rows=ROWS[:1])
    [line] = (tmp_path / "verdicts.jsonl").read_text().splitlines()
    from processing.calls.paid_store import key_of

    [built] = build_scorers([parse_scorer("Correctness")], Judge(model="bedrock:/some-model"))
    row = ROWS[0]
    answer = f"Answer to {row.question}"
    old = key_of(built.definition, row.question, answer, row.expected_response, row.context)
    assert json.loads(line)["key"] == old
    assert "repeat" not in built.definition


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        (["yes", REFUSED, "yes"], "yes"),
        (["no", "no", REFUSED], "no"),
        (["yes", "no", REFUSED], None),
        ([REFUSED, REFUSED, "yes"], None),
    ],
)
def test_a_row_has_a_verdict_only_if_the_missing_ones_could_not_change_it(
    wire: StubWire, tmp_path: Path, said: list[Any], verdict: str | None
) -> None:
    wire.say = Wavering(*said)
    [told] = records("Correctness", tmp_path, rows=ROWS[:1], repeats=3)
    if verdict is None:
        assert "the judge failed (no)" in told["error"]
    else:
        assert told["value"] == verdict


def test_a_judge_that_can_settle_nothing_any_more_is_asked_no_more(
    wire: StubWire, tmp_path: Path
) -> None:
    wire.say = Wavering(REFUSED)
    told = records("Correctness", tmp_path, rows=ROWS[:1], repeats=5)
    assert told == [{"error": "the judge failed (no)"}]
    assert len(wire.prompts) == 3


def test_no_repeat_is_answered_by_what_was_kept_for_another(wire: StubWire, tmp_path: Path) -> None:
    """The first job is killed before its second verdict: on disk are the first one's replies."""
    wire.say = well_behaved
    replies = Shelf(tmp_path / "replies.jsonl")
    records("Bias", tmp_path / "first", rows=ROWS[:1], replies=replies, repeats=1)
    assert len(wire.prompts) == 3
    again = Shelf(replies.file)
    again.kept |= {json.loads(li)["key"]: li for li in replies.file.read_text().splitlines()}
    wire.prompts.clear()
    records("Bias", tmp_path / "first", rows=ROWS[:1], replies=again, repeats=3)
    assert len(wire.prompts) == 6


NUMBERS = st.lists(st.sampled_from([0.0, 0.5, 1.0, None]), min_size=1, max_size=9)


@given(NUMBERS, st.integers(0, 8), st.sampled_from([0.0, 0.5, None]), st.booleans())
def test_a_verdict_that_gets_worse_or_lost_never_makes_the_row_better(
    numbers: list[float | None], place: int, instead: float | None, higher: bool
) -> None:
    entry = {"tone": {**LEVELS["tone"], "higher_is_better": higher}}
    spec = parse_scorer(entry)
    place %= len(numbers)
    before = voted_number(spec, numbers)
    if before is None:
        return
    worse = min if higher else max
    given_there = numbers[place]
    changed = instead if instead is None or given_there is None else worse(instead, given_there)
    if given_there is None and instead is not None:
        assert voted_number(spec, [*numbers[:place], instead, *numbers[place + 1 :]]) == before
        return
    after = voted_number(spec, [*numbers[:place], changed, *numbers[place + 1 :]])
    assert after is None or worse(after, before) == after
