"""What the local AWS is told to refuse of a definition, and what it takes all the same."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.exceptions import ClientError
from local_definitions import definition, register

from pipeline.local.aws import LocalAws, serve

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    folder: Path = tmp_path_factory.mktemp("refusing")
    server = serve(0, state_dir=folder, job_environment={}, echo=str, refuse=["source-uri"])
    yield server
    server.stop()


@pytest.fixture
def sagemaker(refusing: LocalAws) -> Any:
    return boto3.client(
        "sagemaker",
        endpoint_url=refusing.url,
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )


def create(sagemaker: Any, text: str) -> None:
    sagemaker.create_pipeline(
        PipelineName=f"refused-{os.urandom(4).hex()}",
        PipelineDefinition=text,
        RoleArn="arn:aws:iam::123456789012:role/pipeline",
    )


def with_source_uri() -> str:
    step = register("Register", "group")
    step["Arguments"]["SourceUri"] = "arn:aws:sagemaker:us-east-1:123456789012:model/m"
    step["Arguments"].pop("InferenceSpecification", None)
    return definition(step)


def test_refused_from_the_start_until_told_otherwise(refusing: LocalAws, sagemaker: Any) -> None:
    create(sagemaker, definition(register("Register", "group")))
    with pytest.raises(ClientError, match="Unknown Argument member: SourceUri"):
        create(sagemaker, with_source_uri())
    httpx.post(f"{refusing.url}/_local/refusals", json={"refuse": []}).raise_for_status()
    create(sagemaker, with_source_uri())


@pytest.mark.parametrize("given", [{}, {"refuse": "source-uri"}, {"refuse": ["anything"]}])
def test_what_is_no_refusal_is_said_with_those_there_are(
    refusing: LocalAws, given: dict[str, Any]
) -> None:
    answer = httpx.post(f"{refusing.url}/_local/refusals", json=given)
    assert answer.status_code == 400
    assert "source-uri, fail-message, large-card" in answer.text
