"""The model registry: what moto's lacks, laid over what it has.

moto keeps groups and packages. Added here: SourceUri, model cards, life cycle, deletion, tokens
that make a second attempt register nothing, refusal of a second group of the same name, updates
that keep what they do not mention, and the events.

SourceUri of a model package copies its InferenceSpecification; that of a model fills one from the
model's containers. The API documents that both are possible, but not the result: copying Image,
ModelDataUrl, ModelDataSource and Environment is an assumption.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pipeline.local.events.events import EventBus
from pipeline.local.server import moto_internals
from pipeline.local.server.api import Call, Operation
from pipeline.local.server.aws_errors import AwsError, ConflictException, ValidationException

_KEPT_HERE = (
    *("SourceUri", "ModelCard", "ModelLifeCycle", "SkipModelValidation", "SecurityConfig"),
    *("ModelPackageRegistrationType", "ManagedStorageType"),
)
_UPDATED_HERE = (
    *("SourceUri", "ModelCard", "ModelLifeCycle", "ModelPackageRegistrationType"),
    "InferenceSpecification",
)
_CONTAINER_MEMBERS = (
    "Image",
    "ModelDataUrl",
    "ModelDataSource",
    "Environment",
    "ContainerHostname",
)
_PACKAGE_ARN = re.compile(r"arn:aws[a-z\-]*:sagemaker:[a-z0-9\-]+:\d{12}:model-package/.+")
_MODEL_ARN = re.compile(r"arn:aws[a-z\-]*:sagemaker:[a-z0-9\-]+:\d{12}:model/(?P<name>.+)")


@dataclass
class ModelRegistry:
    """Handlers of the registry's operations; members that moto forgets, by package ARN."""

    bus: EventBus
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _members: dict[str, dict[str, Any]] = field(default_factory=dict)
    _by_token: dict[str, str] = field(default_factory=dict)

    def operations(self) -> dict[str, Operation]:
        locked = {
            "CreateModelPackageGroup": self._create_group,
            "DeleteModelPackageGroup": self._delete_group,
            "DeleteModelPackage": self._delete,
            "DescribeModelPackage": lambda call: self._describe(
                call, call.request["ModelPackageName"]
            ),
        }
        return {
            **{name: self._one_at_a_time(handler) for name, handler in locked.items()},
            "CreateModelPackage": self._create,
            "UpdateModelPackage": self._update,
        }

    def describe(self, call: Call, name: str) -> dict[str, Any]:
        """A package by name or ARN, as DescribeModelPackage shows it. Raises AwsError."""
        with self._lock:
            return self._describe(call, name)

    def _one_at_a_time(self, handler: Callable[[Call], dict[str, Any]]) -> Operation:
        def run(call: Call) -> dict[str, Any]:
            with self._lock:
                return handler(call)

        return run

    def _create_group(self, call: Call) -> dict[str, Any]:
        name = call.request["ModelPackageGroupName"]
        try:
            call.forward("DescribeModelPackageGroup", {"ModelPackageGroupName": name})
        except AwsError:
            return call.forward(call.operation, call.request)
        raise ValidationException(f"Model Package Group already exists: {name}")

    def _delete_group(self, call: Call) -> dict[str, Any]:
        name = _last(call.request["ModelPackageGroupName"])
        call.forward("DescribeModelPackageGroup", {"ModelPackageGroupName": name})
        packages = call.forward("ListModelPackages", {"ModelPackageGroupName": name})
        if packages["ModelPackageSummaryList"]:
            raise ConflictException(f"Model Package Group {name} still has model packages")
        moto_internals.delete_model_package_group(call.account, call.region, name)
        return {}

    def _create(self, call: Call) -> dict[str, Any]:
        request = dict(call.request)
        if "ModelPackageGroupName" in request:
            request["ModelPackageGroupName"] = _last(request["ModelPackageGroupName"])
            request.setdefault("ModelApprovalStatus", "PendingManualApproval")
        token = request.pop("ClientToken", "")  # every client sends one; a second attempt the same
        with self._lock:
            if token in self._by_token:
                return {"ModelPackageArn": self._by_token[token]}
            if "SourceUri" in request:
                request["InferenceSpecification"] = self._specification(call, request)
            answer = call.forward(call.operation, request)
            arn = answer["ModelPackageArn"]
            self._members[arn] = {n: request[n] for n in _KEPT_HERE if n in request}
            if token:
                self._by_token[token] = arn
            package = self._describe(call, arn)
        self.bus.model_package_changed(call.region, package, None)
        return {"ModelPackageArn": arn}

    def _specification(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        if "InferenceSpecification" in request:
            raise ValidationException(
                "SourceUri and InferenceSpecification cannot be given together"
            )
        source = request["SourceUri"]
        if _PACKAGE_ARN.fullmatch(source):
            package = self._describe(call, source)
            if "InferenceSpecification" not in package:
                raise ValidationException(f"The source {source} has no InferenceSpecification")
            specification: dict[str, Any] = package["InferenceSpecification"]
            return specification
        model = _MODEL_ARN.fullmatch(source)
        if model is None:
            raise ValidationException(f"SourceUri is no ARN of a model or model package: {source}")
        return _specification_of(call.forward("DescribeModel", {"ModelName": model["name"]}))

    def _describe(self, call: Call, name: str) -> dict[str, Any]:
        package = call.forward("DescribeModelPackage", {"ModelPackageName": name})
        return {**package, **self._members.get(package["ModelPackageArn"], {})}

    def _update(self, call: Call) -> dict[str, Any]:
        request = call.request
        with self._lock:
            before = self._describe(call, request["ModelPackageArn"])
            arn = before["ModelPackageArn"]
            metadata = {
                **before.get("CustomerMetadataProperties", {}),
                **request.get("CustomerMetadataProperties", {}),
            }
            for key in request.get("CustomerMetadataPropertiesToRemove", []):
                metadata.pop(key, None)
            merged = {"CustomerMetadataProperties": metadata, "ModelPackageArn": arn}
            for name in ("ModelApprovalStatus", "ApprovalDescription"):
                if name in before or name in request:
                    merged[name] = request.get(name, before.get(name))
            additions = "AdditionalInferenceSpecificationsToAdd"
            if additions in request:
                merged[additions] = request[additions]
            answer = call.forward(call.operation, merged)
            changed = {name: request[name] for name in _UPDATED_HERE if name in request}
            self._members.setdefault(arn, {}).update(changed)
            package = self._describe(call, arn)
        self.bus.model_package_changed(call.region, package, request)
        return answer

    def _delete(self, call: Call) -> dict[str, Any]:
        arn = self._describe(call, call.request["ModelPackageName"])["ModelPackageArn"]
        moto_internals.delete_model_package(call.account, call.region, arn)
        self._members.pop(arn, None)
        self._by_token = {token: of for token, of in self._by_token.items() if of != arn}
        return {}


def _specification_of(model: dict[str, Any]) -> dict[str, Any]:
    containers = model.get("Containers") or [model.get("PrimaryContainer") or {}]
    copied = [
        {name: container[name] for name in _CONTAINER_MEMBERS if container.get(name)}
        for container in containers
    ]
    if not all("Image" in container for container in copied):
        raise ValidationException(
            f"The model {model.get('ModelName')} has a container without Image: it cannot be the "
            "SourceUri of a model package here"
        )
    return {"Containers": copied}


def _last(name_or_arn: str) -> str:
    return name_or_arn.rpartition("/")[2]
