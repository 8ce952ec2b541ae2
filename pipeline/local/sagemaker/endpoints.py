"""Models and endpoints as SageMaker has them, laid over moto's, which are there at once.

Added here: a versioned model package is deployed by name only when it is Approved; an endpoint is
Creating for a while, then InService or Failed; it cannot be deleted meanwhile; when it is deleted
it answers no more; DescribeEndpoint says where calls are captured, and where an asynchronous
endpoint's results go.
What answers for it is the host's business (see demo_hosting).

The wording of the refusals is an assumption where it is not that of moto; that SageMaker refuses is
what users report (aws/amazon-sagemaker-examples issue 3432 and others).
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from pipeline.local.server import moto_internals
from pipeline.local.server.api import Call, Operation
from pipeline.local.server.aws_errors import AwsError, ValidationException

DATA_CAPTURE = "LOCAL_DATA_CAPTURE"
"""A host finds in the environment, as JSON, what the endpoint's configuration says of capturing."""

ASYNCHRONOUS = "LOCAL_ASYNCHRONOUS"
"""As JSON what it says of asynchronous inference; without it calls are answered in real time."""

CREATING_SECONDS, DELETING_SECONDS = 1.0, 0.2


class Host(Protocol):
    """What answers InvokeEndpoint. `environment` is that of the model's first container."""

    def seconds_to_start(self, environment: Mapping[str, str]) -> float: ...
    def reason_to_fail(self, environment: Mapping[str, str]) -> str: ...
    def start(self, endpoint: str, environment: Mapping[str, str]) -> None: ...
    def stop(self, endpoint: str) -> None: ...


class NoHost:
    """Endpoints exist, and nothing answers."""

    def seconds_to_start(self, environment: Mapping[str, str]) -> float:  # noqa: ARG002
        return CREATING_SECONDS

    def reason_to_fail(self, environment: Mapping[str, str]) -> str:  # noqa: ARG002
        return ""

    def start(self, endpoint: str, environment: Mapping[str, str]) -> None:
        pass

    def stop(self, endpoint: str) -> None:
        pass


