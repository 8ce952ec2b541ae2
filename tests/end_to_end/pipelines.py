"""What the end-to-end tests do with a pipeline: run it, and look at what it left."""

from __future__ import annotations

import json
import re
import subprocess
import time
from pathlib import Path
from typing import Any

from running_aws import RunningAws

POLL_SECONDS = "1"  # to look more often takes processor time from the jobs of all workers

WITHOUT_JUDGE: dict[str, Any] = {
    "scorers": ["rougeL_fmeasure", {"is_brief": {"max_words": 80}}],
    "thresholds": {"rougeL_fmeasure": {"min": 0.35}, "is_brief": {"min": 0.9}},
}


def named(name: str, **changes: Any) -> dict[str, Any]:
    """Changes to the example that keep a test's pipeline and packages apart from the others'."""
    return {
        "pipeline": {"name": name},
        "registration": {"model_package_group": f"{name}-group"},
        "mlflow": {"experiment": name},
        "dataset": {"sample_size": 40},
        "infrastructure": {"prefix": name},
        "slices": {},
        **changes,
    }


def run(aws: RunningAws, config: Path, *parameters: str) -> subprocess.CompletedProcess[str]:
    """upsert, then start --wait with parameters `Name=Value`."""
    upserted = aws.type("upsert", "--config", str(config))
    assert upserted.returncode == 0, upserted.stderr
    return start(aws, config, *parameters)


def start(aws: RunningAws, config: Path, *parameters: str) -> subprocess.CompletedProcess[str]:
    return aws.type(*start_arguments(aws, config, *parameters))


def start_in_background(aws: RunningAws, config: Path, *parameters: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        aws.command(*start_arguments(aws, config, *parameters)), **aws.as_user()
    )


def start_arguments(aws: RunningAws, config: Path, *parameters: str) -> list[str]:
    given = {"MlflowTrackingUri": aws.mlflow, **dict(p.split("=", 1) for p in parameters)}
    options = [part for name, value in given.items() for part in ("-p", f"{name}={value}")]
    return ["start", "--config", str(config), "--wait", "--poll-seconds", POLL_SECONDS, *options]


def packages(aws: RunningAws, name: str) -> list[dict[str, Any]]:
    sagemaker = aws.client("sagemaker")
    groups = sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"]
    if f"{name}-group" not in [group["ModelPackageGroupName"] for group in groups]:
        return []
    listed = sagemaker.list_model_packages(ModelPackageGroupName=f"{name}-group")
    return [
        sagemaker.describe_model_package(ModelPackageName=summary["ModelPackageArn"])
        for summary in listed["ModelPackageSummaryList"]
    ]


def read_s3(aws: RunningAws, uri: str) -> bytes:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    body: bytes = aws.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    return body


def evaluation(aws: RunningAws, name: str, output: str) -> dict[str, Any]:
    """The evaluation.json of the execution that `start` printed."""
    folder = f"s3://llm-evaluation-demo/{name}/runs/{execution_id(output)}/evaluation"
    document: dict[str, Any] = json.loads(read_s3(aws, f"{folder}/evaluation.json"))
    return document


def kept(aws: RunningAws, name: str, shelf: str) -> list[dict[str, Any]]:
    """The records that a pipeline's jobs have left in the store."""
    listed = aws.client("s3").list_objects_v2(
        Bucket="llm-evaluation-demo", Prefix=f"{name}/store/{shelf}/"
    )
    return [
        json.loads(line)
        for entry in listed.get("Contents", [])
        for line in read_s3(aws, f"s3://llm-evaluation-demo/{entry['Key']}").splitlines()
    ]


def execution_id(output: str) -> str:
    found = re.search(r"/execution/(\S+)", output)
    assert found, output
    return found[1]


def step_reason(aws: RunningAws, config_name: str, execution: str, step: str) -> str:
    arn = f"arn:aws:sagemaker:us-east-1:123456789012:pipeline/{config_name}/execution/{execution}"
    listed = aws.client("sagemaker").list_pipeline_execution_steps(PipelineExecutionArn=arn)
    steps = {s["StepName"]: s for s in listed["PipelineExecutionSteps"]}
    assert step in steps, f"{step} did not run: {steps}"
    return str(steps[step].get("FailureReason", ""))


def everything(aws: RunningAws, state: Path) -> dict[str, bytes]:
    """All that S3, MLflow, the logs and the local AWS's folder hold."""
    found = {str(path): path.read_bytes() for path in state.rglob("*") if path.is_file()}
    s3, logs = aws.client("s3"), aws.client("logs")
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket="llm-evaluation-demo"):
        for entry in page["Contents"]:
            found[entry["Key"]] = read_s3(aws, f"s3://llm-evaluation-demo/{entry['Key']}")
    found["logs"] = "\n".join(log_lines(logs)).encode()
    return found


def log_lines(logs: Any) -> list[str]:
    group = "/aws/sagemaker/ProcessingJobs"
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group)
    try:
        return [event["message"] for page in pages for event in page["events"]]
    except logs.exceptions.ResourceNotFoundException:
        return []  # no job has run yet


def evaluating(endpoint: str) -> int:
    """The process id of the evaluation of that endpoint, once there is one."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = subprocess.run(
            ["pgrep", "-f", f"processing.evaluate .*--endpoint-name {endpoint} "],
            capture_output=True, text=True, check=False,
        ).stdout.split()  # fmt: skip
        for pid in found:
            if "python" in Path(f"/proc/{pid}/comm").read_text():
                return int(pid)
        time.sleep(0.1)
    raise AssertionError(f"nothing evaluates {endpoint}")
