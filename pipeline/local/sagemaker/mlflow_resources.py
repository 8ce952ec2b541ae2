"""MLflow Apps and tracking servers as SageMaker lists them: what they are called, where they keep
artifacts. Nothing is started: `SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT` says what answers for them.
"""

from __future__ import annotations

import datetime as dt
import secrets
import string
import threading
from dataclasses import dataclass, field
from typing import Any

from pipeline.local.server.api import Call, Operation
from pipeline.local.server.aws_errors import ResourceNotFound, ValidationException

_ID_LETTERS = string.ascii_uppercase + string.digits
_VERSION = "3.4"


@dataclass
class MlflowResources:
    """By ARN, in memory."""

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _known: dict[str, dict[str, Any]] = field(default_factory=dict)

    def operations(self) -> dict[str, Operation]:
        return {
            "CreateMlflowApp": self._create_app,
            "DescribeMlflowApp": lambda call: self._describe(call.request["Arn"]),
            "CreateMlflowTrackingServer": self._create_server,
            "DescribeMlflowTrackingServer": lambda call: self._describe(_server_arn(call)),
        }

    def _create_app(self, call: Call) -> dict[str, Any]:
        app = "app-" + "".join(secrets.choice(_ID_LETTERS) for _ in range(12))
        arn = _arn(call, f"mlflow-app/{app}")
        self._keep(arn, {**call.request, "Arn": arn, "Status": "Created"})
        return {"Arn": arn}

    def _create_server(self, call: Call) -> dict[str, Any]:
        arn = _server_arn(call)
        with self._lock:
            taken = arn in self._known
        if taken:
            raise ValidationException(f"Tracking Server already exists: {arn}")
        created = {"TrackingServerArn": arn, "TrackingServerStatus": "Created"}
        self._keep(arn, {**call.request, **created, "IsActive": "Active"})
        return {"TrackingServerArn": arn}

    def _keep(self, arn: str, members: dict[str, Any]) -> None:
        now = dt.datetime.now(dt.UTC)
        times = {"CreationTime": now, "LastModifiedTime": now}
        shown = {name: value for name, value in members.items() if name != "Tags"}
        with self._lock:
            self._known[arn] = {"MlflowVersion": _VERSION, **shown, **times}

    def _describe(self, arn: str) -> dict[str, Any]:
        with self._lock:
            if arn not in self._known:
                raise ResourceNotFound(f"{arn} does not exist")
            return self._known[arn]


def _server_arn(call: Call) -> str:
    return _arn(call, f"mlflow-tracking-server/{call.request['TrackingServerName']}")


def _arn(call: Call, resource: str) -> str:
    return f"arn:aws:sagemaker:{call.region}:{call.account}:{resource}"
