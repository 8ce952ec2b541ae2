"""`local` with any file has the endpoints, variants and inference components that it names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from pipelines import WITHOUT_JUDGE, named
from running_aws import ConfigWriter, RunningAws, local_aws_running

pytestmark = pytest.mark.integration


def tried(aws: RunningAws, config: Path, *options: str) -> set[str]:
    """The endpoints that `try` has evaluated by now; each has answered its two rows."""
    arguments = ("--config", str(config), "--rows", "2", "--no-mlflow", *options)
    done = aws.type("try", *arguments, folder=config.parent)
    assert done.returncode == 0, done.stdout + done.stderr
    files = (config.parent / ".runs").rglob("evaluation.json")
    documents: list[dict[str, Any]] = [json.loads(file.read_text()) for file in files]
    assert {document["counts"]["answered"] for document in documents} == {2}
    return {document["model"]["endpoint_name"] for document in documents}


def test_a_production_variant_is_there_at_every_endpoint(
    write_config: ConfigWriter, tmp_path: Path
) -> None:
    endpoint = {"name": "two-variants", "variant": "blue"}
    variants = {"blue": {}, "green": {"endpoint.variant": "green"}}
    config = write_config(
        **named("blue-green", **WITHOUT_JUDGE, endpoint=endpoint, variants=variants)
    )
    with local_aws_running(tmp_path / "state", "--config", str(config)) as aws:
        assert tried(aws, config, "--variants") == {"two-variants"}
        described = aws.client("sagemaker").describe_endpoint_config(
            EndpointConfigName="two-variants-config"
        )
        there = [variant["VariantName"] for variant in described["ProductionVariants"]]
        assert there == ["blue", "green"]
        assert "health-qa-worse" in tried(aws, config, "--endpoint", "health-qa-worse")


def test_inference_components_are_there(write_config: ConfigWriter, tmp_path: Path) -> None:
    endpoint = {"name": "shared", "inference_component": "part-1"}
    elsewhere = {"endpoint.name": "elsewhere", "endpoint.inference_component": "part-3"}
    variants = {"one": {}, "two": {"endpoint.inference_component": "part-2"}, "three": elsewhere}
    config = write_config(**named("parts", **WITHOUT_JUDGE, endpoint=endpoint, variants=variants))
    with local_aws_running(tmp_path / "state", "--config", str(config)) as aws:
        assert any("shared, elsewhere, " in line for line in aws.lines)
        assert tried(aws, config, "--variants") == {"shared", "elsewhere"}
        sagemaker = aws.client("sagemaker")
        described = sagemaker.describe_inference_component(InferenceComponentName="part-2")
        assert described["EndpointName"] == "shared"
        assert described["InferenceComponentStatus"] == "InService"
        with pytest.raises(ClientError, match="already existing"):
            sagemaker.create_inference_component(
                InferenceComponentName="part-2", EndpointName="shared"
            )
        sagemaker.delete_inference_component(InferenceComponentName="part-2")
        with pytest.raises(ClientError, match="Could not find inference component"):
            sagemaker.describe_inference_component(InferenceComponentName="part-2")
