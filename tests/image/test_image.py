"""What the image holds, and what it does not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from real_image import docker

from processing.base.code_digest import code_digest

pytestmark = pytest.mark.docker

MEGABYTE = 10**6


@pytest.fixture
def described(image: str) -> dict[str, Any]:
    [found] = json.loads(docker("image", "inspect", image).stdout)
    return dict(found)


def test_it_is_small_and_says_what_it_is(described: dict[str, Any]) -> None:
    assert described["Size"] < 900 * MEGABYTE
    labels = described["Config"]["Labels"]
    assert labels["llm-evaluation.code-digest"] == code_digest()
    assert labels["org.opencontainers.image.version"] == "0.1.0"
    assert labels["org.opencontainers.image.revision"]  # "unknown" outside of a git checkout


def test_telemetry_is_off_and_output_comes_at_once(described: dict[str, Any]) -> None:
    variables = dict(entry.split("=", 1) for entry in described["Config"]["Env"])
    assert variables["PYTHONUNBUFFERED"] == "1"
    for name in ("DO_NOT_TRACK", "MLFLOW_DISABLE_TELEMETRY", "RAGAS_DO_NOT_TRACK"):
        assert variables[name] == "true"
    for name in ("DEEPEVAL_TELEMETRY_OPT_OUT", "HF_HUB_DISABLE_TELEMETRY"):
        assert variables[name] == "1"


def test_nothing_that_only_a_build_needs_is_left(image: str) -> None:
    look = (
        "for tool in gcc cc make strip git curl; do command -v $tool && exit 1; done;"
        "ls -A /root/.cache /tmp /opt/program /opt/venv/lib/python3*/site-packages"
    )
    found = docker("run", "--rm", "--entrypoint", "sh", image, "-c", look)
    listed = found.stdout.split()
    assert "boto3" in listed, found.stdout + found.stderr
    assert not {"sagemaker", "moto", "pip", "posthog", "sqlalchemy", "warm_up.py"} & set(listed)
    assert {"processing", "docker"} <= set(listed)
    assert "pipeline" not in listed


@pytest.mark.parametrize("user", ["0:0", "65534:65534"])
@pytest.mark.parametrize("step", ["processing.prepare_dataset", "processing.evaluate"])
def test_each_step_starts_as_any_user_on_a_read_only_disk(image: str, user: str, step: str) -> None:
    options = ("--rm", "--read-only", "--network", "none", "--cap-drop", "ALL", "--user", user)
    shown = docker("run", *options, image, step, "--help")
    assert shown.returncode == 0, shown.stderr
    assert f"usage: python -m {step}" in shown.stdout


def test_other_code_is_refused(image: str) -> None:
    refused = docker(
        "run", "--rm", "--env", f"CODE_DIGEST={'0' * 64}", image, "processing.prepare_dataset"
    )
    assert refused.returncode == 1
    assert "was built from other code" in refused.stderr
