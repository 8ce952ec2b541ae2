""".ci/run ends the Docker daemon that it started, and none that was there."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from running_aws import REPOSITORY

# `docker info` answers while a daemon is up; all else that the scripts call does nothing
PROGRAMS = {
    "docker": '[ "$1" != info ] || [ -e "$STATE/up" ]',
    "dockerd": 'touch "$STATE/up"; echo $$ > "$STATE/started"; exec sleep 300',
    "make": '[ "$1" = "$FAILING" ] && exit 1; exit 0',
    **dict.fromkeys(("apt-get", "mmdebstrap", "chromium", "docker-registry"), "exit 0"),
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    shutil.copytree(REPOSITORY / ".ci", tmp_path / ".ci")
    (tmp_path / "bin").mkdir()
    for name, script in PROGRAMS.items():
        file = tmp_path / "bin" / name
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)
    return tmp_path


@pytest.fixture
def anothers() -> Iterator[subprocess.Popen[bytes]]:
    """A daemon of another run."""
    process = subprocess.Popen(["sleep", "300"])
    yield process
    process.kill()
    process.wait()


def run(checkout: Path, failing: str = "", **variables: str) -> int:
    path = f"{checkout / 'bin'}:{os.environ['PATH']}"
    own = {"PATH": path, "STATE": str(checkout), "FAILING": failing}
    environment = {**os.environ, **own, **variables}
    command = [str(checkout / ".ci" / "run")]
    return subprocess.run(command, env=environment, timeout=100, check=False).returncode


def ends(pid: int) -> bool:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    return False


@pytest.mark.integration
@pytest.mark.parametrize(("failing", "code"), [("", 0), ("test", 2), ("--no-print-directory", 1)])
def test_the_daemon_that_it_started_is_ended_however_it_went(
    checkout: Path, failing: str, code: int
) -> None:
    assert bool(run(checkout, failing)) == bool(code)
    assert ends(int((checkout / "started").read_text()))


@pytest.mark.integration
def test_a_daemon_of_another_run_is_left_alone(
    checkout: Path, anothers: subprocess.Popen[bytes]
) -> None:
    (checkout / "up").touch()
    (checkout / "dockerd.pid").write_text(f"{anothers.pid}\n")
    assert run(checkout, CI_RUN_FOLDER=str(checkout)) == 0
    assert anothers.poll() is None
    assert not (checkout / "started").exists()


def test_no_run_knows_a_place_that_all_runs_share() -> None:
    for script in ("run", "image"):
        assert "/var/run" not in (REPOSITORY / ".ci" / script).read_text(encoding="utf-8")
