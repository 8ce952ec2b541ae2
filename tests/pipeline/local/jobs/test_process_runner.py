"""The three ways to show a process the paths of a container, each forced and each found."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline.local.aws import REPOSITORY
from pipeline.local.jobs import process_runner as subject
from pipeline.local.jobs.container import Container, JobFault
from pipeline.local.jobs.process_runner import Isolation, best_isolation, process_runner

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="namespaces are Linux's")
ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
SEES = (
    "import json,os,sys; p=sys.argv[1]; json.dump([open(p+'/in.txt').read(), os.environ['WHERE'], "
    "os.getcwd(), os.environ.get('OPT_ML'), sys.argv[1:], sorted(os.listdir('/opt'))],"
    "open('/opt/ml/out.json','w')); print('line 1'); print('line 2')"
)


def _listed() -> list[str]:
    """What this machine's own /opt holds."""
    return sorted(path.name for path in Path("/opt").glob("*"))


def container(tmp_path: Path, *command: str, **more: Any) -> Container:
    opt_ml, scratch = tmp_path / "opt-ml", tmp_path / "scratch"
    opt_ml.mkdir()
    scratch.mkdir()
    (opt_ml / "in.txt").write_text("input")
    return Container(
        job_name="job",
        host="algo-1",
        image_uri="image",
        entrypoint=command[:3],
        arguments=command[3:],
        environment={"WHERE": "/opt/ml/processing", "URI": "s3://bucket/opt/ml/x"},
        opt_ml=opt_ml,
        scratch=scratch,
        network_isolated=more.get("network_isolated", False),
        instance_type="ml.m5.large",
    )


def run(tmp_path: Path, way: Isolation | None, *command: str, **more: Any) -> tuple[int, list[str]]:
    lines: list[str] = []
    runner = process_runner(repo_root=REPOSITORY, home=tmp_path, isolation=way)
    code = runner(container(tmp_path, *command, **more), lines.append).wait()
    return code, lines


def possible(way: Isolation) -> Any:
    works = way is Isolation.MAPPED or (sys.platform == "linux" and subject._works(way))
    return pytest.param(way, marks=pytest.mark.skipif(not works, reason="not allowed here"))


@pytest.mark.parametrize("way", [possible(way) for way in Isolation])
def test_the_code_finds_its_files_under_opt_ml(tmp_path: Path, way: Isolation) -> None:
    before = _listed()
    code, lines = run(tmp_path, way, "python3", "-c", SEES, "/opt/ml", "s3://bucket/opt/ml")
    assert (code, lines) == (0, ["line 1", "line 2"])
    opt_ml = tmp_path / "opt-ml"
    text, where, cwd, told, arguments, shown = json.loads((opt_ml / "out.json").read_text())
    root = str(opt_ml) if way is Isolation.MAPPED else "/opt/ml"
    assert text == "input"
    assert where == f"{root}/processing"
    assert cwd == str(REPOSITORY)
    assert told == (str(opt_ml) if way is Isolation.MAPPED else None)
    assert arguments == [root, "s3://bucket/opt/ml"]
    if way is not Isolation.MAPPED:
        assert shown == sorted({*before, "ml"})
    assert _listed() == before


@pytest.mark.parametrize("way", [possible(way) for way in Isolation])
def test_exit_codes_are_those_of_a_container(tmp_path: Path, way: Isolation) -> None:
    command = ("sh", "-c", "echo last words; kill -9 $$")
    assert run(tmp_path, way, *command) == (137, ["last words"])


def test_the_best_way_is_found(tmp_path: Path) -> None:
    way = best_isolation()
    if sys.platform != "linux":
        assert way is Isolation.MAPPED
    assert run(tmp_path, None, "python3", "-c", "print(open('/opt/ml/in.txt').read())") == (
        0,
        ["input"],
    )


