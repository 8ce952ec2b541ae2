"""Each example on the local AWS: its good model is registered, its worse one is stopped."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from running_aws import REPOSITORY, RunningAws

from processing.config_file import load_config

pytestmark = pytest.mark.integration

EXAMPLES = sorted(path.parent for path in (REPOSITORY / "examples").glob("*/evaluation.yaml"))


def evaluate(aws: RunningAws, folder: Path, endpoint: str) -> subprocess.CompletedProcess[str]:
    return aws.type(
        *("start", "--config", str(folder / "evaluation.yaml"), "--wait", "--poll-seconds", "0.3"),
        *("-p", f"MlflowTrackingUri={aws.mlflow}", "-p", f"EndpointName={endpoint}"),
    )


@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda folder: folder.name)
def test_the_good_model_is_registered_and_the_worse_one_stopped(
    aws: RunningAws, folder: Path
) -> None:
    path = folder / "evaluation.yaml"
    upserted = aws.type("upsert", "--config", str(path))
    assert upserted.returncode == 0, upserted.stderr
    config = load_config(path)
    own = [spec.name for spec in config.scorers if spec.kind == "file"]

    good = evaluate(aws, folder, config.endpoint.name)
    assert good.returncode == 0, good.stdout + good.stderr
    assert f"model-package/{config.registration.model_package_group}/1" in good.stdout
    for scorer in own:
        assert re.search(rf"{scorer} +\S+ +\S+ +\d+ +0 .*holds", good.stdout), good.stdout

    worse = evaluate(aws, folder, config.endpoint.name.removesuffix("-good") + "-worse")
    assert worse.returncode == 1, worse.stdout + worse.stderr
    assert re.search(rf"Quality gate not passed: .*({'|'.join(own)}) 0\.\d+ < min", worse.stdout)
    group = config.registration.model_package_group
    listed = aws.client("sagemaker").list_model_packages(ModelPackageGroupName=group)
    assert len(listed["ModelPackageSummaryList"]) == 1


def test_a_model_that_knows_nothing_of_the_subject_is_stopped_and_the_reason_says_why(
    aws: RunningAws,
) -> None:
    """Health, asked for Python: no code at all, and the message names that."""
    folder = REPOSITORY / "examples" / "code-generation"
    assert aws.type("upsert", "--config", str(folder / "evaluation.yaml")).returncode == 0
    done = evaluate(aws, folder, "health-qa-good")
    assert done.returncode == 1
    assert "code_parses 0 < min 0.95 (n=30)" in done.stdout
