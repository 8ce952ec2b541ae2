"""`make image`: for SageMaker's instances, one plain manifest, with either of Docker's builders."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from running_aws import REPOSITORY

# says what it was called with; --help is that of the classic builder, or of BuildKit's
DOCKER = """#!/bin/sh
if [ "$*" = "build --help" ]; then echo "  --platform string $OPTION"; exit; fi
echo "CALLED $*"
"""


@pytest.mark.slow
@pytest.mark.parametrize("option", ["", "--provenance string"])
@pytest.mark.parametrize("arch", [None, "arm64"])
def test_the_platform_is_said_and_provenance_where_the_builder_knows_it(
    tmp_path: Path, option: str, arch: str | None
) -> None:
    docker = tmp_path / "docker"
    docker.write_text(DOCKER)
    docker.chmod(0o755)
    made = subprocess.run(
        ["make", "--no-print-directory", "image", *([f"ARCH={arch}"] if arch else [])],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "OPTION": option},
        cwd=REPOSITORY, capture_output=True, text=True, check=True,
    )  # fmt: skip
    [called] = [line for line in made.stdout.splitlines() if line.startswith("CALLED build ")]
    assert f" --platform linux/{arch or 'amd64'} " in called
    assert (" --provenance=false " in called) == bool(option)
