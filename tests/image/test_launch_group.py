"""Who only launches the pipeline installs requirements.lock; no command there needs more."""

from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
import venv
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name
from running_aws import REPOSITORY

from pipeline.checks.imports import EXTRA, image_packages

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of an environment with what `make launch` installs, as links to what is installed here."""
    environment = tmp_path_factory.mktemp("launch")
    venv.create(environment, symlinks=True)
    [packages] = environment.glob("lib/python3*/site-packages")
    kept = image_packages((REPOSITORY / "requirements.lock").read_text(), EXTRA)
    for distribution in importlib.metadata.distributions():
        if canonicalize_name(distribution.name) in kept:
            files = distribution.files or ()
            for name in {file.parts[0] for file in files if ".." not in file.parts}:
                if not (packages / name).exists():
                    (packages / name).symlink_to(Path(str(distribution.locate_file(name))))
    assert (packages / "mlflow").exists()
    assert not (packages / "moto").exists()
    return environment / "bin" / "python"


def run_with(python: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(python), *arguments],
        env={**os.environ, "AWS_DEFAULT_REGION": "eu-central-1"},
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    "command",
    [
        ["check"],
        ["definition"],
        ["plan"],
        ["history", "--help"],
        ["export", "cloudformation", "--help"],
    ],
)
def test_a_command_needs_no_more_than_is_locked(python: Path, command: list[str]) -> None:
    done = run_with(python, "pipeline_definition.py", *command)
    assert done.returncode == 0, done.stderr


def test_every_module_of_the_pipeline_but_the_local_aws_can_be_imported(
    python: Path,
) -> None:
    names = [
        ".".join(path.relative_to(REPOSITORY).with_suffix("").parts)
        for folder in ("pipeline", "processing")
        for path in sorted((REPOSITORY / folder).rglob("*.py"))
        if "local" not in path.parts and not path.name.startswith("__")
    ]
    assert len(names) > 200
    script = f"import importlib\nfor name in {names}:\n    importlib.import_module(name)\n"
    done = run_with(python, "-c", "import sys; sys.path.insert(0, '.')\n" + script)
    assert done.returncode == 0, done.stderr


def test_without_the_local_aws_the_command_says_how_to_get_it(python: Path) -> None:
    done = run_with(python, "pipeline_definition.py", "local")
    assert done.returncode == 2
    assert "`make demo` for the local AWS" in done.stderr


def test_the_groups_hold_the_same_versions() -> None:
    def pins(file: str) -> set[str]:
        return set(
            re.findall(r"^[A-Za-z0-9._-]+==\S+", (REPOSITORY / file).read_text(), re.MULTILINE)
        )

    everything = pins("tests/requirements.lock")
    for file in (
        "requirements.lock",
        "pipeline/local/requirements.lock",
        "docker/requirements.lock",
    ):
        assert pins(file) <= everything, file
