"""A disk that takes no more ends the paying: whatever is bought after that would be thrown away."""

from __future__ import annotations

import json
import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from by_hand import calls_made, prepared, stub_running
from running_aws import RunningAws

pytestmark = pytest.mark.integration

ROWS = 120
BRIEF = {"is_brief": {"max_words": 80}}


@pytest.fixture(scope="module")
def servers(aws: RunningAws) -> Iterator[tuple[str, str]]:
    with stub_running(latency=0.02) as stub:
        yield stub, aws.mlflow


def no_file_over(size: int) -> Callable[[], None]:
    """A disk of that many bytes, for each file: the kernel refuses what would go beyond it."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


@pytest.mark.parametrize("judged", [False, True])
def test_the_first_record_that_cannot_be_kept_ends_the_asking(
    servers: tuple[str, str], tmp_path: Path, judged: bool
) -> None:
    """An answer, or a verdict when all the answers have long been there."""
    stub, mlflow = servers
    job = prepared(tmp_path, stub, mlflow, rows=ROWS, scorers=[BRIEF])
    if judged:
        assert job.run().returncode == 0
        job = prepared(tmp_path, stub, mlflow, rows=ROWS, scorers=[BRIEF, "Safety", "Correctness"])
    calls_made(stub)
    before = len(job.kept("answers"))
    done = job.run(before=no_file_over(16_000))
    assert done.returncode == 1, done.stdout + done.stderr
    [line] = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert "File too large" in line
    assert str(tmp_path / "store" / ("verdicts" if judged else "answers")) in line
    assert "bytes free" in line
    assert "infrastructure.evaluate.volume_gb" in line
    assert "Traceback" not in done.stderr
    assert not job.evaluation.exists(), "nor is the earlier one still there"
    calls = calls_made(stub)
    kept = len(job.kept("answers")) + len(job.kept("verdicts")) - before
    due = ROWS * (2 if judged else 1)
    assert 10 < kept < due
    assert sum(calls.values()) - kept <= 2 * 8, "no more than was in flight is thrown away"

    again = job.run()
    assert again.returncode == 0, again.stdout + again.stderr
    assert sum(calls_made(stub).values()) == due - kept
    assert json.loads(job.evaluation.read_text())["gate"]["passed"] == 1


def test_a_report_that_cannot_be_written_leaves_no_verdict(
    servers: tuple[str, str], tmp_path: Path
) -> None:
    stub, mlflow = servers
    job = prepared(tmp_path, stub, mlflow, rows=ROWS, scorers=[BRIEF])
    assert job.run().returncode == 0
    largest = max((tmp_path / "output").iterdir(), key=lambda file: file.stat().st_size)
    done = job.run(before=no_file_over(largest.stat().st_size - 100))
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"error: {largest} cannot be written: File too large" in done.stderr
    assert not job.evaluation.exists()
