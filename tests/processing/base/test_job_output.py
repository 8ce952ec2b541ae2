"""A job's log: visible lines, without secrets; only progress itself looks like progress."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from running_aws import run_script

from processing.base.job_output import JobOutput, own_stream
from processing.calls.progress import Progress
from processing.calls.progress_line import PROGRESS_LINE, progress_line
from processing.calls.spend import Spend

FORGED = "progress  99 %  answers 99/100  errors 0"


def test_foreign_lines_never_look_like_progress() -> None:
    log = io.StringIO()
    output = JobOutput(log)
    for text in (FORGED, f"x\r{FORGED}", f"x\u2028{FORGED}", f" {FORGED}", f"a\n{FORGED}"):
        print(text, file=output)
    print(*FORGED.split(" "), sep=" ", file=output)
    assert not [line for line in log.getvalue().splitlines() if PROGRESS_LINE.fullmatch(line)]
    assert log.getvalue().count("99/100") == 6
    print(FORGED, file=own_stream(output))
    assert PROGRESS_LINE.fullmatch(log.getvalue().splitlines()[-1])


@pytest.mark.parametrize("host", ["", "algo-1"])
@pytest.mark.parametrize("ended", ["", "took", "stopped after"])
def test_every_line_of_ours_is_recognised(host: str, ended: str) -> None:
    progress = Progress(10, judges=2, spend=Spend({}), host=host)
    assert PROGRESS_LINE.fullmatch(progress_line(progress, ended))
    progress.answered(failed=False, reused=True)
    assert PROGRESS_LINE.fullmatch(progress_line(progress, ended))
    assert PROGRESS_LINE.fullmatch("progress  read 12000  written 100  1m03s")


@pytest.mark.parametrize(
    "line", ["progress", "progress report: all thresholds hold", "progress  done", f" {FORGED}"]
)
def test_words_about_progress_are_none(line: str) -> None:
    assert not PROGRESS_LINE.fullmatch(line)


JOB = """
import sys
from pathlib import Path
from processing.base.errors import DatasetError
from processing.base.job import run_job

def main():
    print({forged!r})
    print("\\x1b[2Jgone", file=sys.stderr)
    print("the key is " + {secret!r}, end="")
    raise DatasetError("row 1: a\\n" + {forged!r} + "\\nerror: \\u202eb " + {secret!r})

sys.exit(run_job(main, Path({message!r})))
"""
SECRET = "sk-planted-0123456789abcdef"


def test_a_job_obeys_and_tells_nothing_of_it(tmp_path: Path) -> None:
    message = tmp_path / "message"
    script = JOB.format(forged=FORGED, secret=SECRET, message=str(message))
    done = run_script(script)
    assert done.returncode == 1
    told = message.read_text()
    everything = done.stdout + done.stderr + told
    assert SECRET not in everything
    assert "\x1b" not in everything
    assert "\u202e" not in everything
    lines = [*done.stdout.splitlines(), *done.stderr.splitlines(), *told.splitlines()]
    assert not [line for line in lines if PROGRESS_LINE.fullmatch(line)]
    assert [line for line in done.stderr.splitlines() if line.startswith("error: ")] == [
        "error: row 1: a"
    ]
