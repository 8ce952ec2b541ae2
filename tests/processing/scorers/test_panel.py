"""`judge.panel`: each judge asked and paid for by itself, and one verdict out of theirs."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stub_wire import StubWire, well_behaved

from processing.calls.judge_calls import INQUIRY, inquiry_of
from processing.calls.paid_store import Record, Shelf
from processing.calls.spend import Spend
from processing.config.judge import Judge
from processing.config.scorers import parse_scorer
from processing.dataset.judged_answer import JudgedAnswer
from processing.dataset.rows import Row, make_row
from processing.endpoint.answers import Answer
from processing.endpoint.client import Call
from processing.endpoint.reply import Reply
from processing.judges.verdict import JudgeError, NotJudged
from processing.mlflow_record.panel_verdicts import panel_verdicts
from processing.scorers.asked_once import PaidVerdicts, was_not_asked
from processing.scorers.build import BuiltScorer, build_scorers
from processing.scorers.panel import panel_record
from processing.scorers.scheduler import judging
from processing.scorers.swapped_answers import controls_of

pytestmark = pytest.mark.filterwarnings("ignore:.*same direction:DeprecationWarning")

ROW = make_row("Question?", "Expected.", context=("Context.",))
REFUSED = JudgeError("the judge failed (no)", retryable=False)

LEVELS: dict[str, Any] = {
    "tone": {
        "kind": "template",
        "template": "Is {{ outputs }} kind?",
        "levels": {"kind": 1, "cool": 0.5, "rude": 0},
    }
}

Wires = dict[str, StubWire]


@pytest.fixture
def wires(monkeypatch: pytest.MonkeyPatch) -> Wires:
    """By model; each says yes until it is told otherwise."""
    made: Wires = {}

    def wire_of(judge: Judge) -> StubWire:
        return made.setdefault(judge.model, StubWire(saying("yes")))

    monkeypatch.setattr("processing.judges.service._wire", wire_of)
    return made


def saying(said: Any) -> Callable[..., str]:
    def say(*_: Any) -> str:
        if isinstance(said, Exception):
            raise said
        return json.dumps({"result": said, "rationale": f"so: {said}"})

    return say


def panel_of(wires: Wires, *said: Any, entry: Any = "Correctness", **judge: Any) -> BuiltScorer:
    """Judges m0, m1, ... who say what they are told to."""
    models = [f"bedrock:/m{place}" for place in range(len(said))]
    wires |= {model: StubWire(saying(each)) for model, each in zip(models, said, strict=True)}
    told = Judge.model_validate({"panel": models, "retry_seconds": 0, **judge})
    [built] = build_scorers([parse_scorer(entry)], told)
    return built


def paid_in(folder: Path, built: BuiltScorer, **settings: Any) -> PaidVerdicts:
    """With what was kept there before."""
    shelves = {}
    for place, member in enumerate(built.asked):
        file = folder / f"{place}.jsonl"
        shelves[member.definition] = Shelf(file)
        if file.exists():
            lines = file.read_text().splitlines()
            shelves[member.definition].kept |= {json.loads(line)["key"]: line for line in lines}
    return PaidVerdicts(shelves, settings.pop("spend", Spend({})), **settings)


def record(folder: Path, built: BuiltScorer, row: Row = ROW, **settings: Any) -> Record:
    return paid_in(folder, built, **settings).record(built, row, JudgedAnswer("Answer."))


@pytest.mark.parametrize(
    ("said", "value"),
    [(["yes", "no", "yes"], "yes"), (["yes", "no", "no"], "no"), (["yes", "no"], "no")],
)
def test_the_majority_has_the_row_and_a_tie_is_the_worse(
    wires: Wires, tmp_path: Path, said: list[str], value: str
) -> None:
    told = record(tmp_path, panel_of(wires, *said))
    assert told["value"] == value
    panel = panel_verdicts(told["metadata"])
    assert [each.judge for each in panel] == [f"bedrock:/m{n}" for n in range(len(said))]
    assert [each.shown for each in panel] == said
    assert all(word in told["rationale"] for word in ("m0 yes: so: yes", "m1 no: so: no"))
    assert told["source"]["source_id"].startswith("panel:/bedrock:/m0 + bedrock:/m1")
    assert told["metadata"]["judge_calls"] == str(len(said))
    assert sum(each.used.calls for each in panel) == len(said)


def test_where_all_agree_one_reason_will_do(wires: Wires, tmp_path: Path) -> None:
    assert record(tmp_path, panel_of(wires, "no", "no"))["rationale"] == "so: no"


def test_levels_have_their_middle(wires: Wires, tmp_path: Path) -> None:
    told = record(tmp_path, panel_of(wires, "rude", "kind", "cool", entry=LEVELS))
    assert (told["value"], told["metadata"]["category"]) == (0.5, "cool")


@pytest.mark.parametrize(
    ("said", "value"),
    [
        (["yes", REFUSED, "yes"], "yes"),
        (["no", REFUSED, "no"], "no"),
        (["yes", REFUSED, "no"], None),
        (["yes", REFUSED], None),
        (["no", REFUSED], "no"),  # a tie would be the worse, whatever the other had said
        ([REFUSED, REFUSED, "yes"], None),
        ([REFUSED, REFUSED], None),
    ],
)
def test_a_judge_that_is_away_never_makes_the_panel_smaller(
    wires: Wires, tmp_path: Path, said: list[Any], value: str | None
) -> None:
    told = record(tmp_path, panel_of(wires, *said))
    assert told.get("value") == value
    assert ("error" in told) == (value is None)
    if value is None:
        assert "the judge failed (no)" in told["error"]
    # who failed is told either way
    errors = [each.error is not None for each in panel_verdicts(told["metadata"])]
    assert errors == [isinstance(each, Exception) for each in said]


def test_each_judge_repeats_before_they_vote(wires: Wires, tmp_path: Path) -> None:
    built = panel_of(wires, "yes", "yes", "no", repeats=3)
    answers = iter(["no", "yes", "no"])
    wires["bedrock:/m0"].say = lambda *_: saying(next(answers))()
    told = record(tmp_path, built)
    assert told["value"] == "no"
    first, second, third = panel_verdicts(told["metadata"])
    assert (first.verdicts, first.contradicted) == (("no", "yes", "no"), True)
    assert (second.verdicts, third.contradicted) == (("yes",) * 3, False)
    assert told["metadata"]["judge_calls"] == "9"
    assert "judge_verdicts" not in told["metadata"]


def test_each_verdict_is_paid_for_once_and_a_new_judge_alone_is_asked(
    wires: Wires, tmp_path: Path
) -> None:
    """What a judge has said by itself counts for it on a panel, too."""
    [alone] = build_scorers([parse_scorer("Correctness")], Judge(model="bedrock:/m0"))
    record(tmp_path, alone)
    spend = Spend({})
    built = panel_of(wires, "yes", "no", "no")
    assert alone.definition == built.panel[0].definition != built.definition
    record(tmp_path, built, spend=spend)
    record(tmp_path, built, spend=spend)
    assert [len(wires[f"bedrock:/m{n}"].prompts) for n in range(3)] == [0, 1, 1]
    assert [spend.accounts[f"m{n}"].reused for n in range(3)] == [2, 1, 1]


def test_a_panel_that_was_not_asked_to_its_end_has_no_verdict(wires: Wires, tmp_path: Path) -> None:
    """As where a cap is reached between two judges."""
    built = panel_of(wires, "yes", "yes", NotJudged("max_calls 2"))
    assert was_not_asked(record(tmp_path, built))


def test_every_judge_s_calls_are_noted_under_its_name(wires: Wires, tmp_path: Path) -> None:
    told = record(tmp_path, panel_of(wires, "yes", "no"), noted="full")
    tries = inquiry_of(told[INQUIRY])
    assert [(each.judge, len(each.calls)) for each in tries] == [
        ("bedrock:/m0", 1),
        ("bedrock:/m1", 1),
    ]


def test_each_judge_has_its_own_pace_and_all_have_to_be_there(wires: Wires, tmp_path: Path) -> None:
    built = panel_of(wires, "yes", "no", "yes")
    rows = [make_row(f"Question {n}?", "Expected.") for n in range(20)]
    paid = paid_in(tmp_path, built)
    with judging([built], paid) as judges:
        for row in rows:
            judges.ask(Answer(row, {}, Call(Reply("Answer.", 1, 1), None, 1, 1.0, 0, 1)))
        told = [judges.verdict(row.row_id, "Correctness") for row in rows]
    assert [each["value"] for each in told] == ["yes"] * 20
    assert [len(wires[f"bedrock:/m{n}"].prompts) for n in range(3)] == [20] * 3


def test_each_judge_has_to_reject_swapped_answers_by_itself(wires: Wires) -> None:
    built = panel_of(wires, "yes", "no", entry="Correctness")
    controls = controls_of([built])
    assert [control.built for control in controls] == list(built.panel)
    assert all(control.of_panel for control in controls)


@pytest.mark.slow
@pytest.mark.parametrize(
    "entry",
    [
        "RelevanceToQuery",
        {"polite": {"kind": "Guidelines", "guidelines": ["Be polite."]}},
        "Bias",
        {"backed": {"kind": "RAGAS", "metric": "Faithfulness"}},
        "UserFrustration",
    ],
)
def test_it_is_one_panel_for_every_kind_of_scorer(wires: Wires, tmp_path: Path, entry: Any) -> None:
    built = panel_of(wires, "none", "none", entry=entry)
    for wire in wires.values() if entry != "UserFrustration" else ():
        wire.say = well_behaved
    given = record(tmp_path, built)
    assert "error" not in given, given
    assert [each.error for each in panel_verdicts(given["metadata"])] == [None, None]
    assert all(wire.prompts for wire in wires.values())


def test_another_panel_is_another_definition(wires: Wires) -> None:
    one = panel_of(wires, "yes", "no")
    again = panel_of(wires, "yes", "no")
    larger = panel_of(wires, "yes", "no", "no")
    repeated = panel_of(wires, "yes", "no", repeats=3)
    assert one.definition == again.definition
    assert len({one.definition, larger.definition, repeated.definition}) == 3


NUMBERS = st.lists(st.sampled_from([0.0, 0.5, 1.0, None]), min_size=2, max_size=9)


def voted(entry: Any, numbers: list[float | None]) -> Record:
    spec = parse_scorer(entry)
    judges = [Judge(model=f"bedrock:/m{place}") for place in range(len(numbers))]
    members = tuple(BuiltScorer(spec, judge, "d", lambda _: None) for judge in judges)  # type: ignore[arg-type,return-value]
    panel = Judge.model_validate({"panel": judges})
    records = [
        {"error": "away"} if number is None else
        {"name": spec.name, "value": number, "rationale": "so", "metadata": {}, "source": {}}
        for number in numbers
    ]  # fmt: skip
    return panel_record(replace(members[0], judge=panel, panel=members), records)


@given(NUMBERS, st.integers(0, 8), st.sampled_from([0.0, 0.5, None]), st.booleans())
def test_a_verdict_that_gets_worse_or_lost_never_makes_the_row_better(
    numbers: list[float | None], place: int, instead: float | None, higher: bool
) -> None:
    worse = min if higher else max
    share = {"kind": "DeepEval", "metric": "Bias"}
    for name, options in [*LEVELS.items(), ("share", share)]:
        chosen = {name: {**options, "higher_is_better": higher}}
        place %= len(numbers)
        before = voted(chosen, numbers).get("value")
        if before is None:
            continue
        there = numbers[place]
        changed = instead if instead is None or there is None else worse(instead, there)
        after = voted(chosen, [*numbers[:place], changed, *numbers[place + 1 :]]).get("value")
        if there is None:
            assert changed is None or after == before  # it could not change the vote
        else:
            assert after is None or worse(after, before) == pytest.approx(after)


@given(NUMBERS)
def test_the_order_of_the_judges_does_not_matter(numbers: list[float | None]) -> None:
    for entry in (LEVELS, {"share": {"kind": "DeepEval", "metric": "Bias"}}):
        one, other = voted(entry, numbers), voted(entry, numbers[::-1])
        assert one.get("value") == pytest.approx(other.get("value"))
        assert len(panel_verdicts(one["metadata"])) == len(numbers)


@given(st.lists(st.sampled_from([0.0, 1.0]), min_size=2, max_size=9))
def test_yes_or_no_is_what_more_than_half_say(numbers: list[float]) -> None:
    expected = float(sum(numbers) > len(numbers) / 2)
    assert voted("Correctness", list(numbers))["value"] == expected
