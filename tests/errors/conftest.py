"""What these tests type, and an AWS for it: the local one in this process, bucket and roles."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from running_aws import REPOSITORY

from pipeline.bundle import load_bundle
from pipeline.local.account import furnish
from pipeline.local.server import serve

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}

Done = subprocess.CompletedProcess[str]


def cli(*arguments: str, **environment: str) -> Done:
    """A command of a user's who has no AWS configuration but what `environment` says."""
    nothing = {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    ours = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    return subprocess.run(
        [sys.executable, "pipeline_definition.py", *arguments],
        cwd=REPOSITORY, env={**ours, **nothing, **environment},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def the_line(done: Done) -> str:
    """The one line that says what is wrong; there must be nothing else, and exit code 2."""
    assert done.returncode == 2, done.stdout + done.stderr
    [line] = done.stderr.splitlines()
    assert line.startswith("error: "), line
    return line


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an AWS that has what the example needs, but no pipeline yet."""
    state = tmp_path_factory.mktemp("account")
    server = serve(0, state_dir=state, job_environment={}, echo=lambda _: None)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**CREDENTIALS, "AWS_ENDPOINT_URL": server.url}.items():
            patch.setenv(name, value)
        config = load_bundle(Path(REPOSITORY / "evaluation.yaml")).config
        furnish(boto3.Session(region_name="us-east-1"), config, [])
    yield server.url
    server.stop()
