"""Runs an instance of a processing job as a child process that sees the paths of a container.

Three ways, chosen by a trial when the first job starts:

    Isolation.ROOT       Linux as root: a private mount namespace; the job's folder is /opt/ml
    Isolation.USER       Linux otherwise: the same inside a user namespace (the code sees itself as
                         root, as it does in SageMaker's container)
    Isolation.MAPPED     macOS, or where neither may be made: /opt/ml in the command and in the
                         environment is replaced by the folder, and OPT_ML names it

Nothing is left on this machine's own /opt: where /opt/ml does not exist, the namespace gets a
private /opt that shows what the real one holds, and /opt/ml beside it.
"""

from __future__ import annotations

import enum
import functools
import io
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path

from pipeline.local.jobs.container import Container, JobFault, JobRunner, LineWriter

_ENTER = """
set -e
opt_ml=$1; cwd=$2; shift 2
if [ ! -d /opt/ml ]; then
  shown=$(mktemp -d)
  mount --rbind /opt "$shown"
  mount -t tmpfs tmpfs /opt
  for entry in "$shown"/* "$shown"/.[!.]*; do
    name=${entry##*/}
    if [ -L "$entry" ]; then cp -P "$entry" "/opt/$name"
    elif [ -d "$entry" ]; then mkdir "/opt/$name"; mount --rbind "$entry" "/opt/$name"
    elif [ -e "$entry" ]; then : > "/opt/$name"; mount --bind "$entry" "/opt/$name"
    fi
  done
  umount -l "$shown"; rmdir "$shown"
  mkdir /opt/ml
fi
mount --bind "$opt_ml" /opt/ml
cd "$cwd"
exec "$@"
"""
_OPT_ML = re.compile(r"(?<![\w./-])/opt/ml(?![\w.-])")
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SHARED_VARIABLES = (
    *("LANG", "LC_ALL", "TZ", "USER"),
    # how this machine reaches the network, which a container would find set up
    *("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
)
_TRIAL_SECONDS = 20
_LAST_LINES_SECONDS = 5


class Isolation(enum.Enum):
    """How the code comes to see /opt/ml."""

    ROOT = "mount namespace"
    USER = "user and mount namespace"
    MAPPED = "mapped paths"


def process_runner(*, repo_root: Path, home: Path, isolation: Isolation | None = None) -> JobRunner:
    """A runner of plain processes: working folder `repo_root`, HOME `home` (not the user's own).

    `isolation` forces one of the three ways; by default the best that this machine allows.
    """

    def run(container: Container, write_line: LineWriter) -> RunningProcess:
        way = isolation or best_isolation()
        return RunningProcess(
            _command(container, way, repo_root),
            _environment(container, way, repo_root, home),
            repo_root,
            write_line,
        )

    return run


@functools.lru_cache(maxsize=1)
def best_isolation() -> Isolation:
    """Tries the namespaces once, with the very script that jobs use."""
    if sys.platform != "linux" or not shutil.which("unshare"):
        return Isolation.MAPPED
    ways = [Isolation.ROOT, Isolation.USER] if os.geteuid() == 0 else [Isolation.USER]
    return next((way for way in ways if _works(way)), Isolation.MAPPED)


def _works(way: Isolation) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "seen").touch()
        command = [*_enter(way, Path(folder), Path("/")), "test", "-e", "/opt/ml/seen"]
        try:
            return not subprocess.run(
                command, capture_output=True, timeout=_TRIAL_SECONDS, check=False
            ).returncode
        except (OSError, subprocess.TimeoutExpired):
            return False


def _enter(way: Isolation, opt_ml: Path, cwd: Path, *, network_isolated: bool = False) -> list[str]:
    flags = ["--mount", "--propagation", "private"]
    if way is Isolation.USER:
        flags.append("--map-root-user")
    if network_isolated:
        flags.append("--net")
    return ["unshare", *flags, "sh", "-c", _ENTER, "enter", str(opt_ml), str(cwd)]


def _command(container: Container, way: Isolation, repo_root: Path) -> list[str]:
    command = [*container.entrypoint, *container.arguments]
    if not container.entrypoint:
        raise JobFault(
            "ClientError: AppSpecification has no ContainerEntrypoint, and the entrypoint of "
            f"{container.image_uri} is not known when jobs run as processes"
        )
    if command[0] in {"python", "python3"}:
        command[0] = sys.executable
    if way is not Isolation.MAPPED:
        isolated = container.network_isolated
        enter = _enter(way, container.opt_ml, repo_root, network_isolated=isolated)
        # before and after: entering a user namespace may make the kernel forget it
        return [*_die_with_parent(), *enter, *_die_with_parent(), *command]
    if container.network_isolated:
        raise JobFault(
            "ClientError: EnableNetworkIsolation needs a Linux namespace, which cannot be made here"
        )
    return [*_die_with_parent(), *(_mapped(part, container.opt_ml) for part in command)]


def _die_with_parent() -> list[str]:
    """Linux only: a job must not outlive a local AWS that was killed."""
    setpriv = shutil.which("setpriv") if sys.platform == "linux" else None
    return [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []


def _mapped(text: str, opt_ml: Path) -> str:
    return _OPT_ML.sub(lambda _: str(opt_ml), text)


def _environment(
    container: Container, way: Isolation, repo_root: Path, home: Path
) -> Mapping[str, str]:
    inherited = {name: os.environ[name] for name in _SHARED_VARIABLES if name in os.environ}
    own_path = Path(sys.executable).parent
    environment = {
        "LANG": "C.UTF-8",
        **inherited,
        "PATH": f"{own_path}:{os.environ.get('PATH', '')}:{_SYSTEM_PATH}",
        "HOME": str(home),
        "TMPDIR": str(container.scratch),
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        "PYTHONPATH": str(repo_root),
        "PYTHONUNBUFFERED": "1",
        **container.environment,
    }
    if way is not Isolation.MAPPED:
        return environment
    mapped = {name: _mapped(value, container.opt_ml) for name, value in environment.items()}
    return {**mapped, "OPT_ML": str(container.opt_ml)}


class RunningProcess:
    """A child process in a group of its own, whose output goes line by line to `write_line`."""

    def __init__(
        self,
        command: list[str],
        environment: Mapping[str, str],
        cwd: Path,
        write_line: LineWriter,
    ) -> None:
        try:
            self._process = subprocess.Popen(
                command,
                env=dict(environment),
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                encoding="utf-8",
                errors="replace",
            )
        except OSError as error:
            raise JobFault(f"ClientError: cannot start {command[0]}: {error}") from error
        self._write_line = write_line
        self._gone = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait(self) -> int:
        """Exit code as a container reports it: 128 + n for a process that signal n ended.

        What the process left running in its group ends with it, as in a container.
        """
        code = self._process.wait()
        self._send(signal.SIGKILL)
        self._gone = True
        self._reader.join(timeout=_LAST_LINES_SECONDS)
        return 128 - code if code < 0 else code

    def _read(self) -> None:
        with self._process.stdout or io.StringIO() as lines:
            for line in lines:
                self._write_line(line.rstrip("\n"))

    def terminate(self) -> None:
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        if self._gone:
            return
        try:
            os.killpg(self._process.pid, number)
        except (ProcessLookupError, PermissionError):
            # PermissionError is what macOS says of a group that holds only a zombie
            return
