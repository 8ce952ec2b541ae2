"""What a job finds in its container, and how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.local.jobs.container import Container, JobFault
from pipeline.local.jobs.docker_runner import OWNER_LABEL, docker_runner
from pipeline.local.jobs.instance_types import Size, size_of

docker = pytest.mark.docker

LOOK = """
import json, os, socket, pathlib
read = lambda path: pathlib.Path(path).read_text().strip()
groups = "/sys/fs/cgroup"
v2 = os.path.exists(groups + "/cgroup.controllers")
quota, period = (read(groups + "/cpu.max").split() if v2 else
    (read(groups + "/cpu/cpu.cfs_quota_us"), read(groups + "/cpu/cpu.cfs_period_us")))
pathlib.Path("/opt/ml/processing/output/made").write_text("made")
try: pathlib.Path("/opt/ml/config/x").write_text("x"); config = "written"
except OSError: config = "read only"
print(json.dumps({
    "cpus": int(quota) / int(period),
    "memory": int(read(groups + ("/memory.max" if v2 else "/memory/memory.limit_in_bytes"))),
    "host": socket.gethostname(), "pid": os.getpid(), "config": config,
    "input": read("/opt/ml/processing/input/in.txt"), "opt_ml": sorted(os.listdir("/opt/ml")),
    "home": os.environ["HOME"], "where": os.environ["WHERE"], "secret": os.environ.get("SECRET"),
    "networks": sorted(os.listdir("/sys/class/net")), "cwd": os.getcwd()}))
"""


def container(tmp_path: Path, image: str, *command: str) -> Container:
    opt_ml = tmp_path / "opt-ml"
    for folder in ("config", "output", "processing/input", "processing/output"):
        (opt_ml / folder).mkdir(parents=True)
    (opt_ml / "processing/input/in.txt").write_text("input")
    scratch = tmp_path / "tmp"
    scratch.mkdir()
    return Container(
        job_name="job",
        host="algo-1",
        image_uri=image,
        entrypoint=command,
        arguments=(),
        environment={"WHERE": "here"},
        opt_ml=opt_ml,
        scratch=scratch,
        network_isolated=False,
        instance_type="ml.t3.medium",
    )


def run(job: Container) -> tuple[int, list[str]]:
    lines: list[str] = []
    return docker_runner()(job, lines.append).wait(), lines


@docker
def test_a_job_finds_what_sagemaker_would_give_it(
    tmp_path: Path, image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "of this machine")
    code, lines = run(container(tmp_path, image, "python3", "-c", LOOK))
    assert code == 0, lines
    seen = json.loads(lines[-1])
    assert seen["cpus"] == min(2, os.cpu_count() or 2)
    assert seen["memory"] == 4 * 2**30
    assert (seen["host"], seen["pid"], seen["config"]) == ("algo-1", 1, "read only")
    assert (seen["input"], seen["where"], seen["secret"]) == ("input", "here", None)
    assert seen["opt_ml"] == ["config", "output", "processing"]
    assert (seen["home"], seen["cwd"]) == ("/tmp", "/opt/program")
    assert len(seen["networks"]) > 1
    made = tmp_path / "opt-ml/processing/output/made"
    assert made.read_text() == "made"
    assert made.stat().st_uid == os.geteuid()


@docker
def test_network_isolation_leaves_only_the_loopback(tmp_path: Path, image: str) -> None:
    job = container(tmp_path, image, "python3", "-c", LOOK)
    code, lines = run(replace(job, network_isolated=True))
    assert code == 0, lines
    assert json.loads(lines[-1])["networks"] == ["lo"]


@docker
@pytest.mark.parametrize(
    ("script", "code"),
    [("import sys; print('last words'); sys.exit(3)", 3), ("print(1 / 0)", 1)],
)
def test_exit_codes_and_last_lines_arrive(
    tmp_path: Path, image: str, script: str, code: int
) -> None:
    ended, lines = run(container(tmp_path, image, "python3", "-c", script))
    assert ended == code
    assert lines[-1] in ("last words", "ZeroDivisionError: division by zero")


@docker
def test_sigterm_and_sigkill_reach_the_job(tmp_path: Path, image: str) -> None:
    waits = "import signal, time\nsignal.signal(15, lambda *_: print('heard', flush=True))\n"
    job = container(tmp_path, image, "python3", "-c", f"{waits}print('up')\ntime.sleep(60)\n" * 2)
    lines: list[str] = []
    running = docker_runner()(job, lines.append)
    _until(lines, "up")
    running.terminate()
    _until(lines, "heard")
    threading.Timer(0.5, running.kill).start()
    assert running.wait() == 137
    running.kill()  # of what is gone: nothing happens


@docker
def test_a_command_that_is_not_there_fails_the_job(tmp_path: Path, image: str) -> None:
    code, lines = run(container(tmp_path, image, "no-such-command"))
    assert code != 0
    assert "no-such-command" in "".join(lines)


@docker
def test_an_image_that_is_not_here_is_a_fault_that_says_what_to_do(
    tmp_path: Path, image: str
) -> None:
    assert image
    with pytest.raises(JobFault, match=r"ClientError: the image nowhere:1 is not .* make image"):
        run(container(tmp_path, "nowhere:1", "python3"))


@docker
def test_what_a_killed_local_aws_left_is_removed(tmp_path: Path, image: str) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    sleeper = subprocess.run(
        ["docker", "run", "--detach", "--rm", "--label", f"{OWNER_LABEL}={gone.pid}",
         "--entrypoint", "sleep", image, "60"],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    assert run(container(tmp_path, image, "python3", "-c", "pass"))[0] == 0
    listed = subprocess.check_output(["docker", "ps", "--quiet", "--no-trunc"], text=True)
    assert sleeper not in listed


def test_sizes_are_those_of_the_instance_types() -> None:
    assert size_of("ml.m5.large") == Size(2, 8)
    assert size_of("ml.c5.4xlarge") == Size(16, 32)
    assert size_of("ml.t3.medium") == Size(2, 4)
    assert size_of("ml.r6id.xlarge") == Size(4, 32)
    assert size_of("ml.m5d.24xlarge") == Size(96, 384)
    for unknown in ("ml.p4d.24xlarge", "ml.m5", "m5.large", "ml.m5.medium", ""):
        with pytest.raises(ValueError, match="not known"):
            size_of(unknown)


def _until(lines: list[str], line: str) -> None:
    deadline = time.monotonic() + 30
    while line not in lines:
        assert time.monotonic() < deadline, lines
        time.sleep(0.05)
