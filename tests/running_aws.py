"""The local AWS with all that stands around it, as the tests see it: what a user could do."""

from __future__ import annotations

import os
import queue
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from local_runs import local_client

REPOSITORY = Path(__file__).resolve().parents[1]
ConfigWriter = Callable[..., Path]


def run_script(script: str) -> subprocess.CompletedProcess[str]:
    """Python code in a process of its own, in the repository's folder."""
    return subprocess.run(
        [sys.executable, "-c", script],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@dataclass
class RunningAws:
    """`pipeline_definition.py local`, and what a user types in the other terminal."""

    environment: dict[str, str]
    mlflow: str
    lines: list[str] = field(default_factory=list)

    def type(
        self, *arguments: str, folder: Path = REPOSITORY, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """A command in this process, in which the SDK is imported once for all tests."""
        from typed_command import typed

        return typed(*arguments, folder=folder, **{**self.environment, **environment})

    def type_in_a_process(self, *arguments: str) -> subprocess.CompletedProcess[str]:
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
        return local_client(self.environment[f"AWS_ENDPOINT_URL{suffix}"], service)

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

    def judge_calls(self, model: str) -> dict[str, int]:
        """How the demo judge's calls to one model ended: outcome -> number."""
        address = self.environment["AWS_ENDPOINT_URL_BEDROCK_RUNTIME"]
        told: dict[str, int] = httpx.get(f"{address}/_demo/calls").json()["by_name"][model]
        return told

    def _put(self, service: str, path: str, behaviour: dict[str, Any]) -> None:
        address = self.environment[f"AWS_ENDPOINT_URL_{service}"]
        httpx.put(f"{address}/_demo/{path}", json=behaviour).raise_for_status()


@contextmanager
def local_aws_running(state: Path, *options: str) -> Iterator[RunningAws]:
    """`pipeline_definition.py local` with these options, until the block ends."""
    from pipeline.local.demo.services import four_free_ports

    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    # whoever looks at the same moment, another worker or another run, would find the same ports
    first_port = 14566 + 500 * worker + 4 * (os.getpid() % 100)
    command = [
        *(sys.executable, "pipeline_definition.py", "local"),
        *("--port", str(four_free_ports(first_port)), "--state", str(state), *options),
    ]
    process = subprocess.Popen(
        command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    running = RunningAws({}, "")
    printed: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            running.lines.append(line)
            printed.put(line)
        printed.put(None)

    threading.Thread(target=read, daemon=True).start()
    while not running.mlflow:
        line = printed.get(timeout=90)
        assert line is not None, "the local AWS did not start:\n" + "".join(running.lines)
        if variable := re.fullmatch(r"export (\w+)=(\S+)\n", line):
            running.environment[variable[1]] = variable[2]
        if address := re.match(r"# MLflow: (\S+)", line):
            running.mlflow = address[1]
    yield running
    process.terminate()
    assert process.wait(timeout=30) == 0
