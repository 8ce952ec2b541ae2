"""`pipeline.cache`: rows that have been prepared once are used again, as long as they are right."""

from __future__ import annotations

from typing import Any

import pytest
from pipelines import WITHOUT_JUDGE, named, run, start
from running_aws import REPOSITORY, ConfigWriter, RunningAws

pytestmark = pytest.mark.integration

QUESTIONS = REPOSITORY / "examples" / "health" / "questions.jsonl"


def cached(name: str, **changes: Any) -> dict[str, Any]:
    return named(name, **{**WITHOUT_JUDGE, "pipeline": {"name": name, "cache": "P30D"}, **changes})


def prepared(aws: RunningAws, name: str) -> list[tuple[str, str | None]]:
    """By execution, oldest first: its PrepareDataset's job, and which execution it was cached from.

    An execution is named by its number, the first is "0".
    """
    sagemaker = aws.client("sagemaker")
    listed = sagemaker.list_pipeline_executions(PipelineName=name, SortOrder="Ascending")
    arns = [one["PipelineExecutionArn"] for one in listed["PipelineExecutionSummaries"]]
    found = []
    for arn in arns:
        steps = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn)
        [step] = [s for s in steps["PipelineExecutionSteps"] if s["StepName"] == "PrepareDataset"]
        source = step.get("CacheHitResult", {}).get("SourcePipelineExecutionArn")
        job = step["Metadata"]["ProcessingJob"]["Arn"]
        found.append((job, str(arns.index(source)) if source else None))
    return found


def test_the_same_dataset_sample_and_seed_are_prepared_once_and_again_where_they_are_gone(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    name = "cached-rows"
    config = write_config(**cached(name))
    assert run(aws, config).returncode == 0
    again = start(aws, config)
    assert again.returncode == 0, again.stdout + again.stderr
    [first, second] = prepared(aws, name)
    assert second == (first[0], "0")
    assert "cached from execution" in again.stdout

    assert start(aws, config, "SampleSize=35").returncode == 0
    job, source = prepared(aws, name)[-1]
    assert job != first[0]
    assert source is None

    s3, bucket = aws.client("s3"), "llm-evaluation-demo"
    for entry in s3.list_objects_v2(Bucket=bucket, Prefix=f"{name}/runs/")["Contents"]:
        if "/dataset/" in entry["Key"]:
            s3.delete_object(Bucket=bucket, Key=entry["Key"])
    gone = start(aws, config)
    assert gone.returncode == 3
    assert "No S3 objects found" in gone.stdout
    assert "start -p DatasetVersion=again" in gone.stdout
    assert start(aws, config, "DatasetVersion=again").returncode == 0


def put_rows(aws: RunningAws, count: int) -> str:
    """The first rows of the example, always at the same address, which is returned."""
    s3, lines = aws.client("s3"), QUESTIONS.read_text().splitlines()[:count]
    s3.create_bucket(Bucket="their-rows")
    s3.put_object(Bucket="their-rows", Key="questions.jsonl", Body="\n".join(lines).encode())
    return "s3://their-rows/questions.jsonl"


def test_rows_that_changed_at_the_same_address_are_never_taken_from_the_cache(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    name, dataset = "changing-rows", put_rows(aws, 60)
    config = write_config(**cached(name, dataset={"source": dataset, "sample_size": 0}))
    as_in_studio = "DatasetVersion=not-looked-at"  # the parameter's default
    assert run(aws, config, as_in_studio).returncode == 0

    put_rows(aws, 50)
    stale = start(aws, config, as_in_studio)
    assert stale.returncode == 3
    assert f"{dataset} has changed since execution" in stale.stdout
    assert start(aws, config).returncode == 0
    assert start(aws, config).returncode == 0
    assert [source for _, source in prepared(aws, name)] == [None, "0", None, "2"]
