"""What the image holds, and what it does not."""

from __future__ import annotations

import json
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from real_image import docker
from running_aws import REPOSITORY

from processing.base.code_digest import code_digest

pytestmark = pytest.mark.docker

MEGABYTE = 10**6
BASE = '{{index .Config.Labels "org.opencontainers.image.base.name"}}'
SUMS = "cd /layer && find . -printf '%p %m %T@\n' | sort && find . -type f | sort | xargs sha256sum"


@pytest.fixture
def described(image: str) -> dict[str, Any]:
    [found] = json.loads(docker("image", "inspect", image).stdout)
    return dict(found)


def test_it_is_small_and_says_what_it_is(described: dict[str, Any]) -> None:
    assert described["Size"] < 700 * MEGABYTE
    labels = described["Config"]["Labels"]
    assert labels["llm-evaluation.code-digest"] == code_digest()
    assert labels["org.opencontainers.image.version"] == "0.1.0"
    assert labels["org.opencontainers.image.revision"]  # "unknown" outside of a git checkout
    assert labels["org.opencontainers.image.licenses"] == "MIT-0"
    assert labels["org.opencontainers.image.base.name"]
    assert datetime.fromisoformat(labels["org.opencontainers.image.created"]).tzinfo


def run(image: str, program: str, *arguments: str) -> list[str]:
    """The words that the program prints in a container."""
    done = docker("run", "--rm", "--entrypoint", program, image, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_its_bill_of_materials_names_every_package(image: str) -> None:
    bill = json.loads(" ".join(run(image, "cat", "/opt/sbom.cdx.json")))
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    listing = (
        "from importlib.metadata import distributions as found\n"
        "print(*(each.name + '==' + each.version for each in found()))"
    )
    installed = run(image, "python3", "-c", listing)
    debian = run(image, "dpkg-query", "--show", "--showformat", "${Package}==${Version}\n")
    named = {f"{each['name']}=={each['version']}" for each in bill["components"]}
    assert len(installed) > 100
    assert len(debian) > 50
    assert set(installed) | set(debian) == named
    licensed = [each for each in bill["components"] if each["purl"].startswith("pkg:pypi/")]
    assert sum("licenses" in each for each in licensed) > 0.9 * len(licensed)
    [image_needs] = [each for each in bill["dependencies"] if each["ref"] == "image"]
    assert len(image_needs["dependsOn"]) == len(named)


def test_the_same_code_gives_the_same_layer(image: str, tmp_path: Path) -> None:
    """The stage that compiles it, built anew; that of the packages takes minutes."""
    base = docker("image", "inspect", "--format", BASE, image).stdout.strip()
    layers = []
    for copy in ("one", "other"):
        folder = tmp_path / copy  # with other times, in another folder
        for name in ("processing", "docker"):
            shutil.copytree(REPOSITORY / name, folder / name, copy_function=shutil.copyfile)
        shutil.copy(REPOSITORY / ".dockerignore", folder)
        for kept in ("docker/same_times.sh", "docker/slim.sh"):
            (folder / kept).chmod(0o755)
        tag = f"llm-evaluation-test:{copy}"
        built = docker(
            "build", "--no-cache", "--target", "program", "--build-arg", f"BASE_IMAGE={base}",
            "--file", str(folder / "docker" / "Dockerfile"), "--tag", tag, str(folder),
        )  # fmt: skip
        assert built.returncode == 0, built.stdout + built.stderr
        files = docker("run", "--rm", "--entrypoint", "sh", tag, "-c", SUMS)
        assert files.stdout.count("\n") > 200, files.stderr
        layers.append(files.stdout)
        docker("image", "rm", tag)
    assert layers[0] == layers[1]


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
