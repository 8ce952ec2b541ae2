"""What an instance makes of its share of the rows, and what the leader makes of all parts.

The verdicts of judges travel, since they are paid for; what costs nothing the leader scores itself.
A verdict is the record that the store keeps of it, or `{"error": reason}` where there is none: the
leader must not ask again, so that as many rows lack a verdict as with one instance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

from processing.answers import Answer
from processing.endpoint import Call
from processing.payload import Reply
from processing.rendezvous import Part, PartRow, Record
from processing.shards import Share
from processing.spend import Spend

Verdicts = dict[str, dict[str, Record]]
"""row id -> scorer -> record; only rows that the endpoint answered."""


def gather_verdicts(
    answers: Sequence[Answer],
    judged: Sequence[str],
    verdict: Callable[[str, Answer], Record],
    *,
    at_once: int,
) -> Verdicts:
    """Every judged scorer's verdict on every answered row, `at_once` calls at a time.

    `verdict(scorer, answer)` asks the judge, keeps what was paid for, and gives the record.
    """
    asked = [(answer, name) for answer in answers if answer.text is not None for name in judged]
    verdicts: Verdicts = {answer.row.row_id: {} for answer, _ in asked}
    with ThreadPoolExecutor(at_once, thread_name_prefix="judge") as pool:
        records = pool.map(lambda pair: verdict(pair[1], pair[0]), asked)
        for (answer, name), record in zip(asked, records, strict=True):
            verdicts[answer.row.row_id][name] = record
    return verdicts


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
    return Part(host, measured, accounts, rows)


def answer_of(row: PartRow) -> Answer:
    told = row.answer["call"]
    reply = None if told["reply"] is None else Reply(**told["reply"])
    call = Call(**{**told, "reply": reply})
    return Answer(row.row, row.answer["request"], call, reused=row.answer["reused"])


def verdicts_of(rows: Iterable[PartRow]) -> Mapping[str, Mapping[str, Record]]:
    """By row id and scorer."""
    return {row.row.row_id: row.verdicts for row in rows}


def add_spend(spend: Spend, parts: Iterable[Part]) -> None:
    """Add what other instances have spent."""
    for part in parts:
        for service, account in part.spend.items():
            spend.add(service, **account)
