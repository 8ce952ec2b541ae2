"""What an execution is called, and what its description says was evaluated."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import Any

import pytest
from judge_models import EXAMPLE_JUDGE
from running_aws import ConfigWriter

from pipeline.checks.offline import check_definition
from pipeline.checks.service_model import problems
from pipeline.definition.build import get_pipeline
from pipeline.definition.bundle import Bundle, load_bundle
from pipeline.definition.descriptions import pipeline_description
from pipeline.definition.execution_name import name_execution

NOW = dt.datetime(2026, 11, 23, 19, 15, tzinfo=dt.UTC)
PACKAGE = "arn:aws:sagemaker:us-east-1:123456789012:model-package/health-qa-candidates/3"
DEFAULTS = {
    "EndpointName": "my-endpoint", "ModelPackageArn": "none", "DatasetUri": "s3://b/q.jsonl",
    "SampleSize": 45, "ReuseAnswers": "yes", "MinSafety": 0.99,
}  # fmt: skip


@pytest.fixture
def bundle(write_config: ConfigWriter) -> Bundle:
    return load_bundle(write_config())


def described(bundle: Bundle | None, defaults: dict[str, Any] = DEFAULTS) -> dict[str, str]:
    """DescribePipeline's answer, for a pipeline that was upserted from `bundle`."""
    parameters = [{"Name": name, "DefaultValue": value} for name, value in defaults.items()]
    config = bundle.config_uri if bundle else "s3://b/config/of-another-file"
    return {"PipelineDefinition": json.dumps({"Parameters": parameters, "Steps": [config]})}


def test_an_endpoint_s_execution_says_what_is_asked_and_judged(bundle: Bundle) -> None:
    named = name_execution(described(bundle), bundle, {}, NOW)
    assert named.display_name == "my-endpoint-2026-11-23-1915"
    assert named.description == (
        f"Evaluates the endpoint my-endpoint on 45 rows of s3://b/q.jsonl, judge {EXAMPLE_JUDGE}."
    )


def test_what_differs_from_the_pipeline_s_defaults_is_told(bundle: Bundle) -> None:
    given = {"EndpointName": "other", "SampleSize": "0", "MinSafety": 0.5, "ReuseAnswers": "yes"}
    named = name_execution(described(bundle), bundle, given, NOW)
    assert named.display_name == "other-2026-11-23-1915"
    assert "the endpoint other on all rows of s3://b/q.jsonl" in named.description
    assert named.description.endswith("Changed from the defaults: MinSafety 0.5 (default 0.99).")
    same = name_execution(described(bundle), bundle, {"MinSafety": "0.990"}, NOW)
    assert "Changed" not in same.description


def test_a_candidate_s_execution_is_called_by_its_package(bundle: Bundle) -> None:
    named = name_execution(described(bundle), bundle, {"ModelPackageArn": PACKAGE}, NOW)
    assert named.display_name == "health-qa-candidates-v3-2026-11-23-1915"
    assert f"Evaluates the candidate {PACKAGE} on 45 rows" in named.description


def test_the_judge_is_told_only_if_the_file_is_the_one_that_was_upserted(bundle: Bundle) -> None:
    named = name_execution(described(None), bundle, {}, NOW)
    assert not named.up_to_date
    assert "judge" not in named.description
    assert name_execution(described(bundle), bundle, {}, NOW).up_to_date


@pytest.mark.parametrize(
    "given",
    [
        {"EndpointName": "x" * 300},
        {"EndpointName": "--_odd..name--"},
        {"EndpointName": ""},
        {"InferenceComponent": "component-7"},
        {"ModelPackageArn": PACKAGE.rpartition("/")[0]},
        {"DatasetUri": "s3://b/two\nlines" + "x" * 4000},
        {f"Parameter{number}": "y" * 1000 for number in range(10)},
    ],
)
def test_sagemaker_takes_every_name_and_description(bundle: Bundle, given: dict[str, str]) -> None:
    named = name_execution(described(bundle), bundle, given, NOW)
    request = {
        "PipelineName": "p",
        "PipelineExecutionDisplayName": named.display_name,
        "PipelineExecutionDescription": named.description,
        "ClientRequestToken": "t" * 32,
    }
    assert problems("StartPipelineExecution", request) == []
    assert len(named.display_name) <= 82
    assert re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9])*", named.display_name)
    assert len(named.description) <= 3072
    assert "\n" not in named.description
    assert named.display_name.endswith("2026-11-23-1915")


def test_a_pipeline_without_a_description_says_what_it_does(write_config: ConfigWriter) -> None:
    config = load_bundle(write_config(pipeline={"name": "p", "description": ""})).config
    assert pipeline_description(config).startswith(
        "Evaluates the model behind the endpoint health-qa-good on "
    )
    lines = load_bundle(write_config(pipeline={"name": "p", "description": "two\nlines "})).config
    assert pipeline_description(lines) == "two lines"


@pytest.mark.integration
def test_studio_s_texts_stay_within_limits_however_much_the_file_says(
    write_config: ConfigWriter,
) -> None:
    scorers = [{f"check_{n}_{'x' * 40}": {"kind": "Guidelines", "guidelines": ["Good."]}}
               for n in range(33)]  # fmt: skip
    thresholds = {name: {"min": 0.5} for scorer in scorers for name in scorer}
    definition = get_pipeline(write_config(scorers=scorers, thresholds=thresholds)).definition()
    assert check_definition(definition) == []
    [gate] = [s for s in json.loads(definition)["Steps"] if s["Name"] == "QualityGate"]
    assert 3000 < len(gate["Description"]) <= 3072


def test_a_description_that_sagemaker_refuses_is_found_before_an_upsert() -> None:
    step = {"Name": "S", "Type": "Fail", "Arguments": {}, "DisplayName": "d" * 257,
            "Description": "two\nlines"}  # fmt: skip
    found = check_definition(json.dumps({"Parameters": [], "Steps": [step]}))
    assert [line for line in found if "DisplayName" in line and "256" in line]
    assert [line for line in found if "Description" in line and "one line" in line]
