"""An AWS for these tests: the local one, in this process, with a bucket and roles."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest
from running_aws import REPOSITORY
from typed_command import CREDENTIALS

from pipeline.definition.bundle import load_bundle
from pipeline.local.aws import serve
from pipeline.local.server.account import furnish


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an AWS that has what the example needs, but no pipeline yet."""
    state = tmp_path_factory.mktemp("account")
    server = serve(0, state_dir=state, job_environment={}, echo=lambda _: None)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**CREDENTIALS, "AWS_ENDPOINT_URL": server.url}.items():
            patch.setenv(name, value)
        config = load_bundle(REPOSITORY / "evaluation.yaml").config
        furnish(boto3.Session(region_name="us-east-1"), config, [])
    yield server.url
    server.stop()
