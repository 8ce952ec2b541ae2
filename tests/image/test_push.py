"""`pipeline_definition.py image`: into ECR's repository, and by digest into the configuration."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import socket
import subprocess
import tarfile
import time
from collections.abc import Iterator

import httpx
import pytest
from real_image import docker
from running_aws import ConfigWriter, RunningAws, local_aws_running

from processing.base.code_digest import code_digest
from processing.config.file import load_config

pytestmark = [pytest.mark.integration, pytest.mark.docker]

SMALL = "llm-evaluation-test:small"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """HOST:PORT of an empty registry (Debian's docker-registry)."""
    program = shutil.which("docker-registry")
    if program is None and not os.environ.get("CI"):
        pytest.skip("LEFT OUT: there is no docker-registry: apt-get install docker-registry")
    assert program, "CI needs docker-registry"
    folder = tmp_path_factory.mktemp("registry")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    (folder / "config.yml").write_text(
        "version: 0.1\nlog: {level: error}\n"
        f"storage: {{filesystem: {{rootdirectory: {folder}/data}}}}\n"
        f"http: {{addr: {address}}}\n"
    )
    process = subprocess.Popen([program, "serve", str(folder / "config.yml")])
    deadline = time.monotonic() + 20
    while not _answers(f"http://{address}/v2/"):
        assert time.monotonic() < deadline, "the registry did not start"
        time.sleep(0.1)
    yield address
    process.terminate()
    process.wait(timeout=10)


@pytest.fixture(scope="module")
def ecr_aws(registry: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAws]:
    state = tmp_path_factory.mktemp("ecr-aws")
    with local_aws_running(state, "--registry", registry) as running:
        yield running


def build(code: str, content: str = "", architecture: str = "amd64") -> str:
    """An image of one file that says it was built from that code, for any architecture."""
    layer = tar_of({"file": content.encode()})
    config = {
        "os": "linux",
        "architecture": architecture,
        "config": {"Labels": {"llm-evaluation.code-digest": code}},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
    }
    listed = [{"Config": "config.json", "RepoTags": [SMALL], "Layers": ["layer.tar"]}]
    archive = tar_of(
        {
            "config.json": json.dumps(config).encode(),
            "layer.tar": layer,
            "manifest.json": json.dumps(listed).encode(),
        }
    )
    done = subprocess.run(["docker", "load"], input=archive, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return SMALL


def tar_of(files: dict[str, bytes]) -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return archive.getvalue()


def test_the_image_is_pushed_and_the_file_names_it_by_digest(
    image: str, ecr_aws: RunningAws, registry: str, write_config: ConfigWriter
) -> None:
    assert image  # Docker is there
    config = write_config(infrastructure={"tags": {"project": "p"}})
    config.write_text(config.read_text() + "# a last word\n")
    before = config.read_text()
    build(code_digest())
    pushed = ecr_aws.type("image", "--config", str(config), "--image", SMALL)
    assert pushed.returncode == 0, pushed.stderr

    uri = load_config(config).infrastructure.image
    repository, _, digest = uri.partition("@")
    assert repository == f"{registry}/llm-evaluation"
    manifest = httpx.get(
        f"http://{registry}/v2/llm-evaluation/manifests/{digest}",
        headers={"Accept": "application/vnd.docker.distribution.manifest.v2+json"},
    )
    assert manifest.status_code == 200
    assert config.read_text() == before.replace("llm-evaluation:local", uri)
    definition = ecr_aws.type("definition", "--config", str(config))
    assert definition.stdout.count(f'"ImageUri": "{uri}"') == 2

    ecr = ecr_aws.client("ecr")
    [made] = ecr.describe_repositories(repositoryNames=["llm-evaluation"])["repositories"]
    assert made["imageTagMutability"] == "IMMUTABLE"
    assert made["imageScanningConfiguration"] == {"scanOnPush": True}
    assert (
        "keep the last 50"
        in ecr.get_lifecycle_policy(repositoryName="llm-evaluation")["lifecyclePolicyText"]
    )
    tags = httpx.get(f"http://{registry}/v2/llm-evaluation/tags/list").json()["tags"]
    identity = docker("image", "inspect", "--format", "{{.Id}}", SMALL).stdout.strip()
    assert tags == [f"content-{identity.removeprefix('sha256:')[:16]}"]

    # again: the same image, the same digest; another one gets another
    assert ecr_aws.type("image", "--config", str(config), "--image", SMALL).returncode == 0
    assert load_config(config).infrastructure.image == uri
    build(code_digest(), "more")
    assert ecr_aws.type("image", "--config", str(config), "--image", SMALL).returncode == 0
    assert load_config(config).infrastructure.image != uri


def test_an_image_of_other_code_or_architecture_is_not_pushed(
    image: str, ecr_aws: RunningAws, write_config: ConfigWriter
) -> None:
    assert image
    config = write_config()
    before = config.read_text()
    build("0" * 64)
    refused = ecr_aws.type("image", "--config", str(config), "--image", SMALL)
    assert refused.returncode == 2
    assert "was built from other code than this: make image" in refused.stderr
    build(code_digest(), architecture="arm64")
    arm = ecr_aws.type("image", "--config", str(config), "--image", SMALL)
    assert arm.returncode == 2
    assert "is linux/arm64, and infrastructure.prepare.instance_type ml.m5.large" in arm.stderr
    absent = ecr_aws.type("image", "--config", str(config), "--image", "nowhere:1")
    assert "there is no image nowhere:1 on this machine: make image" in absent.stderr
    assert config.read_text() == before


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False
