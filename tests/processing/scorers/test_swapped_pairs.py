"""Which rows and answers a judge is given that it has to reject, and who is given them."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing.base.clean_text import comparable
from processing.config.gate import Budgets
from processing.config.judge import Judge
from processing.config.scorers import ScorerSpec, parse_scorer
from processing.dataset.rows import Row, make_row
from processing.gate.certain_budgets import swapped_cannot_hold
from processing.gate.swapped_answers import SwappedAnswers
from processing.scorers.build import build_scorers
from processing.scorers.swapped_answers import (
    Control,
    controls_of,
    counted,
    swapped_answers_put,
    swapped_pairs,
)
from processing.scorers.words import words

CORRECTNESS = parse_scorer("Correctness")
JUDGE = Judge(model="bedrock:/judge")


def rows(*texts: tuple[str, str], context: list[str] | None = None) -> list[Row]:
    return [make_row(question, answer, context) for question, answer in texts]


def dataset(size: int) -> list[Row]:
    return [make_row(f"What is {n}?", f"w{n} x{n} y{n} z{n} v{n}", [f"c{n}"]) for n in range(size)]


@pytest.mark.parametrize("name", ["Correctness", "Equivalence", "RelevanceToQuery", "Faithfulness"])
def test_each_row_gets_another_rows_answer(name: str) -> None:
    whole = dataset(50)
    pairs = swapped_pairs(parse_scorer(name), whole, 5)
    assert len(pairs) == 5 == len({row.row_id for row, _ in pairs})
    assert all(answer != row.expected_response for row, answer in pairs)


def test_the_pairs_are_the_datasets_whatever_its_order() -> None:
    whole = dataset(50)
    shuffled = random.Random(3).sample(whole, len(whole))
    assert swapped_pairs(CORRECTNESS, whole, 5) == swapped_pairs(CORRECTNESS, shuffled, 5)


def test_where_one_answer_is_right_for_all_nothing_can_be_rejected() -> None:
    same = rows(("Is it safe?", "Ask a doctor."), ("Is it good?", "ask a doctor"))
    assert swapped_pairs(CORRECTNESS, same, 5) == []


def test_a_label_can_be_wrong_but_not_irrelevant() -> None:
    labels = rows(("Is snow white?", "yes"), ("Is coal white?", "no"), ("Is tar white?", "no"))
    assert len(swapped_pairs(CORRECTNESS, labels, 5)) == 3
    assert swapped_pairs(parse_scorer("RelevanceToQuery"), labels, 5) == []


def test_rows_with_one_context_support_each_others_answers() -> None:
    texts = [(f"What is {n}?", f"a{n} b{n} c{n} d{n} e{n}") for n in range(9)]
    assert swapped_pairs(parse_scorer("Faithfulness"), rows(*texts, context=["all of it"]), 5) == []


@given(
    st.lists(st.tuples(st.text(max_size=30), st.text(max_size=30)), max_size=12),
    st.integers(0, 6),
)
def test_a_pair_is_never_a_rows_own_answer(texts: list[tuple[str, str]], number: int) -> None:
    whole = [make_row(q, a) for q, a in texts if q.isprintable() and a.isprintable()]
    pairs = swapped_pairs(CORRECTNESS, whole, number)
    assert len(pairs) <= number
    for row, answer in pairs:
        own = set(words(comparable(row.expected_response)))
        other = set(words(comparable(answer)))
        assert len(own & other) <= len(own | other) / 2


def test_every_judge_is_tested_by_the_scorers_that_can_reject() -> None:
    other = {"my_tone": {"kind": "Guidelines", "guidelines": ["Be kind."],
                         "judge": {"model": "bedrock:/other"}}}  # fmt: skip
    specs = [parse_scorer(entry) for entry in ("Safety", "Correctness", "is_brief", other)]
    found = controls_of(build_scorers(specs, JUDGE))
    tested = [
        (control.built.spec.kind, control.built.judge and control.built.judge.model,
         control.stands_for) for control in found
    ]  # fmt: skip
    assert tested == [
        ("Correctness", "bedrock:/judge", ("Correctness",)),
        ("Correctness", "bedrock:/other", ("my_tone",)),
    ]


def test_none_are_put_where_the_file_says_so() -> None:
    silent = JUDGE.model_copy(update={"swapped_answers": 0})
    assert controls_of(build_scorers([CORRECTNESS, parse_scorer("Safety")], silent)) == []


@pytest.mark.parametrize(
    ("entry", "said", "rejected"),
    [
        ("Correctness", ["no", "no", "yes"], 2),
        ("AnswerRelevancy", [0.0, 0.4, 0.5], 2),
        ("Correctness", [{"error": "throttled"}, "no"], 1),
    ],
)
def test_less_than_half_of_the_scale_is_a_rejection(
    entry: str, said: list[Any], rejected: int
) -> None:
    control = _control(parse_scorer(entry))
    given_ = [each if isinstance(each, dict) else {"value": each} for each in said]
    found = counted(control, given_, {entry})
    assert (found.rejected, found.errors) == (rejected, sum(isinstance(s, dict) for s in said))
    assert found.decides


def test_who_may_stop_the_run_is_told_of_each_verdict() -> None:
    """Three acceptances of five are certain to be too many, whatever the pending two become."""
    told: list[tuple[SwappedAnswers, int]] = []
    with swapped_answers_put(
        [_control(CORRECTNESS)],
        dataset(50),
        lambda *_: {"value": "yes"},
        {"Correctness"},
        settled=lambda found, pending: told.append((found, pending)),
    ) as swapped:
        [whole] = swapped()
    assert [(found.asked, pending) for found, pending in told] == [(n, 5 - n) for n in range(6)]
    assert told[-1][0] == whole
    closed = [bool(swapped_cannot_hold(*each, Budgets())) for each in told]
    assert closed == [False] * 3 + [True] * 3


def _control(spec: ScorerSpec) -> Control:
    [built] = build_scorers([spec], JUDGE)
    return Control(built, (spec.name,))
