"""One local AWS for all tests of this folder, on a free loopback port."""

from __future__ import annotations

import functools
import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from local_runs import ENVIRONMENT, Runs, local_client

from pipeline.local.aws import REPOSITORY, LocalAws, serve
from pipeline.local.jobs.container import Container, JobFault, LineWriter, RunningContainer
from pipeline.local.jobs.process_runner import process_runner

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEquals": {"aws:SourceAccount": "123456789012"},
                "ArnLike": {"aws:SourceArn": "arn:aws:events:us-east-1:123456789012:rule/rule-*"},
            },
        }
    ],
}
START = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "sagemaker:StartPipelineExecution",
            "Resource": "arn:aws:sagemaker:us-east-1:123456789012:pipeline/*",
        }
    ],
}


class FaultyFleet:
    """Runs jobs as processes, but has no capacity for the first `FAULTS` attempts of a job.

    A job asks for it in its Environment: FAULT_ID, FAULTS (a count) and FAULT (the reason).
    """

    def __init__(self, home: Path) -> None:
        self._run = process_runner(repo_root=REPOSITORY, home=home)
        self._attempts: dict[str, int] = {}

    def __call__(self, container: Container, write_line: LineWriter) -> RunningContainer:
        wanted = container.environment
        if "FAULT_ID" in wanted:
            attempt = self._attempts.get(wanted["FAULT_ID"], 0)
            self._attempts[wanted["FAULT_ID"]] = attempt + 1
            if attempt < int(wanted["FAULTS"]):
                raise JobFault(wanted["FAULT"])
        return self._run(container, write_line)


@pytest.fixture(scope="session")
def terminal() -> list[str]:
    """Every line that the local AWS has shown."""
    return []


@pytest.fixture(scope="session")
def state_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("local-aws")


@pytest.fixture(scope="session")
def aws(state_dir: Path, terminal: list[str]) -> Iterator[LocalAws]:
    home = state_dir / "home"
    server = serve(
        0,
        state_dir=state_dir,
        job_environment=ENVIRONMENT,
        job_runner=FaultyFleet(home),
        echo=terminal.append,
        stop_grace_seconds=1.0,
    )
    yield server
    server.stop()


@pytest.fixture(scope="session")
def client(aws: LocalAws) -> Callable[[str], Any]:
    return functools.partial(local_client, aws.url)


@pytest.fixture(scope="session")
def sagemaker(client: Callable[[str], Any]) -> Any:
    return client("sagemaker")


@pytest.fixture(scope="session")
def s3(client: Callable[[str], Any]) -> Any:
    return client("s3")


@pytest.fixture(scope="session")
def role_of_rule(client: Callable[[str], Any]) -> None:
    """A role that rules of these tests start pipelines with."""
    iam = client("iam")
    iam.create_role(RoleName="rule", AssumeRolePolicyDocument=json.dumps(TRUST))
    iam.put_role_policy(RoleName="rule", PolicyName="start", PolicyDocument=json.dumps(START))


@pytest.fixture
def bucket(s3: Any) -> str:
    name = f"bucket-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    return name


@pytest.fixture
def runs(sagemaker: Any) -> Runs:
    return Runs(sagemaker)
