"""Pipelines that a test creates on the local AWS, starts and waits for."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any

import boto3
from local_definitions import ROLE

ROLE_OF_RULE = "arn:aws:iam::123456789012:role/rule"
SECONDS_TO_WAIT = 30
REGION = "us-east-1"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": REGION,
}


def local_client(url: str, service: str, **more: Any) -> Any:
    """A client of the local AWS at that address."""
    return boto3.client(
        service,
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        **more,
    )


class Runs:
    """Creates a pipeline, starts it, and waits for its end."""

    def __init__(self, sagemaker: Any) -> None:
        self._sagemaker = sagemaker

    def create(self, text: str, **more: Any) -> str:
        name = f"p-{uuid.uuid4().hex[:12]}"
        self._sagemaker.create_pipeline(
            PipelineName=name, PipelineDefinition=text, RoleArn=ROLE, **more
        )
        return name

    def start(self, text: str, *, parameters: dict[str, str] | None = None, **more: Any) -> str:
        return self.start_pipeline(self.create(text), parameters=parameters, **more)

    def start_pipeline(
        self, name: str, *, parameters: dict[str, str] | None = None, **more: Any
    ) -> str:
        answer = self._sagemaker.start_pipeline_execution(
            PipelineName=name,
            PipelineParameters=[
                {"Name": key, "Value": value} for key, value in (parameters or {}).items()
            ],
            **more,
        )
        return str(answer["PipelineExecutionArn"])

    def wait(self, arn: str) -> str:
        """The status that the execution ended with."""
        status = ""

        def has_ended() -> bool:
            nonlocal status
            status = self._sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)[
                "PipelineExecutionStatus"
            ]
            return status not in {"Executing", "Stopping"}

        eventually(has_ended)
        return status

    def steps(self, arn: str) -> dict[str, dict[str, Any]]:
        listed = self._sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn)
        return {step["StepName"]: step for step in listed["PipelineExecutionSteps"]}

    def run(self, text: str, **more: Any) -> tuple[str, dict[str, dict[str, Any]]]:
        """Status and steps of a new pipeline's execution."""
        arn = self.start(text, **more)
        return self.wait(arn), self.steps(arn)


def eventually(holds: Callable[[], Any], seconds: float = SECONDS_TO_WAIT) -> Any:
    """What `holds` answers once that is true. Fails when it never is."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = holds()
        if answer:
            return answer
        time.sleep(0.05)
    raise AssertionError(f"{holds} did not become true within {seconds} s")
