"""The pipeline operations of SageMaker: definitions are checked before moto keeps them.

moto also keeps the pipelines' tags.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from pipeline.local.sagemaker import definition as definitions
from pipeline.local.sagemaker.definition import Definition, DefinitionError
from pipeline.local.sagemaker.execution import Execution
from pipeline.local.sagemaker.refusals import Refusals
from pipeline.local.server.api import Call, Clients, Operation
from pipeline.local.server.aws_errors import AwsError, ResourceNotFound, ValidationException


@dataclass(frozen=True)
class Pipelines:
    """Handlers of the pipeline operations; `executions_of` lists those of a pipeline's ARN."""

    clients: Clients
    executions_of: Callable[[str], list[Execution]]
    refusals: Refusals

    def operations(self) -> dict[str, Operation]:
        return {
            "CreatePipeline": self._write,
            "UpdatePipeline": self._write,
            "DescribePipeline": self._describe,
            "DeletePipeline": _forward_by_name,
        }

    def _write(self, call: Call) -> dict[str, Any]:
        request = dict(call.request)
        location = request.pop("PipelineDefinitionS3Location", None)
        if location is not None:
            if "PipelineDefinition" in request:
                raise ValidationException(
                    "Both PipelineDefinition and PipelineDefinitionS3Location are given"
                )
            request["PipelineDefinition"] = self._read_definition(location, call.region)
        if "PipelineDefinition" in request:
            definition = parse_definition(request["PipelineDefinition"])
            if refused := self.refusals.of_definition(definition):
                raise ValidationException(f"Unable to parse pipeline definition. {refused}")
        if call.operation == "UpdatePipeline":
            return _forward_by_name(call, request)
        return call.forward(call.operation, request)

    def _read_definition(self, location: dict[str, str], region: str) -> str:
        version = {"VersionId": location["VersionId"]} if "VersionId" in location else {}
        try:
            answer = self.clients.get("s3", region).get_object(
                Bucket=location["Bucket"], Key=location["ObjectKey"], **version
            )
            return str(answer["Body"].read().decode())
        except (ClientError, UnicodeDecodeError) as error:
            raise ValidationException(
                f"The pipeline definition s3://{location['Bucket']}/{location['ObjectKey']} "
                f"cannot be read: {error}"
            ) from error

    def _describe(self, call: Call) -> dict[str, Any]:
        if "PipelineVersionId" in call.request:
            raise ValidationException("PipelineVersionId is not supported by the local AWS")
        described = find_pipeline(call)
        runs = self.executions_of(described["PipelineArn"])
        last = max((execution.created for execution in runs), default=None)
        return {**described, "LastRunTime": last}


def parse_definition(text: str) -> Definition:
    """Raises ValidationException, in AWS's words."""
    try:
        return definitions.parse(text)
    except DefinitionError as error:
        raise ValidationException(f"Unable to parse pipeline definition. {error}") from error


def find_pipeline(call: Call) -> dict[str, Any]:
    """What DescribePipeline says of the call's PipelineName (name or ARN).

    Raises ResourceNotFound.
    """
    named = {"PipelineName": call.request["PipelineName"]}
    return _forward_by_name(call, named, operation="DescribePipeline")


def _forward_by_name(
    call: Call, request: dict[str, Any] | None = None, *, operation: str | None = None
) -> dict[str, Any]:
    """moto's answer; a pipeline may be named by its ARN. Raises ResourceNotFound."""
    body = dict(call.request if request is None else request)
    name = body["PipelineName"].rpartition("/")[2]
    try:
        return call.forward(operation or call.operation, {**body, "PipelineName": name})
    except AwsError as error:
        if "Could not find pipeline" not in error.message:
            raise
        arn = f"arn:aws:sagemaker:{call.region}:{call.account}:pipeline/{name}"
        raise ResourceNotFound(f"Pipeline '{arn}' does not exist.") from error
