"""A user's scorer file cannot end our process, whatever it raises and whenever."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from running_aws import ConfigWriter, run_script
from typed_command import the_line, typed

from processing.base.errors import ConfigError
from processing.config.scorers import parse_scorer
from processing.judges.verdict import JudgeError, Question
from processing.scorers.build import BuiltScorer, build_scorers

RAISED = {
    "SystemExit": "sys.exit(0)",
    "SystemExit: os._exit(0)": "os._exit(0)",
    "SystemExit: os.exec": "os.execv('/bin/true', ['true'])",
    "KeyboardInterrupt": "raise KeyboardInterrupt",
    "GeneratorExit": "raise GeneratorExit",
    "CancelledError": "raise asyncio.CancelledError",
    "StopIteration": "raise StopIteration",
    "MemoryError": "raise MemoryError",
    "BaseException: own": "raise BaseException('own')",
    "Unspeakable": "raise Unspeakable",
}
HEAD = """
import asyncio, os, sys
from mlflow.genai.scorers import Scorer, scorer

class Unspeakable(BaseException):
    def __str__(self):
        sys.exit(0)

"""
AT_IMPORT = HEAD + "def helper():\n    {raises}\nhelper()\n"
AT_CONSTRUCTION = (
    HEAD + "class Mine(Scorer):\n    def __init__(self, **fields):\n        {raises}\n"
    "    def __call__(self, outputs):\n        return 1.0\n"
    "mine = Mine(name='mine')\n"
)
AT_LOOKUP = HEAD + "def __getattr__(name):\n    {raises}\n"
AT_CALL = HEAD + "@scorer\ndef mine(outputs):\n    {raises}\n"

Build = Callable[[str], BuiltScorer]


@pytest.fixture
def build(tmp_path: Path) -> Build:
    def make(source: str) -> BuiltScorer:
        (tmp_path / "mine.py").write_text(source)
        return build_scorers([parse_scorer({"mine": {"file": "mine.py"}})], None, tmp_path)[0]

    return make


@pytest.mark.parametrize("said", RAISED)
@pytest.mark.parametrize(
    ("source", "function"),
    [(AT_IMPORT, "helper"), (AT_CONSTRUCTION, "__init__"), (AT_LOOKUP, "__getattr__")],
    ids=["import", "construction", "look-up"],
)
def test_an_exit_while_it_is_loaded_names_file_and_function(
    source: str, function: str, said: str, build: Build
) -> None:
    with pytest.raises(ConfigError) as refused:
        build(source.format(raises=RAISED[said]))
    told = str(refused.value)
    assert f"mine.py cannot be loaded: {said}" in told
    assert f" in {function})" in told
    assert "(mine.py:" in told
    assert "\n" not in told


@pytest.mark.parametrize("said", RAISED)
@pytest.mark.parametrize("threaded", [False, True])
def test_an_exit_while_it_judges_is_that_row_s_error(
    said: str, threaded: bool, build: Build
) -> None:
    built = build(AT_CALL.format(raises=RAISED[said]))
    row = Question("Q", "A", "E")

    def judge() -> str:
        with pytest.raises(JudgeError) as failed:
            built.score(row)
        return failed.value.reason

    with ThreadPoolExecutor(1) as threads:
        reason = threads.submit(judge).result() if threaded else judge()
    assert reason.startswith(said)
    assert " in mine)" in reason
    assert "(mine.py:" in reason


@pytest.mark.integration
@pytest.mark.parametrize("raises", ["sys.exit(0)", "os._exit(0)", "raise KeyboardInterrupt"])
def test_check_refuses_a_file_that_exits(
    raises: str, write_config: ConfigWriter, tmp_path: Path
) -> None:
    config = write_config(
        scorers=[{"mine": {"file": "mine.py"}}], thresholds={"mine": {"min": 0.5}}
    )
    (tmp_path / "mine.py").write_text(AT_IMPORT.format(raises=raises))
    line = the_line(typed("check", "--config", str(config)))
    assert "mine.py cannot be loaded: " in line
    assert "(mine.py:" in line
    assert " in helper)" in line


@pytest.mark.slow
def test_a_real_ctrl_c_still_stops_us(build: Build) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever this worker ran before
    built = build(HEAD + "import time\n@scorer\ndef mine(outputs):\n    time.sleep(100)\n")
    threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        built.score(Question("Q", "A", "E"))
    assert time.monotonic() - began < 60
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_loading_a_file_changes_nothing_around_us(build: Build) -> None:
    before = sys.stdout, sys.stderr, Path.cwd(), signal.getsignal(signal.SIGTERM)
    build(
        "import os, signal, sys, tempfile\n"
        "sys.stdout = sys.stderr = open(os.devnull, 'w')\n"
        "os.chdir(tempfile.gettempdir())\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + AT_CALL.format(raises="return 1.0")
    )
    assert (sys.stdout, sys.stderr, Path.cwd(), signal.getsignal(signal.SIGTERM)) == before


JOB = """
import os, sys
from pathlib import Path
from processing.base.job import run_job

def main():
    {body}
    return [Path({promised!r})]

sys.exit(run_job(main, Path({message!r})))
"""


def test_a_thread_without_end_does_not_keep_the_process() -> None:
    done = run_script(
        "import threading\n"
        "from processing.base import foreign_code, job\n"
        "job.LINGERING_SECONDS = 0.2\n"
        "foreign_code._refuse_to_exit()\n"
        "threading.Thread(target=threading.Event().wait, name='theirs').start()\n"
        "job.end_process(3)\n"
    )
    assert done.returncode == 3
    assert "threads left running at the end: theirs" in done.stderr


LASTING = """
import threading
from mlflow.genai.scorers import scorer
threading.Thread(target=threading.Event().wait, name="theirs").start()

@scorer
def mine(outputs):
    return 0.5
"""


@pytest.mark.slow
def test_a_thread_without_end_does_not_keep_a_command(
    tmp_path: Path, write_config: ConfigWriter
) -> None:
    (tmp_path / "scorers.py").write_text(LASTING)
    scorers = {"scorers": [{"mine": {"file": "scorers.py"}}], "thresholds": {"mine": {"min": 0.1}}}
    config = write_config(slices={}, **scorers)
    done = run_script(
        "import runpy, sys\n"
        "from processing.base import job\n"
        "job.LINGERING_SECONDS = 0.2\n"
        f"sys.argv = ['pipeline_definition.py', 'check', '--config', {str(config)!r}]\n"
        "runpy.run_path('pipeline_definition.py', run_name='__main__')\n"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "mine 0.5" in done.stdout
    assert "threads left running at the end: theirs" in done.stderr


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("pass", "is missing at the end of the job"),
        ("sys.exit(0)", "left the job before its end (SystemExit)"),
        ("sys.exit()", "left the job before its end (SystemExit)"),
        ("sys.exit('bye')", "left the job before its end (SystemExit: bye)"),
        ("raise GeneratorExit", "GeneratorExit"),
        ("raise KeyboardInterrupt", "interrupted"),
    ],
)
def test_a_job_without_what_it_promises_has_failed(body: str, said: str, tmp_path: Path) -> None:
    message = tmp_path / "message"
    script = JOB.format(body=body, promised=str(tmp_path / "report"), message=str(message))
    done = run_script(script)
    assert done.returncode not in (0, None)
    assert said in message.read_text()
    assert said in done.stderr
