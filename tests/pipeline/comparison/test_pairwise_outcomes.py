"""What two orders of verdicts come to: whoever is named first, the result is the same mirrored."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_runs import made_document, made_row

from pipeline.comparison.compare import findings_on
from pipeline.comparison.pairwise.outcome import PairwiseOutcome
from pipeline.comparison.pairwise.pairs import answer_pairs, row_verdict
from pipeline.comparison.pairwise.scorers import pairwise_scorers
from pipeline.comparison.pairwise.strengths import strength_rankings
from pipeline.comparison.run import ComparedRun, read_run
from processing.judges.verdict import Question

Judge = Callable[[str, str], float | None]
"""The answer that stands first, the second one -> 1, 0.5 or 0; None where it fails."""

ANSWERS = st.lists(st.one_of(st.sampled_from("abcdef"), st.none()), min_size=1, max_size=25)
PLACES = [1.0, 0.5, 0.0, None]
NUMBERS = {"win_rate", "low", "high"}


def run_of(label: str, answers: Sequence[str | None], **changes: Any) -> ComparedRun:
    rows = [
        made_row(i, {"S": 1.0}, answer=answer or "", **({} if answer else {"error": "no answer"}))
        for i, answer in enumerate(answers)
    ]
    document = json.dumps(made_document({"S": [1.0]}, len(rows), **changes))
    return read_run(label, label, label, document, "\n".join(map(json.dumps, rows)))


def outcome_of(first: ComparedRun, other: ComparedRun, judge: Judge) -> PairwiseOutcome:
    pairs = list(answer_pairs(first, other, with_expected_response=False))

    def record(question: Question) -> dict[str, Any]:
        said = judge(question.answer, question.other_answer or "")
        return {"error": "down"} if said is None else {"value": said, "rationale": "so"}

    verdicts = {question: record(question) for pair in pairs for question in pair.asked}
    labels = (first.label, other.label)
    told = tuple(row_verdict(pair, labels, verdicts) for pair in pairs)
    return PairwiseOutcome("better", "bedrock:/j", *labels, told)


def any_judge(seed: int) -> Judge:
    """Says one of PLACES of each two answers, and always the same."""
    return lambda first, second: PLACES[hash((seed, ord(first), ord(second))) % len(PLACES)]


def fair(first: str, second: str) -> float:
    return 0.5 if first == second else float(first < second)


@pytest.mark.integration
@settings(deadline=None, max_examples=60)
@given(ours=ANSWERS, theirs=ANSWERS, seed=st.integers(0, 10_000))
def test_the_other_way_round_it_is_the_same_mirrored(
    ours: list[str | None], theirs: list[str | None], seed: int
) -> None:
    size = min(len(ours), len(theirs))
    a, b = run_of("A", ours[:size]), run_of("B", theirs[:size])
    there, back = outcome_of(a, b, any_judge(seed)), outcome_of(b, a, any_judge(seed))
    figures, mirrored = there.figures(), back.figures()
    assert (there.wins, there.losses) == (back.losses, back.wins)
    same = set(figures) - NUMBERS - {"run", "against", "wins", "losses", "state"}
    assert {key: figures[key] for key in same} == {key: mirrored[key] for key in same}
    if there.win_rate is not None and back.win_rate is not None:
        assert there.win_rate == pytest.approx(1 - back.win_rate, abs=1e-12)
    assert there.interval == pytest.approx([1 - end for end in back.interval[::-1]], abs=1e-11)
    assert there.pairs + there.missing == size
    assert there.wins + there.ties + there.losses == there.pairs
    low, high = there.interval
    assert 0 <= low <= (0.5 if there.win_rate is None else there.win_rate) <= high <= 1


@pytest.mark.integration
@settings(deadline=None, max_examples=40)
@given(ours=ANSWERS, theirs=ANSWERS, place=st.sampled_from([1.0, 0.0]))
def test_a_judge_that_looks_at_the_place_alone_prefers_nobody(
    ours: list[str | None], theirs: list[str | None], place: float
) -> None:
    size = min(len(ours), len(theirs))
    found = outcome_of(run_of("A", ours[:size]), run_of("B", theirs[:size]), lambda *_: place)
    assert (found.wins, found.losses) == (0, 0)
    assert found.win_rate in (0.5, None)
    assert found.disagreement_share in (1.0, None)
    assert (found.disagreement_share is None) == (found.asked == 0)
    assert found.p in (1.0, None)


@pytest.mark.integration
@settings(deadline=None, max_examples=60)
@given(ours=ANSWERS, seed=st.integers(0, 1000), lost=st.integers(0, 24))
def test_losing_a_verdict_never_helps_anybody(ours: list[str | None], seed: int, lost: int) -> None:
    a, b = run_of("A", ours), run_of("B", ["c"] * len(ours))

    def loses(first: str, second: str) -> float | None:
        gone = chr(ord("a") + lost % 6)
        return None if gone in (first, second) else any_judge(seed)(first, second)

    whole, less = outcome_of(a, b, any_judge(seed)), outcome_of(a, b, loses)
    assert less.wins <= whole.wins
    assert less.losses <= whole.losses
    assert less.missing >= whole.missing
    assert less.interval[0] <= whole.interval[0]
    assert less.interval[1] >= whole.interval[1]
    if less.p is not None and whole.p is not None:
        assert less.p >= whole.p - 1e-12


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8), st.just("pairwise"),
              st.just("bedrock:/j")),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.one_of(st.sampled_from(["kind", "judge", "model", "guidelines", "base_url", "file"]),
                      st.text(max_size=5)),
            inner, max_size=4,
        ),
    ),
    max_leaves=12,
)  # fmt: skip


@pytest.mark.integration
@settings(deadline=None, max_examples=200)
@given(
    name=st.one_of(st.just("p"), st.text(max_size=5)),
    entry=st.dictionaries(st.sampled_from(["kind", "judge", "guidelines", "file", "x"]), JSON),
    is_pairwise=st.booleans(),
)
def test_whatever_a_report_says_of_a_scorer_is_one_to_ask_or_a_reason(
    name: str, entry: dict[str, Any], is_pairwise: bool
) -> None:
    told = entry | ({"kind": "pairwise"} if is_pairwise else {})
    run = run_of("A", ["a"], pairwise={name: told})
    [found] = pairwise_scorers([run, run_of("B", ["a"])], None)
    assert (found.spec is None) == bool(found.reason)
    assert (found.name + found.reason).isprintable()
    if found.spec is not None:
        assert found.spec.compares
        assert found.judge.startswith(("bedrock:/", "amazon-bedrock:/"))


@pytest.mark.parametrize(
    ("there", "back", "preferred", "disagrees"),
    [
        (1.0, 0.0, "A", False), (0.0, 1.0, "B", False), (0.5, 0.5, "tie", False),
        (1.0, 1.0, "tie", True), (0.0, 0.0, "tie", True), (1.0, 0.5, "tie", True),
        (0.5, 1.0, "tie", True), (1.0, None, None, False), (None, 0.0, None, False),
    ],
)  # fmt: skip
def test_what_two_orders_come_to(
    there: float | None, back: float | None, preferred: str | None, disagrees: bool
) -> None:
    judge = {("x", "y"): there, ("y", "x"): back}
    found = outcome_of(run_of("A", ["x"]), run_of("B", ["y"]), lambda *two: judge[two])
    [verdict] = found.verdicts
    assert (verdict.preferred, verdict.disagrees) == (preferred, disagrees)


def test_rows_that_cannot_be_compared_are_counted_and_never_won() -> None:
    first = run_of("A", ["a", None, "a", "a", "a"], counts={"rows": 7, "answered": 4,
                                                            "endpoint_errors": 1})  # fmt: skip
    other = run_of("B", ["a", "a", None, "\u200b", "b"])
    found = outcome_of(first, other, fair)
    assert (found.pairs, found.ties, found.losses, found.wins) == (2, 1, 1, 0)
    assert found.asked == 1
    assert found.errors == {"B has no answer": 2, "A has no answer": 1}


def test_where_neither_run_has_an_answer_the_reason_names_both() -> None:
    found = outcome_of(run_of("A", [None]), run_of("B", [None]), fair)
    assert found.errors == {"A and B have no answer": 1}


def test_another_question_under_the_same_id_is_not_compared() -> None:
    other = run_of("B", ["b"])
    changed = {key: {**row, "question": "another"} for key, row in other.rows.items()}
    moved = ComparedRun("B", "B", "B", other.document, changed)
    found = outcome_of(run_of("A", ["a"]), moved, fair)
    assert (found.pairs, found.missing) == (0, 1)
    assert found.errors == {"the runs were asked different questions": 1}


def test_it_is_one_of_the_tests_that_holm_s_correction_is_over() -> None:
    a, b = run_of("A", ["b"] * 12), run_of("B", ["a"] * 12)
    alone, found = findings_on([a, b]), findings_on([a, b], pairwise=[outcome_of(a, b, fair)])
    assert found.tests == alone.tests + 1
    [outcome] = found.pairwise
    assert outcome.p is not None
    assert outcome.p_holm == pytest.approx(min(1, outcome.p * found.tests))
    assert outcome.state == "better"
    assert [change.better for change in found.changes] == [("better",)] * 12


SIX = st.lists(st.sampled_from("abc"), min_size=6, max_size=6)
ORDERED = [["a"] * 12, ["b"] * 12, ["c"] * 12]


def strengths_of(runs: Sequence[ComparedRun], judge: Judge) -> dict[str, tuple[float, ...]]:
    outcomes = [
        outcome_of(first, other, judge) for i, first in enumerate(runs) for other in runs[i + 1 :]
    ]
    [ranking] = strength_rankings(outcomes, [run.label for run in runs])
    return {found.run: (found.strength, found.low, found.high, found.best, found.worst)
            for found in ranking.strengths}  # fmt: skip


def test_runs_that_win_everything_have_finite_strengths_in_order() -> None:
    runs = [run_of(label, answers) for label, answers in zip("ABC", ORDERED, strict=True)]
    found = strengths_of(runs, fair)
    assert list(found) == ["A", "B", "C"]
    assert sum(strength for strength, *_ in found.values()) == pytest.approx(0, abs=1e-6)
    assert all(-10 < low < strength < high < 10 for strength, low, high, *_ in found.values())
    assert [ranks for *_, best, worst in found.values() for ranks in [(best, worst)]] == [
        (1, 1), (2, 2), (3, 3),
    ]  # fmt: skip


def test_two_runs_and_runs_without_verdicts_have_no_order() -> None:
    a, b, c = (run_of(label, answers) for label, answers in zip("ABC", ORDERED, strict=True))
    assert strength_rankings([outcome_of(a, b, fair)], ["A", "B"]) == []
    silent = [outcome_of(a, b, lambda *_: None), outcome_of(a, c, lambda *_: None)]
    assert strength_rankings(silent, ["A", "B", "C"]) == []


@pytest.mark.integration
@settings(deadline=None, max_examples=25)
@given(
    answers=st.lists(
        st.lists(st.sampled_from("abc"), min_size=8, max_size=8), min_size=3, max_size=4
    ),
    seed=st.integers(0, 1000),
)
def test_strengths_do_not_depend_on_the_order_of_the_runs(
    answers: list[list[str]], seed: int
) -> None:
    runs = [run_of(label, each) for label, each in zip("ABCD", answers, strict=False)]
    if not any(outcome_of(runs[0], run, any_judge(seed)).pairs for run in runs[1:]):
        return
    found, turned = (strengths_of(each, any_judge(seed)) for each in (runs, runs[::-1]))
    for label, figures in found.items():
        assert figures[:3] == pytest.approx(turned[label][:3], abs=1e-4)


@pytest.mark.integration
@settings(deadline=None, max_examples=25)
@given(
    answers=st.lists(
        st.lists(st.sampled_from("abc"), min_size=6, max_size=6), min_size=3, max_size=3
    ),
    gone=st.sampled_from("abc"),
)
def test_a_strength_lies_in_its_interval_whatever_is_missing(
    answers: list[list[str]], gone: str
) -> None:
    runs = [run_of(label, each) for label, each in zip("ABC", answers, strict=True)]

    def loses(first: str, second: str) -> float | None:
        return None if gone in (first, second) else fair(first, second)

    if not any(outcome_of(runs[0], run, loses).pairs for run in runs[1:]):
        return
    for strength, low, high, *_ in strengths_of(runs, loses).values():
        assert low < strength < high
