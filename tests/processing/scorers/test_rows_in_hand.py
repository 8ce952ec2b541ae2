"""So many rows at the judges, the others waiting as answers; whoever is waited for comes next."""

from __future__ import annotations

import sys
from concurrent.futures import CancelledError
from pathlib import Path

import pytest
from local_runs import eventually
from test_scheduler import LARGE, SMALL, Asked, answer, paid

from processing.endpoint.answers import Answer
from processing.scorers.rows_in_hand import ROWS_IN_HAND, RowsInHand
from processing.scorers.scheduler import judging


def row_id(number: int) -> str:
    return answer(number, "").row.row_id


def rows_in_hand(most: int, verdicts: int) -> tuple[RowsInHand, list[str]]:
    """With the ids of the rows in the order in which they are started."""
    started: list[str] = []

    def start(answer: Answer) -> int:
        started.append(answer.row.row_id)
        return verdicts

    return RowsInHand(start, most), started


def test_the_next_row_is_started_when_all_of_one_is_handed_out() -> None:
    rows, started = rows_in_hand(3, verdicts=2)
    for number in range(6):
        rows.add(answer(number, "yes"))
    assert started == [row_id(n) for n in (0, 1, 2)]
    rows.handed_out(row_id(1))
    assert len(started) == 3
    rows.handed_out(row_id(1))
    assert started[3:] == [row_id(3)]
    rows.start_now(row_id(5))
    rows.start_now(row_id(5))
    assert started[4:] == [row_id(5)], "one that is waited for, beyond the limit"
    for number in (0, 2):
        for _ in range(2):
            rows.handed_out(row_id(number))
    assert started[5:] == [row_id(4)]


def test_after_the_end_no_row_is_started_and_nobody_is_left_waiting() -> None:
    rows, started = rows_in_hand(1, verdicts=1)
    for number in range(3):
        rows.add(answer(number, "yes"))
    rows.close()
    rows.handed_out(row_id(0))
    rows.start_now(row_id(0))
    with pytest.raises(CancelledError):
        rows.start_now(row_id(1))
    assert started == [row_id(0)]


@pytest.mark.parametrize("most", [1, 2, sys.maxsize])
def test_every_row_gets_its_verdicts_whoever_waits_for_it_first(tmp_path: Path, most: int) -> None:
    asked = Asked(0.001)
    scorers = [asked.scorer("a", SMALL), asked.scorer("b", LARGE)]
    answers = [answer(n, f"answer {n}") for n in range(40)]
    with judging(scorers, paid(tmp_path, scorers), rows_in_hand=most) as judges:
        for each in answers:
            judges.ask(each)
        for each in reversed(answers):
            assert set(judges.by_scorer(each.row.row_id)) == {"a", "b"}
    assert len(asked.calls) == len(set(asked.calls)) == 80


def test_all_are_judged_where_nobody_takes_a_verdict_before_the_last_answer(
    tmp_path: Path,
) -> None:
    """As on one of several instances, which hands in its part at the end."""
    asked = Asked(0)
    scorers = [asked.scorer("a", SMALL)]
    with judging(scorers, paid(tmp_path, scorers)) as judges:
        for number in range(ROWS_IN_HAND + 50):
            judges.ask(answer(number, f"answer {number}"))
        eventually(lambda: len(asked.calls) == ROWS_IN_HAND + 50)
