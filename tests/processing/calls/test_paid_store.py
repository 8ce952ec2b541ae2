"""What has been paid for is found again, whatever is in it."""

from __future__ import annotations

from pathlib import Path

import boto3
import pytest

from processing.calls.paid_store import Store

SESSION = boto3.Session(region_name="us-east-1")


@pytest.mark.parametrize(
    "text", ["plain", "two\nlines", "\u2028 and \x85 end lines for some", "é 🙂"]
)
def test_a_later_job_finds_what_an_earlier_one_has_paid_for(tmp_path: Path, text: str) -> None:
    Store(tmp_path, "first", None).shelf(SESSION, "answers", "model").put("key", {"answer": text})
    kept = Store(tmp_path, "second", None).shelf(SESSION, "answers", "model")
    assert kept.get("key") == {"answer": text}
    assert kept.get("another") is None


def test_a_line_that_a_kill_cut_short_is_not_kept_and_costs_no_other(tmp_path: Path) -> None:
    shelf = Store(tmp_path, "first", None).shelf(SESSION, "answers")
    shelf.put("whole", {"answer": "yes"})
    shelf.put("cut", {"answer": "no"})
    shelf.file.write_bytes(shelf.file.read_bytes()[:-4])
    kept = Store(tmp_path, "second", None).shelf(SESSION, "answers")
    assert kept.get("whole") == {"answer": "yes"}
    assert kept.get("cut") is None