@dataclass(frozen=True)
class Endpoints:
    """Handlers; `describe_package` is DescribeModelPackage. `echo` hears of a host that fails."""

    host: Host
    describe_package: Callable[[Call, str], dict[str, Any]]
    echo: Callable[[str], None]
    asynchronous: dict[tuple[str, str, str], dict[str, Any]] = field(default_factory=dict)
    """AsyncInferenceConfig by account, region and configuration: moto takes it, and forgets it."""

    def operations(self) -> dict[str, Operation]:
        return {
            "CreateModel": self._create_model,
            "CreateEndpointConfig": self._create_config,
            "DescribeEndpointConfig": self._describe_config,
            "CreateEndpoint": self._create,
            "DescribeEndpoint": self._describe,
            "DeleteEndpoint": self._delete,
        }

    def _create_model(self, call: Call) -> dict[str, Any]:
        self._require_new(call, "Model", call.request["ModelName"], "model")
        for container in _containers(call.request):
            if "ModelPackageName" in container:
                self._require_deployable(call, container["ModelPackageName"])
        return call.forward(call.operation, call.request)

    def _create_config(self, call: Call) -> dict[str, Any]:
        name = call.request["EndpointConfigName"]
        self._require_new(call, "EndpointConfig", name, "endpoint configuration")
        answer = call.forward(call.operation, call.request)
        self.asynchronous[call.account, call.region, name] = (
            call.request.get("AsyncInferenceConfig") or {}
        )
        return answer

    def _describe_config(self, call: Call) -> dict[str, Any]:
        described = call.forward(call.operation, call.request)
        return {**described, **self._asynchronous(call, call.request["EndpointConfigName"])}

    def _asynchronous(self, call: Call, config_name: str) -> dict[str, Any]:
        """The member AsyncInferenceConfig, or none."""
        found = self.asynchronous.get((call.account, call.region, config_name))
        return {"AsyncInferenceConfig": found} if found else {}

    def _require_deployable(self, call: Call, name: str) -> None:
        package = self.describe_package(call, name)
        approval = package.get("ModelApprovalStatus")
        if "ModelPackageGroupName" in package and approval != "Approved":
            raise ValidationException(
                f"Cannot create a model from the model package {package['ModelPackageArn']}: its "
                f"approval status is {approval}, not Approved"
            )

    def _require_new(self, call: Call, kind: str, name: str, noun: str) -> None:
        try:
            found = call.forward(f"Describe{kind}", {f"{kind}Name": name})
        except AwsError:
            return
        raise ValidationException(f'Cannot create already existing {noun} "{found[f"{kind}Arn"]}".')

    def _create(self, call: Call) -> dict[str, Any]:
        name = call.request["EndpointName"]
        self._require_new(call, "Endpoint", name, "endpoint")
        environment = self._environment(call, call.request["EndpointConfigName"])
        if capture := self._capture_config(call, call.request["EndpointConfigName"]):
            environment[DATA_CAPTURE] = json.dumps(capture)
        for queued in self._asynchronous(call, call.request["EndpointConfigName"]).values():
            environment[ASYNCHRONOUS] = json.dumps(queued)
        answer = call.forward(call.operation, call.request)
        moto_internals.set_endpoint_status(call.account, call.region, name, "Creating")
        made = moto_internals.endpoint(call.account, call.region, name)

        def ready() -> None:
            reason = self.host.reason_to_fail(environment)
            if moto_internals.endpoint(call.account, call.region, name) is not made:
                return
            if not reason:
                self._tell(lambda: self.host.start(name, environment))
            status = "Failed" if reason else "InService"
            moto_internals.set_endpoint_status(call.account, call.region, name, status, reason)

        _after(self.host.seconds_to_start(environment), ready)
        return answer

    def _capture_config(self, call: Call, config_name: str) -> dict[str, Any]:
        """{} without data capture."""
        config = call.forward("DescribeEndpointConfig", {"EndpointConfigName": config_name})
        capture: dict[str, Any] = config.get("DataCaptureConfig") or {}
        return capture if capture.get("DestinationS3Uri") else {}

    def _describe(self, call: Call) -> dict[str, Any]:
        """With the DataCaptureConfigSummary, which has other members than the configuration."""
        described = call.forward(call.operation, call.request)
        capture = self._capture_config(call, described["EndpointConfigName"])
        described.pop("DataCaptureConfig", None)
        described |= self._asynchronous(call, described["EndpointConfigName"])
        if not capture:
            return described
        enabled = capture.get("EnableCapture", True)
        summary = {
            "EnableCapture": enabled,
            "CaptureStatus": "Started" if enabled else "Stopped",
            "CurrentSamplingPercentage": capture["InitialSamplingPercentage"],
            "DestinationS3Uri": capture["DestinationS3Uri"],
            "KmsKeyId": capture.get("KmsKeyId", ""),
        }
        return {**described, "DataCaptureConfig": summary}

    def _environment(self, call: Call, config_name: str) -> dict[str, str]:
        """Of the first container of the first variant's model; empty for anything else."""
        config = call.forward("DescribeEndpointConfig", {"EndpointConfigName": config_name})
        name = config["ProductionVariants"][0].get("ModelName")
        if not name:
            return {}
        container = next(iter(_containers(call.forward("DescribeModel", {"ModelName": name}))), {})
        own = container.get("Environment") or {}
        if "ModelPackageName" not in container:
            return dict(own)
        package = self.describe_package(call, container["ModelPackageName"])
        described = package.get("InferenceSpecification", {}).get("Containers", [{}])[0]
        return {**(described.get("Environment") or {}), **own}

    def _delete(self, call: Call) -> dict[str, Any]:
        name = call.request["EndpointName"]
        described = call.forward("DescribeEndpoint", {"EndpointName": name})
        if described["EndpointStatus"] in ("Creating", "Updating"):
            raise ValidationException(
                f'Cannot update in-progress endpoint "{described["EndpointArn"]}".'
            )
        if described["EndpointStatus"] == "Deleting":
            return {}
        self._tell(lambda: self.host.stop(name))
        moto_internals.set_endpoint_status(call.account, call.region, name, "Deleting")
        going = moto_internals.endpoint(call.account, call.region, name)

        def gone() -> None:
            moto_internals.remove_endpoint(call.account, call.region, name, going)

        _after(DELETING_SECONDS, gone)
        return {}

    def _tell(self, what: Callable[[], None]) -> None:
        try:
            what()
        except OSError as error:
            self.echo(f"[endpoint] the host of endpoints does not answer: {error}")


def _containers(model: Mapping[str, Any]) -> list[dict[str, Any]]:
    primary = model.get("PrimaryContainer")
    return [primary] if primary else list(model.get("Containers") or [])


def _after(seconds: float, call: Callable[[], None]) -> None:
    timer = threading.Timer(seconds, call)
    timer.daemon = True
    timer.start()
