"""Runs an instance of a processing job as a container of its image, with Docker's own command line.

As on SageMaker: /opt/ml/processing, /opt/ml/config and /opt/ml/output are mounted, the instance
type's vCPUs and memory are the limits (as far as this machine has them), the environment is the
job's and nothing of this machine's, and the image is never looked for elsewhere. Otherwise than on
SageMaker: the container shares this machine's network, so that the local AWS has the same loopback
address for a job as for its user; and where the local AWS is not run by root, neither is the job,
so that what it writes can be read and deleted.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.local.jobs.container import Container, JobFault, JobRunner, LineWriter
from pipeline.local.jobs.instance_types import size_of
from processing.base.errors import LaunchError

OWNER_LABEL = "llm-evaluation.local-aws"
_CREATE_SECONDS = 120
_SIGNAL_SECONDS = 30
_LAST_LINES_SECONDS = 5


@dataclass(frozen=True)
class Machine:
    """What Docker has to give."""

    cpus: int
    memory_bytes: int


def docker_runner() -> JobRunner:
    """A runner of containers; removes what a local AWS that was killed has left running.

    Raises LaunchError where Docker does not answer.
    """
    machine = _machine()
    _remove_orphans()

    def run(container: Container, write_line: LineWriter) -> RunningDocker:
        name = f"{container.job_name}-{container.host}-{uuid.uuid4().hex[:8]}"
        created = _docker("create", *_options(container, name, machine), *_command(container))
        if created.returncode:
            raise JobFault(f"ClientError: {_why_not(container.image_uri, created.stderr)}")
        return RunningDocker(name, write_line)

    return run


def _machine() -> Machine:
    try:
        told = _docker("info", "--format", "{{.NCPU}} {{.MemTotal}} {{.ServerErrors}}")
    except OSError as error:
        raise LaunchError(f"Docker is not installed: {error}") from error
    found = re.match(r"(\d+) (\d+) \[\]$", told.stdout.strip())
    if told.returncode or not found or found[1] == "0":
        reason = (told.stderr or told.stdout).strip().splitlines()
        raise LaunchError(
            f"Docker does not answer: {reason[-1] if reason else 'docker info failed'}"
        )
    return Machine(int(found[1]), int(found[2]))


def _options(container: Container, name: str, machine: Machine) -> Iterator[str]:
    try:
        size = size_of(container.instance_type)
    except ValueError as error:
        raise JobFault(f"ClientError: {error}") from error
    memory = min(size.memory_gib * 2**30, machine.memory_bytes)
    yield from ("--name", name, "--rm", "--pull", "never", "--hostname", container.host)
    yield from ("--label", f"{OWNER_LABEL}={os.getpid()}")
    yield from ("--cpus", str(min(size.vcpus, machine.cpus)))
    yield from ("--memory", str(memory), "--memory-swap", str(memory))
    yield from ("--network", "none" if container.network_isolated else "host")
    if os.geteuid():
        yield from ("--user", f"{os.geteuid()}:{os.getegid()}")
    for folder, mode in (("config", "ro"), ("processing", "rw"), ("output", "rw")):
        (container.opt_ml / folder).mkdir(exist_ok=True)
        yield from ("--volume", f"{container.opt_ml / folder}:/opt/ml/{folder}:{mode}")
    yield from ("--volume", f"{container.scratch}:/tmp:rw")
    for variable, value in container.environment.items():
        yield from ("--env", f"{variable}={value}")


def _command(container: Container) -> list[str]:
    if not container.entrypoint:
        return [container.image_uri, *container.arguments]
    first, *rest = container.entrypoint
    return ["--entrypoint", first, container.image_uri, *rest, *container.arguments]


def _why_not(image: str, error: str) -> str:
    reason = error.strip().splitlines()[-1] if error.strip() else "docker create failed"
    missing = re.search(
        r"no such image|image not known|unable to find image", reason, re.IGNORECASE
    )
    if missing:
        return f"the image {image} is not on this machine: make image, or docker pull {image}"
    return f"Docker refused: {reason}"


class RunningDocker:
    """A started container, whose output goes line by line to `write_line`."""

    def __init__(self, name: str, write_line: LineWriter) -> None:
        self._name, self._write_line = name, write_line
        # its own session: a Ctrl-C on the terminal is for the local AWS, which then ends its jobs
        self._attached = subprocess.Popen(
            ["docker", "start", "--attach", name],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            encoding="utf-8",
            errors="replace",
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait(self) -> int:
        """The container's exit code; 137 after SIGKILL."""
        code = self._attached.wait()
        self._reader.join(timeout=_LAST_LINES_SECONDS)
        return code

    def _read(self) -> None:
        with self._attached.stdout or io.StringIO() as lines:
            for line in lines:
                self._write_line(line.rstrip("\n"))

    def terminate(self) -> None:
        self._send("TERM")

    def kill(self) -> None:
        self._send("KILL")

    def _send(self, signal: str) -> None:
        if self._attached.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                _docker("kill", "--signal", signal, self._name, seconds=_SIGNAL_SECONDS)


def _remove_orphans() -> None:
    """Containers of a local AWS whose process is no more: nobody takes their outputs."""
    listed = _docker(
        *("ps", "--all", "--filter", f"label={OWNER_LABEL}"),
        *("--format", f'{{{{.ID}}}} {{{{.Label "{OWNER_LABEL}"}}}}'),
    )
    for line in listed.stdout.splitlines():
        identity, _, owner = line.partition(" ")
        if not _is_alive(int(owner)):
            _docker("rm", "--force", identity)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _docker(*arguments: str, seconds: float = _CREATE_SECONDS) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["docker", *arguments], capture_output=True, text=True, timeout=seconds, check=False
    )
