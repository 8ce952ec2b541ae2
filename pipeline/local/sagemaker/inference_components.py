"""Inference components: several models on one endpoint, of which a call names one.

In service at once, and in memory. The wording of the refusals is an assumption.
"""

from __future__ import annotations

import datetime as dt
import threading
from dataclasses import dataclass, field
from typing import Any

from pipeline.local.server.api import Call, Operation
from pipeline.local.server.aws_errors import ValidationException


@dataclass
class InferenceComponents:
    """By account, region and name."""

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _known: dict[tuple[str, str, str], dict[str, Any]] = field(default_factory=dict)

    def operations(self) -> dict[str, Operation]:
        return {
            "CreateInferenceComponent": self._create,
            "DescribeInferenceComponent": self._describe,
            "DeleteInferenceComponent": self._delete,
        }

    def _create(self, call: Call) -> dict[str, Any]:
        asked, now = call.request, dt.datetime.now(dt.UTC)
        name = asked["InferenceComponentName"]
        endpoint = call.forward("DescribeEndpoint", {"EndpointName": asked["EndpointName"]})
        specification = asked.get("Specification", {})
        if model := specification.get("ModelName"):
            call.forward("DescribeModel", {"ModelName": model})
        arn = f"arn:aws:sagemaker:{call.region}:{call.account}:inference-component/{name}"
        described = {
            "InferenceComponentName": name,
            "InferenceComponentArn": arn,
            "EndpointName": asked["EndpointName"],
            "EndpointArn": endpoint["EndpointArn"],
            "VariantName": asked.get("VariantName", "AllTraffic"),
            "Specification": specification,
            "InferenceComponentStatus": "InService",
            "CreationTime": now,
            "LastModifiedTime": now,
        }
        with self._lock:
            if _key(call) in self._known:
                raise ValidationException(f'Cannot create already existing component "{arn}".')
            self._known[_key(call)] = described
        return {"InferenceComponentArn": arn}

    def _describe(self, call: Call) -> dict[str, Any]:
        with self._lock:
            return self._found(call)

    def _delete(self, call: Call) -> dict[str, Any]:
        with self._lock:
            self._found(call)
            del self._known[_key(call)]
        return {}

    def _found(self, call: Call) -> dict[str, Any]:
        if _key(call) not in self._known:
            name = call.request["InferenceComponentName"]
            raise ValidationException(f'Could not find inference component "{name}".')
        return self._known[_key(call)]


def _key(call: Call) -> tuple[str, str, str]:
    return call.account, call.region, call.request["InferenceComponentName"]
