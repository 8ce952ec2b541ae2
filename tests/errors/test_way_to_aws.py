"""Credentials, regions, addresses: what keeps a command from reaching AWS at all."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from running_aws import REPOSITORY, ConfigWriter, run_script
from typed_command import CREDENTIALS, the_line, typed


def closed_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def test_no_credentials() -> None:
    line = the_line(typed("list", AWS_ENDPOINT_URL=closed_address()))
    assert "Unable to locate credentials" in line
    assert "AWS_ACCESS_KEY_ID" in line
    assert "aws sso login" in line
    assert "pipeline_definition.py local" in line


@pytest.mark.parametrize(
    ("environment", "helps"),
    [
        ({"AWS_PROFILE": "nobody"}, ("(nobody) could not be found", "correct AWS_PROFILE")),
        ({"AWS_ACCESS_KEY_ID": "x"}, ("AWS_SECRET_ACCESS_KEY", "set both")),
        ({"AWS_CONFIG_FILE": str(REPOSITORY / "README.md")}, ("README.md", "AWS_CONFIG_FILE")),
        ({"AWS_ENDPOINT_URL": "127.0.0.1:4566", **CREDENTIALS}, ("'127.0.0.1:4566'", "http://")),
    ],
)
def test_a_wrong_environment(environment: dict[str, str], helps: tuple[str, ...]) -> None:
    line = the_line(typed("list", **environment))
    assert [part for part in helps if part not in line] == [], line


@pytest.mark.slow
@pytest.mark.parametrize("command", ["list", pytest.param("upsert", marks=pytest.mark.integration)])
def test_the_local_aws_does_not_run(command: str) -> None:
    address = closed_address()
    line = the_line(typed(command, AWS_ENDPOINT_URL=address, **CREDENTIALS))
    assert f'"{address}/"' in line
    assert "start the local AWS (`pipeline_definition.py local`)" in line
    assert "unset AWS_ENDPOINT_URL" in line


def test_no_region(write_config: ConfigWriter) -> None:
    config = write_config(infrastructure={"region": None})
    line = the_line(typed("list", "--config", str(config), **CREDENTIALS))
    assert "infrastructure.region" in line
    assert "AWS_DEFAULT_REGION" in line


def test_a_region_that_is_none(write_config: ConfigWriter) -> None:
    config = write_config(infrastructure={"region": "us-east"})
    line = the_line(typed("list", "--config", str(config), **CREDENTIALS))
    assert "infrastructure.region: must be a region of AWS's, such as us-east-1" in line


def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        line = the_line(typed("local", "--port", port, "--state", str(tmp_path)))
    assert f"ports {port} to " in line
    assert "--port" in line


def test_a_state_folder_that_is_a_file(tmp_path: Path) -> None:
    taken = tmp_path / "state"
    taken.touch()
    assert f"{taken}: " in the_line(typed("local", "--port", "28566", "--state", str(taken)))


@pytest.mark.parametrize("command", ["image", "local --docker"])
def test_docker_is_not_there(command: str, tmp_path: Path) -> None:
    there = {"PATH": str(tmp_path), "AWS_ENDPOINT_URL": closed_address(), **CREDENTIALS}
    state = ["--port", "28566", "--state", str(tmp_path)] if "local" in command else []
    assert "Docker is not installed" in the_line(typed(*command.split(), *state, **there))


@pytest.mark.parametrize(
    ("docker", "helps"),
    [
        ("Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker "
         "daemon running?", "Is the docker daemon running; start it"),
        ("Error: No such image: llm-evaluation:local", "make image"),
    ],
)  # fmt: skip
def test_docker_has_no_image_or_does_not_run(docker: str, helps: str, tmp_path: Path) -> None:
    """A test double of Docker's command line."""
    double = tmp_path / "docker"
    double.write_text(f"#!/bin/sh\necho '{docker}' >&2\nexit 1\n")
    double.chmod(0o755)
    there = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "AWS_ENDPOINT_URL": closed_address()}
    assert helps in the_line(typed("image", **there, **CREDENTIALS))


def test_a_python_without_the_requirements(tmp_path: Path) -> None:
    venv.create(tmp_path / "bare")
    python = tmp_path / "bare" / "bin" / "python"
    done = subprocess.run(
        [str(python), "pipeline_definition.py", "check"],
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip
    line = the_line(done)
    assert f"this Python ({python}" in line
    assert "use .venv/bin/python" in line


@pytest.mark.parametrize("python", ["gone", "too old"])
def test_a_venv_that_is_of_no_use_is_made_anew(python: str, tmp_path: Path) -> None:
    """What make would do: it forgets that the folder was ready."""
    folder = tmp_path / ".venv"
    (folder / "bin").mkdir(parents=True)
    if python == "gone":
        (folder / "bin" / "python").symlink_to("/nowhere/python3.11")
    else:
        (folder / "bin" / "python").write_text("#!/bin/sh\nexit 1\n")
        (folder / "bin" / "python").chmod(0o755)
    (folder / ".local").touch()
    planned = subprocess.run(
        ["make", "--dry-run", f"VENV={folder}", "demo"],
        cwd=REPOSITORY, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "installing the locked requirements" in planned.stdout
    assert f"rm -rf {folder}" in planned.stdout


def test_a_venv_that_works_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / ".venv"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").symlink_to(sys.executable)
    (folder / ".local").touch()
    planned = subprocess.run(
        ["make", "--dry-run", f"VENV={folder}", "demo"],
        cwd=REPOSITORY, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "installing" not in planned.stdout


def test_as_a_module_a_missing_requirement_stays_an_import_error(tmp_path: Path) -> None:
    venv.create(tmp_path / "bare")
    done = subprocess.run(
        [str(tmp_path / "bare" / "bin" / "python"), "-c", "import pipeline_definition"],
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "ModuleNotFoundError" in done.stderr


@pytest.mark.slow
def test_ctrl_c_while_waiting() -> None:
    script = (
        "from pipeline.cli.main import main\n"
        "from pipeline.executions import launch\n"
        "def interrupted(*_): raise KeyboardInterrupt\n"
        "launch.list_executions = interrupted\n"
        "raise SystemExit(main(['list']))"
    )
    done = run_script(script)
    assert done.returncode == 130
    assert done.stderr.splitlines() == [
        "interrupted; what runs on AWS goes on: see `status` and `stop`"
    ]
