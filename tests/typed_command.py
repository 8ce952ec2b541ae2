"""Commands as a user types them, run in this process: in their own each would import for a second.

What only a process of its own can show (a missing package, Ctrl-C, how soon `--help` answers) is
tested in one.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import subprocess
from pathlib import Path
from unittest import mock

import boto3
from running_aws import REPOSITORY

from pipeline.cli.main import main

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
NOTHING = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}

Done = subprocess.CompletedProcess[str]


def typed(*arguments: str, folder: Path = REPOSITORY, **environment: str) -> Done:
    """A command of a user's who has no AWS configuration but what `environment` says.

    `folder`: where the user is, below which `try` leaves `.runs`.
    """
    ours = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.dict(os.environ, {**ours, **NOTHING, **environment}, clear=True),
        mock.patch.object(boto3, "DEFAULT_SESSION", None),
        contextlib.chdir(folder),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            code = main(arguments)
        except SystemExit as ended:  # argparse
            code = ended.code if isinstance(ended.code, int) else 1
        finally:
            logging.disable(logging.NOTSET)
    return Done(arguments, code, out.getvalue(), err.getvalue())


def the_line(done: Done) -> str:
    """The one line that says what is wrong; there must be nothing else, and exit code 2."""
    assert done.returncode == 2, done.stdout + done.stderr
    [line] = done.stderr.splitlines()
    assert line.startswith("error: "), line
    return line
