"""Several instances, one evaluation: each hands in its part, and the leader puts them together.

Every instance answers its own rows and has them judged, and publishes what came of it as one object
in S3. The leader (the first of the hosts) waits for all parts and alone goes on to MLflow and the
verdict; the others end with exit code 0, since SageMaker completes a job when all have, and fails
it as soon as one does not. An instance that fails says so in S3 too, so that the leader ends with
its reason. What was paid for is in the store whatever happens here.

    <uri>/<job name>/<host>.jsonl     first a line about the part, then one for each row
    <uri>/<job name>/<host>.failed    the reason
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Any

from processing.base.errors import InstanceError, ReportedError
from processing.base.instance import Instance
from processing.base.s3 import bucket_and_key
from processing.dataset.rows import Row, row_of

Record = dict[str, Any]

POLL_SECONDS = 2.0
REPORT_SECONDS = 30.0
WAIT_SECONDS = 3600.0
"""The shares are of equal size, so that the others are ready about when the leader is."""


@dataclass(frozen=True)
class PartRow:
    """One row with what came of it. `place`: where it stands in the dataset, from 0.

    `answer` and `verdicts` (by scorer) are JSON objects; what is in them is the evaluation's.
    """

    place: int
    row: Row
    answer: Record
    verdicts: dict[str, Record] = field(default_factory=dict)


@dataclass(frozen=True)
class Part:
    """What one instance hands in.

    `measured`: what has to be the same on all (model, dataset, configuration). `spend`: what this
    instance has spent, to be added up. `stop`: why it ended before all of its rows were asked.
    """

    host: str
    measured: Record
    spend: Record
    rows: Sequence[PartRow]
    stop: Record | None = None


@dataclass(frozen=True)
class Exchange:
    """Where the instances of this job meet. `s3` is a boto3 client; `uri` is the pipeline's."""

    s3: Any
    uri: str
    job: str
    instance: Instance
    wait_seconds: float = WAIT_SECONDS
    poll_seconds: float = POLL_SECONDS

    @property
    def bucket(self) -> str:
        return bucket_and_key(self.uri)[0]

    @property
    def prefix(self) -> str:
        folder = bucket_and_key(self.uri)[1].strip("/")
        return f"{folder}/{self.job}/".lstrip("/")


def publish(exchange: Exchange, part: Part) -> None:
    """Put this instance's part into S3; it is there as a whole or not at all."""
    head = {
        "host": part.host,
        "measured": part.measured,
        "spend": part.spend,
        "stop": part.stop,
    }
    with tempfile.TemporaryFile() as file:
        file.write(_line({**head, "rows": len(part.rows)}))
        for row in part.rows:
            told = {"place": row.place, "answer": row.answer, "verdicts": row.verdicts}
            file.write(_line({**told, "row": json.loads(row.row.line())}))
        file.seek(0)
        exchange.s3.upload_fileobj(file, exchange.bucket, f"{exchange.prefix}{part.host}.jsonl")


@contextmanager
def failure_reported(exchange: Exchange) -> Iterator[None]:
    """Leave the reason where the leader looks, if the block raises."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except BaseException as error:
        reason = str(error) if isinstance(error, ReportedError) else repr(error)
        key = f"{exchange.prefix}{exchange.instance.current}.failed"
        try:
            exchange.s3.put_object(Bucket=exchange.bucket, Key=key, Body=reason.encode())
        except (BotoCoreError, ClientError) as untold:
            print(f"the other instances could not be told: {untold}", flush=True)
        raise


def collect(exchange: Exchange, own: Part, *, rows: int) -> list[Part]:
    """The leader's: wait for all other parts; all of them, its own first.

    `rows`: how many the dataset has. Raises InstanceError if an instance has failed, is too late,
    has measured something else, or if the parts do not come to the dataset.
    """
    _await(exchange)
    parts = [own, *(_fetch(exchange, host) for host in exchange.instance.others)]
    for part in parts:
        _require_same(own, part)
    places = sorted(row.place for part in parts for row in part.rows)
    if places != list(range(rows)):
        raise InstanceError(
            f"the instances' parts do not come to the dataset: {len(places)} rows, "
            f"{len(set(places))} of them distinct, where the manifest has {rows}"
        )
    return parts


def in_dataset_order(parts: Sequence[Part]) -> list[PartRow]:
    """All rows, as they stand in the dataset, however many instances there were."""
    return sorted((row for part in parts for row in part.rows), key=lambda row: row.place)


def _await(exchange: Exchange) -> None:
    deadline = time.monotonic() + exchange.wait_seconds
    report_at = time.monotonic() + REPORT_SECONDS
    while missing := _missing(exchange):
        names = ", ".join(missing)
        if time.monotonic() > deadline:
            raise InstanceError(
                f"no part from {names} within {exchange.wait_seconds:.0f} s after "
                "this instance had its own: see the log streams of that name. What was paid for is "
                "kept: start again to go on from there"
            )
        if time.monotonic() > report_at:
            report_at = time.monotonic() + REPORT_SECONDS
            print(f"waiting for {names}", flush=True)
        time.sleep(exchange.poll_seconds)


def _missing(exchange: Exchange) -> list[str]:
    """Hosts that have not published. Raises InstanceError with the reason of one that failed."""
    pages = exchange.s3.get_paginator("list_objects_v2").paginate(
        Bucket=exchange.bucket, Prefix=exchange.prefix
    )
    there = {entry["Key"] for page in pages for entry in page.get("Contents", [])}
    for host in exchange.instance.others:
        key = f"{exchange.prefix}{host}.failed"
        if key in there:
            body = exchange.s3.get_object(Bucket=exchange.bucket, Key=key)["Body"].read()
            raise InstanceError(f"instance {host} failed: {body.decode(errors='replace')}")
    return [h for h in exchange.instance.others if f"{exchange.prefix}{h}.jsonl" not in there]


def _fetch(exchange: Exchange, host: str) -> Part:
    key = f"{exchange.prefix}{host}.jsonl"
    with tempfile.TemporaryFile() as file:
        exchange.s3.download_fileobj(exchange.bucket, key, file)
        file.seek(0)
        try:
            return _read(file)
        except (ValueError, KeyError, TypeError) as error:
            raise InstanceError(
                f"s3://{exchange.bucket}/{key} is not a part: {error!r}; do all instances run the "
                "same image?"
            ) from error


def _line(value: Record) -> bytes:
    # Python's json as it comes: what a model said may hold a lone surrogate, and a verdict NaN
    return json.dumps(value).encode() + b"\n"


def _read(file: IO[bytes]) -> Part:
    head = json.loads(file.readline())
    rows = [
        PartRow(told["place"], row_of(told["row"]), told["answer"], told["verdicts"])
        for told in map(json.loads, file)
    ]
    if len(rows) != head["rows"]:
        raise ValueError(f"{len(rows)} rows of {head['rows']}")
    return Part(head["host"], head["measured"], head["spend"], rows, head["stop"])


def _require_same(own: Part, part: Part) -> None:
    for name in own.measured.keys() | part.measured.keys():
        ours, theirs = own.measured.get(name), part.measured.get(name)
        if ours != theirs:
            raise InstanceError(
                f"the instances have not measured the same: {name} is {ours!r} on {own.host} and "
                f"{theirs!r} on {part.host}; start the pipeline again"
            )
