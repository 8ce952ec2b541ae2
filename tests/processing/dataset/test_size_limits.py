"""No file makes the job run out of memory or end without a line that says why."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet, table
from running_aws import REPOSITORY

from processing.base.errors import DatasetError
from processing.dataset import size_limits
from processing.dataset.readers import DataFile, Format, read_records

MEBIBYTE = 2**20


@pytest.fixture
def short_rows(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(size_limits, "LONGEST_ROW", 1000)
    return 1000


def read(path: Path, kind: Format) -> list[Any]:
    return list(read_records(DataFile(path.name, path), kind))


def as_jsonl(rows: list[str]) -> bytes:
    return b"".join(json.dumps({"q": row}).encode() + b"\n" for row in rows)


def as_csv(rows: list[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([["q"], *([row] for row in rows)])
    return text.getvalue().encode()


def as_parquet(rows: list[Any]) -> bytes:
    made = io.BytesIO()
    parquet.write_table(table({"q": rows}), made)
    return made.getvalue()


@pytest.mark.usefixtures("short_rows")
@pytest.mark.parametrize(
    ("name", "kind", "data", "line"),
    [
        ("a.jsonl", "jsonl", as_jsonl(["a", "b", "x" * 2000]), 3),
        ("a.jsonl.gz", "jsonl", gzip.compress(as_jsonl(["a", "b" * 2000, "c"]), mtime=0), 2),
        ("a.jsonl", "jsonl", b"\0" * 5000, 1),
        ("a.csv", "csv", as_csv(["a", "b", "x" * 2000]), 4),
        ("a.csv.gz", "csv", gzip.compress(as_csv(["a", "line\n" * 300]), mtime=0), 3),
        ("a.csv", "csv", as_csv(["h" * 2000]).replace(b"q", b"q" * 2000), 1),
        ("open.csv", "csv", b'q\r\na\r\n"never closed\r\n' + b"b\r\n" * 1000, 3),
        ("a.parquet", "parquet", as_parquet(["a"] * 5000 + ["x" * 2000]), 5001),
        ("list.parquet", "parquet", as_parquet([["a"], ["b", "x" * 2000]]), 2),
        ("struct.parquet", "parquet", as_parquet([{"s": {"t": "x" * 2000}}, {"s": {"t": "b"}}]), 1),
    ],
)
def test_a_row_that_is_too_long_is_refused_with_its_place(
    tmp_path: Path, name: str, kind: Format, data: bytes, line: int
) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(DatasetError, match=rf"^{name}:{line}: .* longer than 1000 bytes"):
        read(tmp_path / name, kind)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("jsonl", as_jsonl(["x" * 900] * 5)),
        ("csv", as_csv(["x" * 900, "line\n" * 100] * 3)),
        ("parquet", as_parquet(["x" * 1000] * 5)),
    ],
)
def test_many_rows_of_the_longest_size_are_read(
    tmp_path: Path, short_rows: int, kind: Format, data: bytes
) -> None:
    (tmp_path / f"a.{kind}").write_bytes(data)
    assert len(data) > short_rows or kind == "parquet"
    assert len(read(tmp_path / f"a.{kind}", kind)) in {5, 6}


@pytest.mark.slow
def test_an_archive_that_unpacks_without_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of short lines: no single row is too long."""
    monkeypatch.setattr(size_limits, "UNPACKED_FREELY", MEBIBYTE)
    (tmp_path / "bomb.jsonl.gz").write_bytes(gzip.compress(b"\n" * 4 * MEBIBYTE))
    with pytest.raises(DatasetError, match=r"^bomb\.jsonl\.gz: unpacks to more than 200 times"):
        read(tmp_path / "bomb.jsonl.gz", "jsonl")
    honest = as_jsonl([f"Question {i} of many?" for i in range(100_000)])
    assert len(honest) > 2 * MEBIBYTE
    (tmp_path / "honest.jsonl.gz").write_bytes(gzip.compress(honest))
    assert len(read(tmp_path / "honest.jsonl.gz", "jsonl")) == 100_000


def peak_of_job(tmp_path: Path, source: Path) -> tuple[int, str, int]:
    """Exit code, what it said, and the most memory in MiB of PrepareDataset as a job."""
    config = tmp_path / "evaluation.yaml"
    text = (REPOSITORY / "evaluation.yaml").read_text(encoding="utf-8")
    config.write_text(text, encoding="utf-8")
    paths = ["--config", str(config), "--source", str(source), "--output", str(tmp_path / "out")]
    with (tmp_path / "said").open("w+") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "processing.prepare_dataset", *paths],
            cwd=REPOSITORY, stderr=said, env={**os.environ, "OPT_ML": str(tmp_path / "ml")},
        )  # fmt: skip
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        return process.returncode, said.read(), used.ru_maxrss // 1024


@pytest.mark.integration
@pytest.mark.parametrize("name", ["zeros.jsonl.gz", "zeros.csv.gz"])
def test_a_line_of_200_mb_in_a_small_archive_takes_no_memory(tmp_path: Path, name: str) -> None:
    usual = tmp_path / "usual.jsonl"
    usual.write_bytes(as_jsonl(["a"]))
    _, _, usual_peak = peak_of_job(tmp_path, usual)
    bomb = tmp_path / name
    with gzip.open(bomb, "wb", compresslevel=1) as file:
        for _ in range(200):
            file.write(b"\0" * MEBIBYTE)
    assert bomb.stat().st_size < 2 * MEBIBYTE
    code, said, peak = peak_of_job(tmp_path, bomb)
    assert code == 1
    assert said.startswith(f"error: {name}:1: the row that starts here is longer than 32 MiB")
    assert said.count("\n") == 1
    assert peak < usual_peak + 150
