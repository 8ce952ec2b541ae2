"""An image that the jobs' instances cannot run is not pushed, and `check` sees what it can see."""

from __future__ import annotations

from typing import Any

import pytest
from running_aws import ConfigWriter
from typed_command import typed

from pipeline.definition.architecture import architecture
from pipeline.definition.bundle import load_bundle
from pipeline.definition.image import pushed_architecture, unfit
from processing.base.code_digest import code_digest

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


def described(**changes: Any) -> dict[str, Any]:
    """`docker image inspect`, as far as it is read; Descriptor is there from Docker 28 on."""
    labels = {"llm-evaluation.code-digest": code_digest()}
    built = {"Id": "sha256:1", "Os": "linux", "Architecture": "amd64", "Config": {"Labels": labels}}
    return {**built, **changes}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({}, ""),
        ({"Descriptor": {"mediaType": DOCKER_MANIFEST}}, ""),
        ({"Descriptor": {"mediaType": OCI_INDEX}}, "is an index of several manifests"),
        ({"Descriptor": {"mediaType": DOCKER_LIST}}, "is an index of several manifests"),
        ({"Architecture": "arm64"}, "is linux/arm64, and infrastructure.prepare.instance_type"),
        ({"Os": "windows"}, "is windows/amd64"),
        ({"Config": {"Labels": None}}, "was built from other code than this"),
    ],
)
def test_what_sagemaker_cannot_run_is_not_pushed(
    write_config: ConfigWriter, changes: dict[str, Any], problem: str
) -> None:
    found = unfit(described(**changes), "mine:1", load_bundle(write_config()))
    assert problem in found
    assert bool(found) == bool(problem)
    assert not found or "make image" in found


def test_arm_instances_need_an_arm_image(write_config: ConfigWriter) -> None:
    arm = {"instance_type": "ml.m7g.large"}
    bundle = load_bundle(write_config(infrastructure={"prepare": arm, "evaluate": arm}))
    assert unfit(described(Architecture="arm64"), "mine:1", bundle) == ""
    assert "needs linux/arm64: make image ARCH=arm64" in unfit(described(), "mine:1", bundle)


@pytest.mark.parametrize(
    ("instance_type", "expected"),
    [
        *((f"ml.{name}.xlarge", "arm64") for name in ("m6g", "c7gn", "m6gd", "r8g", "t4g", "g5g")),
        ("ml.p6e-gb200.36xlarge", "arm64"),
        *((f"ml.{name}.xlarge", "amd64") for name in ("m5", "g4dn", "g5", "g6e", "m7i-flex")),
        *((f"ml.{name}.xlarge", "amd64") for name in ("p5en", "inf2", "p6-b200", "trn1")),
    ],
)
def test_graviton_is_told_from_gpu(instance_type: str, expected: str) -> None:
    assert architecture(instance_type) == expected


@pytest.mark.slow
def test_check_wants_one_architecture_for_both_jobs(write_config: ConfigWriter) -> None:
    config = write_config(infrastructure={"evaluate": {"instance_type": "ml.m7g.large"}})
    done = typed("check", "--config", str(config))
    assert done.returncode == 2
    assert "evaluate.instance_type ml.m7g.large needs linux/arm64" in done.stderr
    assert "choose types of one architecture" in done.stderr


@pytest.mark.parametrize(
    ("tag", "expected"),
    [("content-0123456789abcdef", "amd64"), ("content-0123456789abcdef-arm64", "arm64"),
     ("latest", None)],
)  # fmt: skip
def test_an_image_in_ecr_says_by_its_tag_what_it_was_built_for(
    tag: str, expected: str | None
) -> None:
    assert pushed_architecture(["other", tag]) == expected
