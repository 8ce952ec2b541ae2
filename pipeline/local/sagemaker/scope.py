"""What the functions in a pipeline definition can see during one execution."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from pipeline.local.jobs.container import JobFault
from pipeline.local.jobs.s3_folder import S3Location
from pipeline.local.sagemaker.definition import Definition, ProcessingStep
from pipeline.local.sagemaker.parameters import Value
from pipeline.local.server.json_path import ExpressionError


@dataclass
class ExecutionScope:
    """Parameters, execution variables, and the properties of the steps that succeeded so far.

    `variables` are the execution variables but for CurrentDateTime, which is the moment of asking.
    """

    definition: Definition
    parameters: Mapping[str, Value]
    variables: Mapping[str, str]
    s3: Any
    properties: dict[str, dict[str, Any]] = field(default_factory=dict)

    def parameter(self, name: str) -> Value:
        return self.parameters[name]

    def execution_variable(self, name: str) -> str:
        return iso(dt.datetime.now(dt.UTC)) if name == "CurrentDateTime" else self.variables[name]

    def step_properties(self, step: str) -> dict[str, Any]:
        if step not in self.properties:
            raise ExpressionError(f"step {step} has not succeeded, so it has no properties")
        return self.properties[step]

    def property_file_uri(self, step: str, property_file: str) -> str:
        declared = self.definition.nodes[step].step
        if not isinstance(declared, ProcessingStep):
            raise ExpressionError(f"step {step} has no property files")
        file = next(f for f in declared.property_files if f.property_file_name == property_file)
        outputs = self.step_properties(step)["ProcessingOutputConfig"]["Outputs"]
        folder = str(outputs[file.output_name]["S3Output"]["S3Uri"])
        return f"{folder.rstrip('/')}/{file.file_path}"

    def read(self, s3_uri: str) -> bytes:
        try:
            location = S3Location.parse(s3_uri)
            answer = self.s3.get_object(Bucket=location.bucket, Key=location.key)
            content: bytes = answer["Body"].read()
        except (JobFault, BotoCoreError, ClientError) as error:
            raise ExpressionError(f"cannot be read: {error}") from error
        return content


def iso(time: dt.datetime) -> str:
    """UTC with milliseconds, such as 2026-11-23T12:00:00.000Z."""
    return f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03d}Z"
