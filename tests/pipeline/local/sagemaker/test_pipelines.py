"""Definitions and parameters: what is taken, what is refused, and what is said about it."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError
from local_definitions import (
    ROLE,
    compare,
    condition,
    definition,
    fail,
    get,
    job,
    join,
    parameter,
    processing,
    report_step,
    report_value,
    s3_input,
    s3_output,
)
from local_runs import Runs


def with_input(**more: Any) -> dict[str, Any]:
    return processing("P", job("pass", ProcessingInputs=[s3_input("s3://b/x", **more)]))


REFUSED = {
    "not JSON": ("not json", "Invalid JSON"),
    "other version": (json.dumps({"Version": "2021-01-01", "Steps": []}), "Version"),
    "no steps": (definition(), "Steps"),
    "step type": (definition({"Name": "L", "Type": "Lambda", "Arguments": {}}), "'Lambda'"),
    "condition type": (definition(condition("C", compare("Matches", 1, 1))), "'Matches'"),
    "function": (definition(fail("F", {"Std:Upper": "x"})), "Std:Upper"),
    "unknown variable": (definition(fail("F", get("Execution.Weather"))), "Execution.Weather"),
    "step key": (definition(processing("P", Colour="red")), "Steps[0].Processing.Colour"),
    "argument": (definition(processing("P", job("pass", Colour="red"))), "no argument Colour"),
    "nested argument": (definition(with_input(Colour="red")), "S3Input.Colour"),
    "manifest": (definition(with_input(S3DataType="ManifestFile")), "ManifestFile"),
    "pipe": (definition(with_input(S3InputMode="Pipe")), "S3InputMode Pipe"),
    "local path": (definition(with_input(LocalPath="/data")), "LocalPath /data"),
    "retry exception": (
        definition(processing("P", RetryPolicies=[{"ExceptionType": ["Step.WEATHER"]}])),
        "Step.WEATHER",
    ),
    "trigger": (
        definition(processing("A"), processing("B", DependsOn=[{"Step": "A", "Trigger": "Odd"}])),
        "'Odd'",
    ),
    "unknown step": (definition(processing("P", DependsOn=["Q"])), "unknown step Q"),
    "unknown parameter": (definition(fail("F", get("Parameters.X"))), "unknown parameter X"),
    "unknown property file": (
        definition(processing("P"), condition("C", compare("Equals", report_value("P", "a"), 1))),
        "PropertyFiles.Report",
    ),
    "property file without output": (
        definition(
            processing(
                "P",
                PropertyFiles=[
                    {"PropertyFileName": "R", "OutputName": "gone", "FilePath": "r.json"}
                ],
            )
        ),
        "output gone",
    ),
    "path": (
        definition(
            report_step("P", "b", {}),
            condition("C", compare("Equals", report_value("P", "a[*]"), 1)),
        ),
        "[*]",
    ),
    "cycle": (
        definition(processing("A", DependsOn=["B"]), processing("B", DependsOn=["A"])),
        "circle",
    ),
    "same name twice": (definition(processing("A"), processing("A")), "more than once"),
    "default of another type": (
        definition(processing("A"), parameters=[parameter("N", "Integer", "x")]),
        "type Integer",
    ),
    "depends on a Fail step": (
        definition(fail("F", "x"), processing("A", DependsOn=["F"])),
        "Fail step F",
    ),
    "cache time": (
        definition(processing("A", CacheConfig={"Enabled": True, "ExpireAfter": "soon"})),
        "soon",
    ),
}


@pytest.mark.parametrize(("text", "said"), REFUSED.values(), ids=REFUSED)
def test_a_definition_that_cannot_run_is_refused_by_name(
    sagemaker: Any, text: str, said: str
) -> None:
    with pytest.raises(ClientError) as refused:
        sagemaker.create_pipeline(PipelineName="refused", PipelineDefinition=text, RoleArn=ROLE)
    error = refused.value.response["Error"]
    assert error["Code"] == "ValidationException"
    assert error["Message"].startswith("Unable to parse pipeline definition. ")
    assert said in error["Message"]


def test_an_update_is_checked_too_and_keeps_what_was(runs: Runs, sagemaker: Any) -> None:
    text = definition(processing("A"))
    name = runs.create(text)
    with pytest.raises(ClientError, match="Unable to parse pipeline definition"):
        sagemaker.update_pipeline(PipelineName=name, PipelineDefinition="{}")
    assert sagemaker.describe_pipeline(PipelineName=name)["PipelineDefinition"] == text
    changed = definition(processing("B"))
    sagemaker.update_pipeline(PipelineName=name, PipelineDefinition=changed)
    described = sagemaker.describe_pipeline(PipelineName=name)
    assert described["PipelineDefinition"] == changed
    by_arn = sagemaker.describe_pipeline(PipelineName=described["PipelineArn"])
    assert by_arn["PipelineName"] == name


def test_a_definition_in_s3_is_described_as_json(sagemaker: Any, s3: Any, bucket: str) -> None:
    text = definition(processing("A"))
    s3.put_object(Bucket=bucket, Key="definition.json", Body=text.encode())
    location = {"Bucket": bucket, "ObjectKey": "definition.json"}
    name = f"s3-{uuid.uuid4().hex[:8]}"
    sagemaker.create_pipeline(
        PipelineName=name, PipelineDefinitionS3Location=location, RoleArn=ROLE
    )
    described = sagemaker.describe_pipeline(PipelineName=name)
    assert json.loads(described["PipelineDefinition"]) == json.loads(text)
    with pytest.raises(ClientError, match=r"gone\.json cannot be read"):
        sagemaker.update_pipeline(
            PipelineName=name,
            PipelineDefinitionS3Location={"Bucket": bucket, "ObjectKey": "gone.json"},
        )


PARAMETERS = [
    parameter("Text", "String", "a", EnumValues=["a", "b"]),
    parameter("Count", "Integer", 2),
    parameter("Share", "Float", 1),
    parameter("Flag", "Boolean", False),
    parameter("Needed", "String"),
]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "Needed"),
        ({"Needed": "x", "Colour": "red"}, "Colour"),
        ({"Needed": "x", "Text": "c"}, "not one of"),
        ({"Needed": "x", "Count": "2.5"}, "type Integer"),
        ({"Needed": "x", "Share": "much"}, "type Float"),
        ({"Needed": "x", "Share": "nan"}, "type Float"),
        ({"Needed": "x", "Flag": "1"}, "type Boolean"),
    ],
)
def test_parameters_that_do_not_fit_start_nothing(
    runs: Runs, sagemaker: Any, given: dict[str, str], said: str
) -> None:
    name = runs.create(definition(processing("A"), parameters=PARAMETERS))
    with pytest.raises(ClientError) as refused:
        runs.start_pipeline(name, parameters=given)
    assert refused.value.response["Error"]["Code"] == "ValidationException"
    assert said in refused.value.response["Error"]["Message"]
    assert not sagemaker.list_pipeline_executions(PipelineName=name)["PipelineExecutionSummaries"]


def test_given_parameters_replace_defaults_and_have_their_type(runs: Runs, sagemaker: Any) -> None:
    checks = condition(
        "Typed",
        compare("Equals", get("Parameters.Count"), 7),
        compare("Equals", get("Parameters.Share"), 1.0),
        compare("Equals", get("Parameters.Flag"), True),
        compare("Equals", get("Parameters.Text"), "b"),
    )
    told = fail("Told", join(" ", *(get(f"Parameters.{p['Name']}") for p in PARAMETERS)))
    told["DependsOn"] = ["Typed"]
    arn = runs.start(
        definition(checks, told, parameters=PARAMETERS),
        parameters={"Text": "b", "Count": "7", "Flag": "True", "Needed": "x"},
    )
    runs.wait(arn)
    steps = runs.steps(arn)
    assert steps["Typed"]["Metadata"]["Condition"]["Outcome"] == "True"
    assert steps["Told"]["FailureReason"] == "b 7 1.0 true x"
    listed = sagemaker.list_pipeline_parameters_for_execution(PipelineExecutionArn=arn)
    values = {entry["Name"]: entry["Value"] for entry in listed["PipelineParameters"]}
    assert values == {"Text": "b", "Count": "7", "Share": "1.0", "Flag": "true", "Needed": "x"}


def test_execution_variables(runs: Runs) -> None:
    names = ["PipelineName", "PipelineExecutionId", "PipelineExecutionArn", "StartDateTime"]
    text = definition(fail("Told", join("|", *(get(f"Execution.{name}") for name in names))))
    arn = runs.start(text)
    runs.wait(arn)
    pipeline, identifier, execution, start = runs.steps(arn)["Told"]["FailureReason"].split("|")
    assert execution == arn
    assert arn.endswith(f"pipeline/{pipeline}/execution/{identifier}")
    assert start.endswith("Z")


def test_the_same_token_starts_one_execution(runs: Runs, sagemaker: Any) -> None:
    name, token = runs.create(definition(processing("A"))), uuid.uuid4().hex
    first = runs.start_pipeline(name, ClientRequestToken=token)
    assert runs.start_pipeline(name, ClientRequestToken=token) == first
    second = runs.start_pipeline(name, PipelineExecutionDisplayName="again")
    assert second != first
    runs.wait(first), runs.wait(second)
    listed = sagemaker.list_pipeline_executions(PipelineName=name)["PipelineExecutionSummaries"]
    assert [one["PipelineExecutionArn"] for one in listed] == [second, first]
    assert listed[0]["PipelineExecutionDisplayName"] == "again"


def test_an_execution_keeps_the_definition_it_started_with(runs: Runs, sagemaker: Any) -> None:
    text = definition(processing("A"))
    name = runs.create(text)
    arn = runs.start_pipeline(name)
    sagemaker.update_pipeline(PipelineName=name, PipelineDefinition=definition(processing("B")))
    kept = sagemaker.describe_pipeline_definition_for_execution(PipelineExecutionArn=arn)
    assert kept["PipelineDefinition"] == text
    assert runs.wait(arn) == "Succeeded"


def test_what_does_not_exist_is_not_found(sagemaker: Any) -> None:
    for call in (
        lambda: sagemaker.start_pipeline_execution(PipelineName="nowhere"),
        lambda: sagemaker.describe_pipeline(PipelineName="nowhere"),
        lambda: sagemaker.list_pipeline_executions(PipelineName="nowhere"),
        lambda: sagemaker.describe_pipeline_execution(
            PipelineExecutionArn="arn:aws:sagemaker:us-east-1:123456789012:pipeline/p/execution/"
            "abcdefabcdef"
        ),
    ):
        with pytest.raises(sagemaker.exceptions.ResourceNotFound):
            call()


def test_arguments_that_aws_refuses_fail_the_step(runs: Runs) -> None:
    odd = job("pass", Environment={"LONG": join("", "x" * 200, "y" * 200)})
    status, steps = runs.run(definition(processing("Odd", odd)))
    assert status == "Failed"
    assert "Failed to invoke sagemaker:CreateProcessingJob" in steps["Odd"]["FailureReason"]
    assert "Environment.LONG" in steps["Odd"]["FailureReason"]


def test_an_output_folder_can_be_joined_from_parameters(runs: Runs, s3: Any, bucket: str) -> None:
    uri = join("/", "s3:/", get("Parameters.Bucket"), "there")
    step = report_step("R", bucket, {"a": 1})
    step["Arguments"]["ProcessingOutputConfig"] = s3_output(uri)
    text = definition(step, parameters=[parameter("Bucket", "String")])
    status, _ = runs.run(text, parameters={"Bucket": bucket})
    assert status == "Succeeded"
    assert s3.get_object(Bucket=bucket, Key="there/evaluation.json")["Body"].read() == b'{"a": 1}'
