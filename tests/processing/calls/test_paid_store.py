"""What has been paid for is found again, whatever is in it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import boto3
import pytest

from processing.base.errors import DiskError
from processing.calls.paid_store import Store

SESSION = boto3.Session(region_name="us-east-1")


@pytest.mark.parametrize(
    "text",
    ["plain", "two\nlines", "\u2028 and \x85 end lines for some", "é 🙂", "half an emoji \ud83d"],
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


def test_a_record_that_the_disk_refuses_closes_the_whole_store(tmp_path: Path) -> None:
    """/dev/full answers as a full disk does."""
    store = Store(tmp_path, "first", None)
    answers, verdicts = (store.shelf(SESSION, kind) for kind in ("answers", "verdicts"))
    answers.put("early", {"answer": "yes"})
    verdicts.file.parent.mkdir()
    verdicts.file.symlink_to("/dev/full")
    with pytest.raises(DiskError, match=r"No space left on device.* bytes free.*volume_gb"):
        verdicts.put("key", {"value": 1})
    for refused in (lambda: answers.get("early"), lambda: answers.put("late", {})):
        with pytest.raises(DiskError, match="verdicts"):
            refused()
    assert Store(tmp_path, "second", None).shelf(SESSION, "answers").get("early")


@pytest.mark.parametrize(
    ("number", "larger"), [(errno.EIO, False), (errno.EDQUOT, True), (errno.EACCES, False)]
)
def test_what_was_kept_stays_readable_and_a_larger_volume_is_advised_only_where_it_helps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, larger: bool
) -> None:
    shelf = Store(tmp_path, "first", None).shelf(SESSION, "answers")
    shelf.put("whole", {"answer": "yes"})
    write = os.write

    def half(descriptor: int, data: bytes) -> int:
        if len(data) < 60:
            raise OSError(number, os.strerror(number))
        return write(descriptor, data[:50])

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", half)
        with pytest.raises(DiskError) as raised:
            shelf.put("cut", {"answer": "n" * 40})
    assert os.strerror(number) in str(raised.value)
    assert ("volume_gb" in str(raised.value)) == larger
    assert shelf.file.read_text().endswith("}\n"), "the half that was written is taken back"
    assert Store(tmp_path, "second", None).shelf(SESSION, "answers").get("whole")
