"""Each example on the local AWS: its good model is registered, its worse one is stopped."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from end_to_end.pipelines import evaluation, execution_id, start, step_reason
from running_aws import REPOSITORY, RunningAws

from processing.config.file import load_config

pytestmark = pytest.mark.integration

TRAFFIC = REPOSITORY / "examples" / "traffic"
"""Evaluates answers that were given: there is no good and no worse model."""

ROWS = 60
"""At most, of each example: health's 500 would take minutes."""

EXAMPLES = sorted(
    path.parent
    for path in (REPOSITORY / "examples").glob("*/evaluation.yaml")
    if path.parent != TRAFFIC
)


@pytest.fixture(scope="module", autouse=True)
def pipelines(aws: RunningAws) -> None:
    for folder in EXAMPLES:
        upserted = aws.type("upsert", "--config", str(folder / "evaluation.yaml"))
        assert upserted.returncode == 0, upserted.stderr


def evaluate(aws: RunningAws, folder: Path, endpoint: str) -> subprocess.CompletedProcess[str]:
    config = folder / "evaluation.yaml"
    return start(aws, config, f"EndpointName={endpoint}", f"SampleSize={ROWS}")


@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda folder: folder.name)
def test_the_good_model_is_registered_and_the_worse_one_stopped(
    aws: RunningAws, folder: Path
) -> None:
    config = load_config(folder / "evaluation.yaml")
    own = {spec.name for spec in config.scorers if spec.kind == "file"}
    group = config.registration.model_package_group
    prefix = config.infrastructure.prefix

    good = evaluate(aws, folder, config.endpoint.name)
    assert good.returncode == 0, good.stdout + good.stderr
    checks = evaluation(aws, prefix, good.stdout)["thresholds"].values()
    assert own <= {check["metric"] for check in checks if check["passed"]}

    worse = evaluate(aws, folder, config.endpoint.name.removesuffix("-good") + "-worse")
    assert worse.returncode == 1, worse.stdout + worse.stderr
    execution = execution_id(worse.stdout)
    reason = step_reason(aws, config.pipeline.name, execution, "GateFailed")
    assert re.search(rf"not passed: .*({'|'.join(own)}) 0\.\d+ < min", reason), reason
    listed = aws.client("sagemaker").list_model_packages(ModelPackageGroupName=group)
    assert len(listed["ModelPackageSummaryList"]) == 1, "the good model's, and no other"


def test_a_model_that_knows_nothing_of_the_subject_is_stopped_and_the_reason_says_why(
    aws: RunningAws,
) -> None:
    """Health, asked for Python: no code at all, and the message names that."""
    folder = REPOSITORY / "examples" / "code-generation"
    done = evaluate(aws, folder, "health-qa-good")
    assert done.returncode == 1
    pipeline = load_config(folder / "evaluation.yaml").pipeline.name
    reason = step_reason(aws, pipeline, execution_id(done.stdout), "GateFailed")
    assert "code_parses 0 < min 0.95 (n=30)" in reason


def test_the_traffic_of_an_endpoint_is_evaluated_as_it_was_captured(aws: RunningAws) -> None:
    config = TRAFFIC / "evaluation.yaml"
    served = subprocess.run(
        [sys.executable, str(TRAFFIC / "serve_customers.py")], **aws.as_user(), check=False
    )
    assert served.returncode == 0, served.stderr
    upserted = aws.type("upsert", "--config", str(config))
    assert upserted.returncode == 0, upserted.stderr
    asked = aws.calls("SAGEMAKER_RUNTIME")
    done = start(aws, config)
    assert done.returncode == 0, done.stdout + done.stderr
    assert aws.calls("SAGEMAKER_RUNTIME") == asked
    assert "registered: nothing: the answers were given" in done.stdout
    report = evaluation(aws, "traffic", done.stdout)
    assert 25 <= report["counts"]["rows"] <= 48
    assert report["model"]["answers"] == "given"
    prefix = f"traffic/runs/{execution_id(done.stdout)}/dataset"
    s3 = aws.client("s3")
    rows = s3.get_object(Bucket="llm-evaluation-demo", Key=f"{prefix}/dataset.jsonl")["Body"].read()
    assert b"[email]" in rows
    assert b"@example.org" not in rows
