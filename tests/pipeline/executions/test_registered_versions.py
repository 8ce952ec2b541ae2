"""`history`, `approve` and `reject` on the local AWS's registry."""

from __future__ import annotations

import subprocess
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from accessibility import looked_at
from browser import Browser
from local_definitions import IMAGE
from running_aws import ConfigWriter, RunningAws

from pipeline.executions.registered.history_table import signs

pytestmark = pytest.mark.integration  # a command takes a second or two
SPECIFICATION = {"Containers": [{"Image": IMAGE}]}


@dataclass(frozen=True)
class Registry:
    aws: RunningAws
    group: str
    config: Path

    def type(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.aws.type(*arguments, "--config", str(self.config))

    def register(self, correctness: str, verdict: str = "passed") -> str:
        """As the pipeline registers, with what of the metadata is looked at."""
        answer = self.aws.client("sagemaker").create_model_package(
            ModelPackageGroupName=self.group,
            InferenceSpecification=SPECIFICATION,
            CustomerMetadataProperties={
                "verdict": verdict,
                "evaluation_fingerprint": "f" * 64,
                "mlflow_run_id": "run-1",
                "Correctness": correctness,
            },
        )
        return str(answer["ModelPackageArn"])

    def package(self, arn: str) -> dict[str, Any]:
        found: dict[str, Any] = self.aws.client("sagemaker").describe_model_package(
            ModelPackageName=arn
        )
        return found


@pytest.fixture
def registry(aws: RunningAws, write_config: ConfigWriter) -> Registry:
    group = f"registry-{uuid.uuid4().hex[:8]}"
    config = write_config(pipeline={"name": group}, registration={"model_package_group": group})
    return Registry(aws, group, config)


def test_a_version_is_decided_on_with_a_reason_and_the_history_tells(
    registry: Registry, browser: Browser, tmp_path: Path
) -> None:
    empty = registry.type("history")
    assert (empty.returncode, f"{registry.group} has no version yet" in empty.stdout) == (0, True)

    registry.aws.client("sagemaker").create_model_package_group(
        ModelPackageGroupName=registry.group
    )
    first = registry.register("0.71 n=45 errors=0")
    second = registry.register("none n=0 errors=45")
    third = registry.register("0.91 n=44 errors=1")

    approved = registry.type("approve", "1", "--reason", "read the failed\nrows")
    assert approved.returncode == 0, approved.stderr
    assert registry.package(first)["ModelApprovalStatus"] == "Approved"
    assert registry.package(first)["ApprovalDescription"].endswith(": read the failed rows")
    rejected = registry.type("reject", second, "--reason", "\x1b[31mno numbers")
    assert rejected.returncode == 0, rejected.stderr
    assert "\x1b" not in rejected.stdout

    page = tmp_path / "history.html"
    told = registry.type("history", "--html", str(page))
    assert told.returncode == 0, told.stderr
    assert "1 champion" in told.stdout
    assert "read the failed rows" in told.stdout
    assert "▁ █  0.71 first, 0.91 now, n=44, min 0.7" in told.stdout
    text = page.read_text(encoding="utf-8")
    assert "1 ★ champion" in text
    assert "2: none (n=0)" in text
    browser.visit(page.as_uri())
    seen = looked_at(browser)
    assert (seen["violations"], seen["contrasts"] > 20) == ([], True)
    assert "\x1b" not in text

    newest = registry.type("approve", "--reason", "as version 1")  # the one that still waits
    assert newest.returncode == 0, newest.stderr
    assert registry.package(third)["ModelApprovalStatus"] == "Approved"
    nothing = registry.type("approve", "--reason", "more")
    assert nothing.returncode == 2
    assert "waits for a decision: name one by its number" in nothing.stderr


def test_what_no_evaluation_has_passed_is_not_approved(registry: Registry) -> None:
    sagemaker = registry.aws.client("sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName=registry.group)
    foreign = sagemaker.create_model_package(
        ModelPackageGroupName=registry.group,
        InferenceSpecification=SPECIFICATION,
        CustomerMetadataProperties={"verdict": "passed"},  # by somebody else
    )["ModelPackageArn"]
    missed = registry.register("0.3 n=45 errors=0", verdict="not passed")
    for version, told in (("1", "it carries no verdict"), ("2", "its verdict is 'not passed'")):
        done = registry.type("approve", version, "--reason", "trust me")
        assert done.returncode == 2
        assert f"version {version} cannot be approved here: {told}" in done.stderr
    for arn in (foreign, missed):
        assert registry.package(arn)["ModelApprovalStatus"] == "PendingManualApproval"
    assert registry.type("reject", "1", "--reason", "not ours").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("9", "--reason", "why"), "has no version 9; it has 1"),
        (("1", "--reason", " \n"), "--reason: say why"),
        (("1", "--reason", "x" * 1_024), "characters too long: SageMaker keeps 1,024"),
    ],
)
def test_a_decision_that_cannot_be_kept_is_refused(
    registry: Registry, arguments: tuple[str, ...], told: str
) -> None:
    registry.aws.client("sagemaker").create_model_package_group(
        ModelPackageGroupName=registry.group
    )
    registry.register("0.9 n=45 errors=0")
    done = registry.type("approve", *arguments)
    assert done.returncode == 2
    assert told in done.stderr


def test_a_line_of_signs_has_one_for_each_version() -> None:
    assert signs([0.0, None, 0.5, 1.0]) == "▁ ▅█"
    assert signs([0.7, 0.7]) == "▅▅"
