"""Commands as a user types them who has no AWS configuration, and the line that they end in."""

from __future__ import annotations

import os
import subprocess
import sys

from running_aws import REPOSITORY

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
