"""What SageMaker tells EventBridge, put on the default bus of the local AWS.

Forms: developer guide, "Events that SageMaker sends to EventBridge".
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from pipeline.local.server.api import Clients
from pipeline.local.server.aws_errors import ValidationException
from pipeline.local.server.json_path import ExpressionError, dig

_PACKAGE = "SageMaker Model Package State Change"
_EXECUTION = "SageMaker Model Building Pipeline Execution Status Change"
_STEP = "SageMaker Model Building Pipeline Execution Step Status Change"
# UpdateModelPackage's members, as the event's UpdatedModelPackageFields spells them
_UPDATED_FIELDS = {
    "SourceUri": "sourceUri",
    "CustomerMetadataPropertiesToRemove": "CustomerMetadataProperties",
    "AdditionalInferenceSpecificationsToAdd": "AdditionalInferenceSpecifications",
}
_PACKAGE_FIELDS = (
    *("ModelPackageName", "ModelPackageGroupName", "ModelPackageVersion", "ModelPackageArn"),
    *("ModelPackageDescription", "CreationTime", "InferenceSpecification", "ModelPackageStatus"),
    *("ModelPackageStatusDetails", "CertifyForMarketplace", "ModelApprovalStatus"),
    *("ApprovalDescription", "MetadataProperties", "ModelMetrics", "ModelLifeCycle"),
    *("LastModifiedTime", "CustomerMetadataProperties", "SourceUri"),
)


class EventBus:
    """The default bus of every region of the local AWS."""

    def __init__(self, clients: Clients, echo: Callable[[str], None]) -> None:
        self._clients, self._echo = clients, echo

    def model_package_changed(
        self, region: str, package: Mapping[str, Any], updated: Mapping[str, Any] | None
    ) -> None:
        """`package` is what DescribeModelPackage shows; `updated` the UpdateModelPackage request.

        On creation (`updated` is None) the event has no UpdatedModelPackageFields.
        """
        detail = {name: package[name] for name in _PACKAGE_FIELDS if name in package}
        for name in ("CreationTime", "LastModifiedTime"):
            if name in detail:
                detail[name] = _iso(dt.datetime.fromtimestamp(detail[name], dt.UTC))
        if updated is not None:
            fields = (_UPDATED_FIELDS.get(n, n) for n in updated if n not in _IDENTIFIERS)
            detail["UpdatedModelPackageFields"] = list(dict.fromkeys(fields))
        self._put(region, _PACKAGE, [package["ModelPackageArn"]], detail)

    def execution_changed(
        self, region: str, resources: list[str], detail: Mapping[str, Any]
    ) -> None:
        self._put(region, _EXECUTION, resources, detail)

    def step_changed(self, region: str, resources: list[str], detail: Mapping[str, Any]) -> None:
        self._put(region, _STEP, resources, detail)

    def _put(
        self, region: str, detail_type: str, resources: list[str], detail: Mapping[str, Any]
    ) -> None:
        kept = {name: value for name, value in detail.items() if value is not None}
        entry = {
            "Time": dt.datetime.now(dt.UTC),
            "Source": "aws.sagemaker",
            "DetailType": detail_type,
            "Resources": resources,
            "Detail": json.dumps(kept, default=_iso),
        }
        try:
            self._clients.get("events", region).put_events(Entries=[entry])
        except (BotoCoreError, ClientError) as error:
            # best effort, as AWS delivers these events
            self._echo(f"[EventBridge] {detail_type} was not delivered: {error}")


_IDENTIFIERS = {"ModelPackageArn", "ClientToken"}


def pipeline_parameters(target: Mapping[str, Any], event: dict[str, Any]) -> list[dict[str, str]]:
    """The parameters that a rule's pipeline target gives for an event, `$.` paths resolved.

    Raises ValidationException for a path that the event does not have (what AWS does then is not
    documented; here the pipeline is not started).
    """
    listed = target.get("SageMakerPipelineParameters", {}).get("PipelineParameterList", [])
    try:
        return [
            {"Name": entry["Name"], "Value": _resolve(entry["Value"], event)} for entry in listed
        ]
    except ExpressionError as error:
        raise ValidationException(f"a parameter of the target {target['Arn']}: {error}") from error


def _resolve(value: str, event: dict[str, Any]) -> str:
    if not value.startswith("$."):
        return value
    found = dig(event, value)
    return found if isinstance(found, str) else json.dumps(found)


def _iso(time: dt.datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")
