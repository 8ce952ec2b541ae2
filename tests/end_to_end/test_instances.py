"""The pipeline's own definition with several instances: shards, hosts, and the parts' meeting."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from pipelines import WITHOUT_JUDGE, named, read_s3
from running_aws import ConfigWriter, RunningAws

pytestmark = pytest.mark.integration

BUCKET = "llm-evaluation-demo"
STAND_IN = Path(__file__).with_name("one_of_many.py")


def run_instances(
    aws: RunningAws, config: Path, name: str, *arguments: str
) -> tuple[dict[str, Any], str]:
    """Run the first two steps, the evaluation replaced by the stand-in; EvaluateModel's step."""
    upserted = aws.type("upsert", "--config", str(config))
    assert upserted.returncode == 0, upserted.stderr
    sagemaker = aws.client("sagemaker")
    described = sagemaker.describe_pipeline(PipelineName=name)
    document = json.loads(described["PipelineDefinition"])
    document["Steps"] = document["Steps"][:2]
    evaluate = document["Steps"][1]
    assert evaluate["Name"] == "EvaluateModel"
    application = evaluate["Arguments"]["AppSpecification"]
    application["ContainerEntrypoint"] = ["python3", str(STAND_IN)]
    application["ContainerArguments"] += arguments
    sagemaker.update_pipeline(PipelineName=name, PipelineDefinition=json.dumps(document))
    arn = sagemaker.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"]
    deadline = time.monotonic() + 120
    while sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)[
        "PipelineExecutionStatus"
    ] in ("Executing", "Stopping"):
        assert time.monotonic() < deadline
        time.sleep(0.3)
    steps = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn)
    by_name = {step["StepName"]: step for step in steps["PipelineExecutionSteps"]}
    return by_name["EvaluateModel"], arn.rpartition("/")[2]


def several(name: str, instances: int) -> dict[str, Any]:
    infrastructure = {"prefix": name, "evaluate": {"instance_count": instances}}
    return {**named(name, **WITHOUT_JUDGE), "infrastructure": infrastructure}


def prepared(aws: RunningAws, name: str, execution: str, file: str) -> bytes:
    return read_s3(aws, f"s3://{BUCKET}/{name}/runs/{execution}/dataset/{file}")


def kept(aws: RunningAws, name: str) -> list[tuple[str, list[str]]]:
    """Key and lines of each file that a pipeline's jobs have left in the store."""
    listed = aws.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=f"{name}/store/")
    keys = [entry["Key"] for entry in listed.get("Contents", [])]
    return [(key, read_s3(aws, f"s3://{BUCKET}/{key}").decode().splitlines()) for key in keys]


@pytest.mark.parametrize("instances", [2, 5])
def test_the_leader_has_every_row_in_the_order_of_the_dataset(
    aws: RunningAws, write_config: ConfigWriter, instances: int
) -> None:
    name = f"instances-{instances}"
    step, execution = run_instances(aws, write_config(**several(name, instances)), name)
    assert step["StepStatus"] == "Succeeded", step
    manifest = json.loads(prepared(aws, name, execution, "manifest.json"))
    rows = [
        json.loads(line)
        for shard in manifest["shards"]
        for line in prepared(aws, name, execution, f"shards/{shard['name']}").splitlines()
    ]
    assert len(rows) == manifest["counts"]["written"] == 40
    [merged] = [read_s3(aws, f"s3://{BUCKET}/{name}/runs/{execution}/evaluation/evaluation.json")]
    document = json.loads(merged)
    assert document["hosts"] == [f"algo-{n + 1}" for n in range(instances)]
    assert len(document["shares"]) == 1
    assert document["ids"] == [row["row_id"] for row in rows]
    assert document["answers"] == [row["inputs"]["question"].upper() for row in rows]
    assert sorted(line for _, lines in kept(aws, name) for line in lines) == sorted(document["ids"])


def test_an_instance_that_dies_fails_the_job_and_what_was_paid_for_is_kept(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    config = write_config(**several("instance-dies", 3))
    step, execution = run_instances(aws, config, "instance-dies", "--dies", "algo-2")
    assert step["StepStatus"] == "Failed"
    assert "exit code: 137" in step["FailureReason"]
    [of_the_dead] = [lines for key, lines in kept(aws, "instance-dies") if "-algo-2." in key]
    assert len(of_the_dead) in (13, 14)
    leader_waited_for = f"s3://{BUCKET}/instance-dies/runs/{execution}/evaluation/evaluation.json"
    with pytest.raises(ClientError, match="NoSuchKey"):
        read_s3(aws, leader_waited_for)
