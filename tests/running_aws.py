"""The local AWS with all that stands around it, as the tests see it: what a user could do."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import httpx

REPOSITORY = Path(__file__).resolve().parents[1]
ConfigWriter = Callable[..., Path]


@dataclass
class RunningAws:
    """`pipeline_definition.py local`, and what a user types in the other terminal."""

    environment: dict[str, str]
    mlflow: str
    lines: list[str] = field(default_factory=list)

    def type(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.command(*arguments), **self.as_user(), timeout=240, check=False)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "pipeline_definition.py", *arguments]

    def as_user(self) -> dict[str, Any]:
        return {
            "env": {**os.environ, **self.environment},
            "cwd": REPOSITORY,
            "text": True,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
        }

    def client(self, service: str) -> Any:
        names = {"sagemaker-runtime": "SAGEMAKER_RUNTIME", "bedrock-runtime": "BEDROCK_RUNTIME"}
        suffix = f"_{names[service]}" if service in names else ""
        return boto3.client(
            service,
            endpoint_url=self.environment[f"AWS_ENDPOINT_URL{suffix}"],
            region_name="us-east-1",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )

    def add_endpoint(self, name: str, **behaviour: Any) -> None:
        """A model behind an endpoint: SageMaker's side of it, and what the demo answers for it."""
        sagemaker = self.client("sagemaker")
        container = {"Image": "demo", "ModelDataUrl": "s3://llm-evaluation-demo/models/m.tar.gz"}
        sagemaker.create_model(
            ModelName=f"{name}-model",
            ExecutionRoleArn="arn:aws:iam::123456789012:role/llm-evaluation-job",
            PrimaryContainer=container,
        )
        variant = {
            "VariantName": "AllTraffic",
            "ModelName": f"{name}-model",
            "InstanceType": "ml.g4dn.xlarge",
            "InitialInstanceCount": 1,
        }
        self._put("SAGEMAKER_RUNTIME", f"endpoints/{name}", behaviour)
        sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
        while sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] == "Creating":
            time.sleep(0.1)

    def set_judge(self, model: str, **behaviour: Any) -> None:
        self._put("BEDROCK_RUNTIME", f"models/{model}", behaviour)

    def calls(self, service: str) -> int:
        """How many calls the demo endpoint (SAGEMAKER_RUNTIME) or judge (BEDROCK_RUNTIME) had."""
        address = self.environment[f"AWS_ENDPOINT_URL_{service}"]
        return int(httpx.get(f"{address}/_demo/calls").json()["total"])

    def _put(self, service: str, path: str, behaviour: dict[str, Any]) -> None:
        address = self.environment[f"AWS_ENDPOINT_URL_{service}"]
        httpx.put(f"{address}/_demo/{path}", json=behaviour).raise_for_status()
