"""A model is registered by a step of Pipelines or by a job of ours: the same package either way."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from pipelines import WITHOUT_JUDGE, execution_id, named, packages, run
from running_aws import ConfigWriter, RunningAws

pytestmark = pytest.mark.integration

NAME = "two-ways"
REGISTER_ROLE = "arn:aws:iam::123456789012:role/llm-evaluation-register"
JOB = {"model_package_group": f"{NAME}-group", "by": "job"}


@pytest.fixture
def by_step(write_config: ConfigWriter) -> Path:
    return write_config(**named(NAME, **WITHOUT_JUDGE))


def write_by_job(write_config: ConfigWriter) -> Path:
    infrastructure = {"prefix": NAME, "register_role": REGISTER_ROLE}
    changes = {**WITHOUT_JUDGE, "registration": JOB, "infrastructure": infrastructure}
    return write_config(**named(NAME, **changes))


@contextmanager
def refusing(aws: RunningAws, *names: str) -> Iterator[None]:
    address = f"{aws.environment['AWS_ENDPOINT_URL']}/_local/refusals"
    httpx.post(address, json={"refuse": list(names)}).raise_for_status()
    try:
        yield
    finally:
        httpx.post(address, json={"refuse": []}).raise_for_status()


def last_line(text: str) -> str:
    return text.strip().splitlines()[-1]


def comparable(package: dict[str, Any]) -> dict[str, Any]:
    """Without what is another for every execution: names, times, and digests of the file."""
    given = package["CustomerMetadataProperties"]
    fingerprint = given["evaluation_fingerprint"]
    execution = package["MetadataProperties"]["GeneratedBy"].rpartition("/")[2]
    apart = (given["mlflow_run_id"], given["config_sha256"], fingerprint, fingerprint[:16])
    text = json.dumps(package, default=str, sort_keys=True)
    for value in apart:
        text = text.replace(value, "...")
    text = re.sub(rf"processing-job/pipelines-{execution}-EvaluateModel-\w+", "...", text)
    text = re.sub(rf"{NAME}-group/\d+", "...", text.replace(execution, "..."))
    found: dict[str, Any] = json.loads(text)
    changing = ("CreationTime", "LastModifiedTime", "ModelPackageVersion", "ResponseMetadata")
    return {name: value for name, value in found.items() if name not in changing}


@pytest.mark.parametrize("refused", ["source-uri", "fail-message"])
def test_a_refused_upsert_ends_with_what_to_write(
    aws: RunningAws, by_step: Path, refused: str
) -> None:
    with refusing(aws, refused):
        upserted = aws.type("upsert", "--config", str(by_step))
    assert upserted.returncode == 2
    assert "write registration.by: job" in last_line(upserted.stderr)
    assert by_step.name in last_line(upserted.stderr)


def test_a_card_that_is_too_large_for_the_step_is_told_with_what_to_write(
    aws: RunningAws, by_step: Path
) -> None:
    registered = len(packages(aws, NAME))
    with refusing(aws, "large-card"):
        failed = run(aws, by_step)
    assert failed.returncode == 3
    assert "write registration.by: job into evaluation.yaml" in failed.stdout
    assert len(packages(aws, NAME)) == registered


def test_step_and_job_register_equal_packages(
    aws: RunningAws, by_step: Path, write_config: ConfigWriter
) -> None:
    done = run(aws, by_step)
    assert done.returncode == 0, done.stdout + done.stderr
    by_job = write_by_job(write_config)
    made = aws.type("permissions", "create", "--config", str(by_job))
    assert f"register role {REGISTER_ROLE}" in made.stdout, made.stderr
    with refusing(aws, "source-uri", "fail-message", "large-card"):
        done = run(aws, by_job)
    assert done.returncode == 0, done.stdout + done.stderr
    *_, first, second = sorted(packages(aws, NAME), key=lambda p: p["ModelPackageVersion"])
    assert len(first["ModelCard"]["ModelCardContent"]) > 1_000
    assert comparable(second) == comparable(first)
    assert f"registered: {second['ModelPackageArn']}" in done.stdout


def test_the_job_registers_only_what_the_gate_lets_through(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    by_job = write_by_job(write_config)
    registered = len(packages(aws, NAME))
    done = run(aws, by_job, "MinRougeLFmeasure=0.99")
    assert done.returncode == 1
    assert len(packages(aws, NAME)) == registered
    arn = f"arn:aws:sagemaker:us-east-1:123456789012:pipeline/{NAME}/execution"
    steps = aws.client("sagemaker").list_pipeline_execution_steps(
        PipelineExecutionArn=f"{arn}/{execution_id(done.stdout)}"
    )["PipelineExecutionSteps"]
    reasons = {step["StepName"]: step.get("FailureReason") for step in steps}
    assert "RegisterModel" not in reasons
    assert f"/runs/{execution_id(done.stdout)}/evaluation/evaluation.json" in str(
        reasons["GateFailed"]
    )
    assert "rougeL_fmeasure" in done.stdout
