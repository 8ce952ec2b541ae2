"""No traceback unless somebody asks for one: --debug, and in the containers a variable."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from errors.aws_double import Refusal, aws_double
from running_aws import REPOSITORY
from typed_command import CREDENTIALS, Done, typed

from processing.base.errors import DEBUG


def job(module: str, opt_ml: Path, *arguments: str, **environment: str) -> Done:
    """A container's main, as SageMaker would start it."""
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=REPOSITORY, env={**os.environ, "OPT_ML": str(opt_ml), **environment},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("module", ["processing.prepare_dataset", "processing.evaluate"])
def test_a_job_without_its_file_says_so_in_one_line(module: str, tmp_path: Path) -> None:
    done = job(module, tmp_path)
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    told = (tmp_path / "output" / "message").read_text()
    assert line == f"error: {told}"
    assert "config/evaluation.yaml: cannot be read: No such file or directory" in told


@pytest.mark.slow
def test_a_job_shows_where_an_error_comes_from_if_it_is_asked_to(tmp_path: Path) -> None:
    done = job("processing.prepare_dataset", tmp_path, **{DEBUG: "1"})
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "Traceback" not in (tmp_path / "output" / "message").read_text()


@pytest.mark.slow
def test_what_aws_refuses_a_job_is_one_line_too(tmp_path: Path) -> None:
    """An error that no room of the job's has a word for."""
    script = (
        "import boto3\n"
        "from processing.base import container, job\n"
        "def main():\n"
        "    boto3.client('s3', region_name='us-east-1').list_buckets()\n"
        "    return []\n"
        "raise SystemExit(job.run_job(main, container.MESSAGE_FILE))"
    )
    refused = {"*": Refusal(403, "AccessDenied", "User: x is not authorized to perform: s3:X")}
    with aws_double(refused) as double:
        done = subprocess.run(
            [sys.executable, "-c", script],
            cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False,
            env={**os.environ, "OPT_ML": str(tmp_path), "AWS_ENDPOINT_URL": double.url,
                 **CREDENTIALS},
        )  # fmt: skip
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith("error: AWS: ListBuckets: AccessDenied: User: x is not authorized")
    assert "permissions show job" in line


def test_a_reason_fits_what_sagemaker_keeps_in_bytes(tmp_path: Path) -> None:
    script = (
        "from pathlib import Path\n"
        "from processing.base import errors, job\n"
        "def main(): raise errors.DatasetError('\u00e9' * 2000)\n"
        f"job.run_job(main, Path({str(tmp_path / 'message')!r}))"
    )
    subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, check=True)
    assert (tmp_path / "message").read_bytes() == ("\u00e9" * 512).encode()


@pytest.mark.integration
def test_debug_reaches_the_jobs() -> None:
    done = typed("definition", "--debug")
    assert done.returncode == 0, done.stderr
    jobs = [s for s in json.loads(done.stdout)["Steps"] if s["Type"] == "Processing"]
    assert [step["Arguments"]["Environment"][DEBUG] for step in jobs] == ["1", "1"]