@LINUX
def test_without_namespaces_paths_are_mapped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing = tmp_path / "bin"
    refusing.mkdir()
    (refusing / "unshare").write_text("#!/bin/sh\nexit 1\n")
    (refusing / "unshare").chmod(0o755)
    monkeypatch.setenv("PATH", f"{refusing}:{os.environ['PATH']}")
    best_isolation.cache_clear()
    try:
        assert best_isolation() is Isolation.MAPPED
    finally:
        best_isolation.cache_clear()


@LINUX
@ROOT
def test_a_user_who_is_not_root_sees_opt_ml_too() -> None:
    """Only the script that enters the namespace: this Python may be out of the user's reach."""
    if not shutil.which("setpriv") or not _nobody_may_unshare():
        pytest.skip("no user namespaces for an ordinary user here")
    folder = Path("/var/tmp") / f"opt-ml-of-nobody-{os.getpid()}"
    folder.mkdir(mode=0o777)
    try:
        (folder / "in.txt").write_text("input")
        folder.chmod(0o777)
        inner = ["sh", "-c", "cat /opt/ml/in.txt; id -u; echo out > /opt/ml/out.txt; ls /opt"]
        command = [*subject._enter(Isolation.USER, folder, Path("/")), *inner]
        done = subprocess.run(
            [*_AS_NOBODY, *command], capture_output=True, text=True, check=False, cwd="/"
        )
        assert done.returncode == 0, done.stderr
        text, uid, *shown = done.stdout.replace("input", "input\n").split()
        assert (text, uid) == ("input", "0")
        assert shown == sorted({*_listed(), "ml"})
        assert (folder / "out.txt").stat().st_uid == 65534
    finally:
        shutil.rmtree(folder)


_OPT_WITHOUT_ML = """
mount -t tmpfs tmpfs /opt
mkdir /opt/tool
echo in a folder > /opt/tool/file
echo hidden > /opt/.hidden
ln -s tool /opt/link
"$@"
ls -A /opt
"""
_LOOK = "cat /opt/ml/in.txt /opt/link/file /opt/.hidden; echo out > /opt/ml/out.txt; ls -A /opt"


@LINUX
@ROOT
@pytest.mark.parametrize("way", [possible(Isolation.ROOT), possible(Isolation.USER)])
def test_where_opt_ml_does_not_exist_the_rest_of_opt_still_shows(
    tmp_path: Path, way: Isolation
) -> None:
    (tmp_path / "in.txt").write_text("input\n")
    enter = [*subject._enter(way, tmp_path, Path("/")), "sh", "-c", _LOOK]
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-ec", _OPT_WITHOUT_ML, "sh", *enter],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[:3] == ["input", "in a folder", "hidden"]
    assert set(lines[3:7]) == {".hidden", "link", "ml", "tool"}
    assert set(lines[7:]) == {".hidden", "link", "tool"}
    assert (tmp_path / "out.txt").read_text() == "out\n"


_AS_NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]


def _nobody_may_unshare() -> bool:
    command = [*_AS_NOBODY, "unshare", "--mount", "--map-root-user", "true"]
    return not subprocess.run(command, capture_output=True, check=False, cwd="/").returncode


@pytest.mark.parametrize("way", [possible(Isolation.ROOT), possible(Isolation.USER)])
def test_network_isolation_leaves_no_network(tmp_path: Path, way: Isolation) -> None:
    code = "print(open('/proc/net/dev').read().count(':'))"
    assert run(tmp_path, way, "python3", "-c", code, network_isolated=True) == (0, ["1"])


def test_network_isolation_is_refused_where_it_cannot_be_had(tmp_path: Path) -> None:
    with pytest.raises(JobFault, match="EnableNetworkIsolation"):
        run(tmp_path, Isolation.MAPPED, "python3", "-c", "pass", network_isolated=True)


def test_a_command_that_is_not_there_fails_the_job(tmp_path: Path) -> None:
    way, command = Isolation.MAPPED, ("no-such-command", "-c", "x")
    if sys.platform == "linux" and shutil.which("setpriv"):
        code, lines = run(tmp_path, way, *command)
        assert code == 127
        assert "no-such-command" in lines[0]
    else:
        with pytest.raises(JobFault, match="no-such-command"):
            run(tmp_path, way, *command)
