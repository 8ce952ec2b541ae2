"""Several instances of one job: who is who, and how their parts come together in S3."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from running_aws import REPOSITORY

from processing.base.errors import InstanceError
from processing.base.instance import Instance, file_stem
from processing.dataset.rows import make_row
from processing.evaluation.instances.exchange import (
    Exchange,
    Part,
    PartRow,
    collect,
    failure_reported,
    in_dataset_order,
    publish,
)

HOSTS = ("algo-1", "algo-2", "algo-3")
MEASURED = {"model": "arn:m", "dataset": "abc"}
ROWS = [
    PartRow(
        place,
        make_row(f"Question {place}?", f"Où {place} 🎉", ["One."], {"n": 2**70, "x": 0.1}),
        {"text": "half \ud83d", "latency_ms": 0.1 + place},
        {"Safety": {"value": 1 / 3}, "Bias": {"error": "throttled"}, "odd": {"value": math.inf}},
    )
    for place in range(7)
]


@pytest.fixture(scope="module")
def s3() -> Iterator[Any]:
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    client = boto3.client(
        "s3",
        endpoint_url=f"http://{host}:{port}",
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    client.create_bucket(Bucket="exchange")
    yield client
    server.stop()


def exchange(s3: Any, host: str, job: str, hosts: tuple[str, ...] = HOSTS) -> Exchange:
    return Exchange(
        s3=s3,
        uri="s3://exchange/runs/1/parts",
        job=job,
        instance=Instance(host, hosts),
        wait_seconds=0.5,
        poll_seconds=0.05,
    )


def part(host: str, places: list[int], measured: dict[str, str] | None = None) -> Part:
    rows = [ROWS[place] for place in places]
    return Part(host, measured or MEASURED, {"endpoint": {"calls": len(rows)}}, rows)


@pytest.mark.slow
def test_the_leader_gets_every_row_back_just_as_it_was_in_the_order_of_the_dataset(s3: Any) -> None:
    own = part("algo-1", [5, 6])
    late = threading.Timer(
        0.2, publish, (exchange(s3, "algo-3", "all"), part("algo-3", [3, 4, 0, 1]))
    )
    publish(exchange(s3, "algo-2", "all"), part("algo-2", [2]))
    late.start()
    parts = collect(exchange(s3, "algo-1", "all"), own, rows=7)
    late.join()
    assert in_dataset_order(parts) == ROWS
    assert [each.host for each in parts] == list(HOSTS)
    assert [each.spend["endpoint"]["calls"] for each in parts] == [2, 1, 4]


def test_an_instance_without_rows_has_a_part_too(s3: Any) -> None:
    publish(exchange(s3, "algo-2", "none"), part("algo-2", []))
    publish(exchange(s3, "algo-3", "none"), part("algo-3", list(range(7))))
    parts = collect(exchange(s3, "algo-1", "none"), part("algo-1", []), rows=7)
    assert in_dataset_order(parts) == ROWS


def test_an_instance_alone_waits_for_nobody(s3: Any) -> None:
    alone = exchange(s3, "algo-1", "alone", hosts=("algo-1",))
    assert collect(alone, part("algo-1", list(range(7))), rows=7)[0].rows == ROWS


def test_a_failed_instance_ends_the_wait_with_its_reason(s3: Any) -> None:
    publish(exchange(s3, "algo-2", "failed"), part("algo-2", [0]))
    with (
        pytest.raises(InstanceError),
        failure_reported(exchange(s3, "algo-3", "failed")),
    ):
        raise InstanceError("the endpoint has stopped answering")
    with pytest.raises(InstanceError, match="instance algo-3 failed: the endpoint has stopped"):
        collect(exchange(s3, "algo-1", "failed"), part("algo-1", []), rows=7)


@pytest.mark.slow
def test_an_instance_that_never_comes_is_named_when_time_is_up(s3: Any) -> None:
    publish(exchange(s3, "algo-2", "late"), part("algo-2", [0]))
    with pytest.raises(InstanceError, match=r"no part from algo-3 within 0 s .* start again"):
        collect(exchange(s3, "algo-1", "late"), part("algo-1", [1]), rows=2)


@pytest.mark.slow
def test_another_jobs_parts_are_not_taken(s3: Any) -> None:
    for host in HOSTS[1:]:
        publish(exchange(s3, host, "first"), part(host, []))
    with pytest.raises(InstanceError, match="no part from algo-2, algo-3"):
        collect(exchange(s3, "algo-1", "first-again"), part("algo-1", []), rows=0)


@pytest.mark.parametrize("places", [[1, 2], [1, 2, 2], [1, 2, 4]])
def test_rows_that_are_missing_or_twice_are_refused(s3: Any, places: list[int]) -> None:
    job = f"places-{places}"
    publish(exchange(s3, "algo-2", job), part("algo-2", places))
    publish(exchange(s3, "algo-3", job), part("algo-3", []))
    with pytest.raises(InstanceError, match="do not come to the dataset"):
        collect(exchange(s3, "algo-1", job), part("algo-1", [0]), rows=4)


def test_instances_that_measured_different_models_are_refused(s3: Any) -> None:
    publish(exchange(s3, "algo-2", "models"), part("algo-2", [], {**MEASURED, "model": "arn:n"}))
    publish(exchange(s3, "algo-3", "models"), part("algo-3", []))
    with pytest.raises(InstanceError, match="model is 'arn:m' on algo-1 and 'arn:n' on algo-2"):
        collect(exchange(s3, "algo-1", "models"), part("algo-1", [0]), rows=1)


def test_an_object_that_is_no_part_is_named(s3: Any) -> None:
    for content in (b"", b'{"host": "algo-2", "measured": {}, "spend": {}, "rows": 2}\n'):
        s3.put_object(Bucket="exchange", Key="runs/1/parts/odd/algo-2.jsonl", Body=content)
        with pytest.raises(InstanceError, match=r"odd/algo-2.jsonl is not a part"):
            collect(exchange(s3, "algo-1", "odd", hosts=HOSTS[:2]), part("algo-1", [0]), rows=1)


def who(folder: Path, told: str | None) -> subprocess.CompletedProcess[str]:
    (folder / "config").mkdir(exist_ok=True)
    if told is not None:
        (folder / "config" / "resourceconfig.json").write_text(told)
    code = (
        "from processing.base.instance import this_instance as t; i = t(); "
        "print(i.current, i.leader, i.is_leader, *i.others)"
    )
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPOSITORY,
        env={**os.environ, "OPT_ML": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_first_of_the_hosts_leads_whatever_their_order(tmp_path: Path) -> None:
    told = {"current_host": "algo-2", "hosts": ["algo-2", "algo-10", "algo-1"]}
    assert who(tmp_path, json.dumps(told)).stdout == "algo-2 algo-1 False algo-1 algo-10\n"


def test_outside_sagemaker_there_is_one_instance(tmp_path: Path) -> None:
    assert who(tmp_path, None).stdout == "algo-1 algo-1 True\n"


@pytest.mark.parametrize("told", ["{", "{}", '{"current_host": "algo-3", "hosts": ["algo-1"]}'])
def test_instances_that_cannot_be_told_apart_are_an_error(tmp_path: Path, told: str) -> None:
    failed = who(tmp_path, told)
    assert failed.returncode == 1
    assert "resourceconfig.json" in failed.stderr.splitlines()[-1]


@pytest.mark.slow
def test_the_files_of_an_instance_are_its_own() -> None:
    assert file_stem("job", Instance("algo-1", ("algo-1",))) == "job"
    assert file_stem("job", Instance("algo-1", HOSTS)) == "job-algo-1"
