"""Pipeline definitions and processing jobs for the tests, as the SDK writes them."""

from __future__ import annotations

import json
from typing import Any

ROLE = "arn:aws:iam::123456789012:role/pipeline-role"
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/llm-evaluation:1"
REPORT = "/opt/ml/processing/output/report"
WRITE_REPORT = f"import sys; open('{REPORT}/evaluation.json', 'w').write(sys.argv[1])"


def definition(*steps: dict[str, Any], parameters: list[dict[str, Any]] | None = None) -> str:
    return json.dumps(
        {
            "Version": "2020-12-01",
            "Metadata": {},
            "Parameters": parameters or [],
            "PipelineExperimentConfig": None,
            "Steps": list(steps),
        }
    )


def parameter(name: str, kind: str, default: Any = None, **more: Any) -> dict[str, Any]:
    given = {} if default is None else {"DefaultValue": default}
    return {"Name": name, "Type": kind, **given, **more}


def job(code: str, *arguments: Any, **more: Any) -> dict[str, Any]:
    """Arguments of CreateProcessingJob (without its name) that run a line of Python."""
    return {
        "ProcessingResources": {
            "ClusterConfig": {
                "InstanceType": "ml.m5.large",
                "InstanceCount": 1,
                "VolumeSizeInGB": 30,
            }
        },
        "AppSpecification": {
            "ImageUri": IMAGE,
            "ContainerEntrypoint": ["python3", "-c", code],
            **({"ContainerArguments": list(arguments)} if arguments else {}),
        },
        "RoleArn": ROLE,
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        **more,
    }


def s3_input(uri: Any, name: str = "data", **more: Any) -> dict[str, Any]:
    return {
        "InputName": name,
        "S3Input": {
            "S3Uri": uri,
            "LocalPath": f"/opt/ml/processing/input/{name}",
            "S3DataType": "S3Prefix",
            "S3InputMode": "File",
            "S3DataDistributionType": "FullyReplicated",
            "S3CompressionType": "None",
            **more,
        },
    }


def s3_output(uri: Any, name: str = "report", mode: str = "EndOfJob") -> dict[str, Any]:
    return {
        "Outputs": [
            {
                "OutputName": name,
                "S3Output": {
                    "S3Uri": uri,
                    "LocalPath": f"/opt/ml/processing/output/{name}",
                    "S3UploadMode": mode,
                },
            }
        ]
    }


def processing(name: str, arguments: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A step; without arguments one that does nothing."""
    return {"Name": name, "Type": "Processing", "Arguments": arguments or job("pass"), **more}


def report_step(name: str, bucket: str, report: Any) -> dict[str, Any]:
    """A step whose property file Report holds the report (text as it is, else as JSON)."""
    text = report if isinstance(report, str) else json.dumps(report)
    uri = join("/", f"s3://{bucket}", get("Execution.PipelineExecutionId"))
    arguments = job(WRITE_REPORT, text, ProcessingOutputConfig=s3_output(uri))
    file = {
        "PropertyFileName": "Report",
        "OutputName": "report",
        "FilePath": "evaluation.json",
    }
    return processing(name, arguments, PropertyFiles=[file])


def condition(
    name: str,
    *conditions: dict[str, Any],
    if_steps: list[dict[str, Any]] | None = None,
    else_steps: list[dict[str, Any]] | None = None,
    **more: Any,
) -> dict[str, Any]:
    arguments = {
        "Conditions": list(conditions),
        "IfSteps": if_steps or [],
        "ElseSteps": else_steps or [],
    }
    return {"Name": name, "Type": "Condition", "Arguments": arguments, **more}


def compare(kind: str, left: Any, right: Any) -> dict[str, Any]:
    return {"Type": kind, "LeftValue": left, "RightValue": right}


def fail(name: str, message: Any) -> dict[str, Any]:
    return {"Name": name, "Type": "Fail", "Arguments": {"ErrorMessage": message}}


def register(name: str, group: Any, **arguments: Any) -> dict[str, Any]:
    source = (
        {}
        if "SourceUri" in arguments
        else {"InferenceSpecification": {"Containers": [{"Image": IMAGE}]}}
    )
    return {
        "Name": name,
        "Type": "RegisterModel",
        "Arguments": {"ModelPackageGroupName": group, **source, **arguments},
    }


def get(path: str) -> dict[str, Any]:
    return {"Get": path}


def join(on: str, *values: Any) -> dict[str, Any]:
    return {"Std:Join": {"On": on, "Values": list(values)}}


def report_value(step: str, path: str) -> dict[str, Any]:
    file = get(f"Steps.{step}.PropertyFiles.Report")
    return {"Std:JsonGet": {"PropertyFile": file, "Path": path}}
