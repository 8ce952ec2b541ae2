"""Answers are waited for by row, and an asking that ends early leaves nobody waiting."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from processing.base.errors import EndpointError
from processing.dataset.rows import Row, make_row
from processing.endpoint.answers import Answer
from processing.endpoint.client import Call
from processing.endpoint.reply import Reply
from processing.evaluation.answer_stream import NoMoreAnswers, streamed_answers

ROWS = [make_row(f"Question {number}?", "Yes.") for number in range(20)]


def answer(row: Row) -> Answer:
    return Answer(row, {}, Call(Reply(f"to {row.question}", 1, 1), None, 1, 1.0, 0, 1))


def test_answers_are_had_by_row_whatever_their_order() -> None:
    seen: list[Answer] = []

    def ask(arrived: Callable[[Answer], None]) -> list[Answer]:
        for row in reversed(ROWS):
            arrived(answer(row))
        return [answer(row) for row in ROWS]

    with streamed_answers(ask, seen.append) as stream:
        assert [stream.answer(row.row_id).row for row in ROWS] == ROWS
        assert [each.row for each in stream.all()] == ROWS
    assert len(seen) == len(ROWS)


def test_an_asking_that_fails_is_told_to_everybody_who_waits() -> None:
    def ask(arrived: Callable[[Answer], None]) -> list[Answer]:
        arrived(answer(ROWS[0]))
        raise EndpointError("it has stopped answering")

    with streamed_answers(ask, lambda _: None) as stream:
        assert stream.answer(ROWS[0].row_id).text == f"to {ROWS[0].question}"
        with pytest.raises(NoMoreAnswers):
            stream.answer(ROWS[1].row_id)
        with pytest.raises(EndpointError, match="stopped answering"):
            stream.all()


def test_when_the_block_ends_early_nothing_more_is_asked() -> None:
    first, ended, asked = threading.Event(), threading.Event(), []

    def ask(arrived: Callable[[Answer], None]) -> list[Answer]:
        for row in ROWS:
            asked.append(row)
            arrived(answer(row))
            first.set()
            ended.wait(10)
        return []

    def end_early() -> None:
        with streamed_answers(ask, lambda _: None):
            first.wait(10)
            threading.Timer(0.1, ended.set).start()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        end_early()
    assert len(asked) == 2
