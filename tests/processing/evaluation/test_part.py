"""What an instance hands in of an evaluation comes back as it was."""

from __future__ import annotations

from processing.calls.spend import Account, Spend
from processing.dataset.rows import make_row
from processing.dataset.shards import Share
from processing.endpoint.answers import Answer
from processing.endpoint.client import Call
from processing.endpoint.reply import Reply
from processing.evaluation.instances.part import add_spend, answer_of, own_part, verdicts_of

ROWS = [make_row(f"Question {n}?", "So.") for n in range(30)]


def answered(number: int, error: str | None = None) -> Answer:
    reply = None if error else Reply(f"Answer {number}", 3, None)
    call = Call(reply, error, 2, 0.1 + number, 1_700_000_000_000_000_000 + number, 2)
    return Answer(ROWS[number], {"messages": [{"role": "user"}]}, call, reused=number % 2 == 0)


ANSWERS = [answered(n, "throttled" if n == 3 else None) for n in range(30)]


def test_answers_and_verdicts_come_back_as_they_were() -> None:
    spend = Spend({})
    spend.add("endpoint", calls=31, input_tokens=90)
    verdicts = {ROWS[0].row_id: {"Safety": {"value": 0.1}, "Bias": {"error": "no"}}}
    share = Share(ROWS, list(range(100, 130)))
    part = own_part("algo-2", share, ANSWERS, verdicts, measured={"model": "m"}, spend=spend)
    assert [row.place for row in part.rows] == share.places
    assert [answer_of(row) for row in part.rows] == ANSWERS
    assert verdicts_of(part.rows)[ROWS[0].row_id] == verdicts[ROWS[0].row_id]
    own = Spend({})
    own.add("endpoint", calls=1)
    own.add("judge", calls=5)
    add_spend(own, [part])
    assert own.accounts == {"endpoint": Account(32, 0, 90), "judge": Account(5)}
