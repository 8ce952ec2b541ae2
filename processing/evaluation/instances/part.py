"""What an instance makes of its share of the rows, and what the leader makes of all parts.

The verdicts of judges travel, since they are paid for; what costs nothing the leader scores itself.
A verdict is the record that the store keeps of it, or `{"error": reason}` where there is none: the
leader must not ask again, so that as many rows lack a verdict as with one instance.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict

from processing.calls.spend import Spend
from processing.calls.stop import Stop
from processing.dataset.shards import Share
from processing.endpoint.answers import Answer
from processing.endpoint.client import Call
from processing.endpoint.reply import Reply
from processing.evaluation.instances.exchange import Part, PartRow, Record

Verdicts = dict[str, dict[str, Record]]
"""row id -> scorer -> record; only rows that the endpoint answered."""


def own_part(
    host: str,
    share: Share,
    answers: Sequence[Answer],
    verdicts: Verdicts,
    *,
    measured: Record,
    spend: Spend,
) -> Part:
    """`answers` in the order of the share's rows. `measured` must be equal on all instances."""
    rows = [
        PartRow(
            place=place,
            row=answer.row,
            answer={
                "request": answer.request,
                "call": asdict(answer.call),
                "reused": answer.reused,
            },
            verdicts=verdicts.get(answer.row.row_id, {}),
        )
        for place, answer in zip(share.places, answers, strict=True)
    ]
    accounts = {service: asdict(account) for service, account in spend.accounts.items()}
    stop = spend.stopped
    return Part(host, measured, accounts, rows, asdict(stop) if stop else None)


def answer_of(row: PartRow) -> Answer:
    told = row.answer["call"]
    replies = {
        key: Reply.of_record(told[key]) for key in ("reply", "unusable") if told[key] is not None
    }
    call = Call(**{**told, **replies})
    return Answer(row.row, row.answer["request"], call, reused=row.answer["reused"])


def verdicts_of(rows: Iterable[PartRow]) -> Mapping[str, Mapping[str, Record]]:
    """By row id and scorer."""
    return {row.row.row_id: row.verdicts for row in rows}


def add_spend(spend: Spend, parts: Iterable[Part]) -> None:
    """Add what other instances have spent, and that one of them has stopped."""
    for part in parts:
        if part.stop:
            spend.stopped_elsewhere(Stop(**part.stop))
        for service, account in part.spend.items():
            spend.add(service, **account)
