"""What moto must still have inside: after an update, the failing test names what has changed."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest
from running_aws import REPOSITORY

PACKAGE = REPOSITORY / "pipeline"
ROOM = PACKAGE / "local" / "server" / "moto_internals.py"

# name -> parameters that the local AWS gives it, or takes from it when it stands in its place
CALLED = {
    "moto.cloudwatch.exceptions:InvalidParameterValue.__init__": [],
    "moto.cloudwatch.models:CloudWatchBackend.put_metric_data": [
        *("self", "namespace", "metric_data")
    ],
    "moto.core.exceptions:JsonRESTError.__init__": ["self", "error_type", "message"],
    "moto.core.exceptions:ServiceException.__init__": [],
    "moto.events.exceptions:InvalidEventPatternException.__init__": ["self", "reason"],
    "moto.events.models:EventPattern.__init__": ["self", "raw_pattern", "pattern"],
    "moto.events.models:EventPattern.get_pattern": ["self"],
    "moto.events.models:EventPattern.load": ["raw_pattern"],
    "moto.events.models:EventPattern.matches_event": ["self", "event"],
    "moto.events.models:EventsBackend.put_rule": ["self", "scheduled_expression"],
    "moto.events.models:Rule.send_to_targets": ["self", "original_event", "transform_input"],
    "moto.events.responses:EventsHandler._get_param": ["self", "param_name"],
    "moto.events.responses:EventsHandler.test_event_pattern": ["self"],
    "moto.moto_server.werkzeug_app:DomainDispatcherApplication.__init__": ["self", "create_app"],
    "moto.moto_server.werkzeug_app:MotoRequestHandler.log_request": ["self"],
    "moto.moto_server.werkzeug_app:create_backend_app": ["service"],
    "moto.sagemaker.models:FakeEndpointConfig.validate_instance_type": ["self", "instance_type"],
    "moto.sagemaker.models:ModelPackage.__init__": [
        *("self", "account_id", "region_name", "model_package_group_name"),
        "model_package_version",
    ],
}
# an object that a fresh moto holds -> the attributes that it must have
HELD = {
    "backend": [
        "model_packages",
        "model_package_name_mapping",
        "model_package_groups",
        "endpoints",
    ],
    "package": ["model_package_name", "model_package_version"],
    "endpoint": ["endpoint_status", "failure_reason", "last_modified_time"],
    "rule": ["arn", "targets", "state", "event_pattern", "scheduled_expression"],
    "web server": ["DISABLE_GLOBAL_CORS"],
}
PROBE = """
import importlib, inspect, json, sys
from functools import reduce
called, held = json.loads(sys.argv[1])
found = {}
for name in called:
    module, _, path = name.partition(":")
    try:
        value = reduce(getattr, path.split("."), importlib.import_module(module))
        found[name] = list(inspect.signature(value).parameters)
    except (ImportError, AttributeError) as error:
        found[name] = str(error)
from moto import mock_aws
import boto3
from moto.events.models import events_backends
from moto.moto_server import werkzeug_app
from moto.sagemaker.models import sagemaker_backends
where = dict(region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
with mock_aws():
    sagemaker = boto3.client("sagemaker", **where)
    sagemaker.create_model_package_group(ModelPackageGroupName="g")
    sagemaker.create_model_package(ModelPackageGroupName="g", InferenceSpecification={
        "Containers": [{"Image": "i"}], "SupportedContentTypes": ["a/b"],
        "SupportedResponseMIMETypes": ["a/b"]})
    sagemaker.create_model(ModelName="m", ExecutionRoleArn="arn:aws:iam::123456789012:role/role",
                           PrimaryContainer={"Image": "i"})
    sagemaker.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[{
        "VariantName": "v", "ModelName": "m", "InstanceType": "ml.m4.xlarge",
        "InitialInstanceCount": 1}])
    sagemaker.create_endpoint(EndpointName="e", EndpointConfigName="c")
    boto3.client("events", **where).put_rule(Name="r", ScheduleExpression="rate(1 day)")
    backend = sagemaker_backends["123456789012"]["us-east-1"]
    things = {
        "backend": backend,
        "package": next(iter(backend.model_packages.values())),
        "endpoint": backend.endpoints["e"],
        "rule": events_backends["123456789012"]["us-east-1"].event_buses["default"].rules["r"],
        "web server": werkzeug_app,
    }
    for name, attributes in held.items():
        found[name] = [a for a in attributes if hasattr(things[name], a)]
    [arn] = backend.model_packages
    found["mapped"] = arn in backend.model_package_name_mapping.values()
    found["group"] = list(backend.model_package_groups)
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def moto() -> dict[str, list[str]]:
    """What moto has as it is installed, in a process in which nothing of it was replaced."""
    probe = subprocess.run(
        [sys.executable, "-c", PROBE, json.dumps([list(CALLED), HELD])],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert probe.returncode == 0, f"moto keeps its objects elsewhere: {probe.stderr[-500:]}"
    found: dict[str, list[str]] = json.loads(probe.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("name", CALLED)
def test_moto_still_has(moto: dict[str, list[str]], name: str) -> None:
    parameters = moto[name]
    assert isinstance(parameters, list), f"moto has no {name} any more: {parameters}"
    missing = [wanted for wanted in CALLED[name] if wanted not in parameters]
    assert not missing, f"moto's {name} takes {parameters}: {missing} are gone"


@pytest.mark.parametrize("name", HELD)
def test_moto_s_objects_still_have(moto: dict[str, list[str]], name: str) -> None:
    missing = [wanted for wanted in HELD[name] if wanted not in moto[name]]
    assert not missing, f"moto's {name} has no {missing} any more"


def test_moto_still_finds_packages_by_arn_and_groups_by_name(moto: dict[str, list[str]]) -> None:
    assert moto["mapped"], "moto's model_package_name_mapping does not lead to ARNs any more"
    assert moto["group"] == ["g"], "moto's model_package_groups is not by name any more"


@pytest.mark.slow
def test_no_other_room_imports_moto() -> None:
    assert [path for path in PACKAGE.rglob("*.py") if _from_moto(path)] == [ROOM]


def test_each_name_that_is_imported_is_looked_at() -> None:
    """A name that is new in the room fails here, until it stands above."""
    named = {name.partition(":")[2].partition(".")[0] for name in CALLED}
    kept = {"events_backends", "sagemaker_backends", "werkzeug_app"}  # looked at by what they hold
    assert _from_moto(ROOM) == named | kept


def _from_moto(path: Path) -> set[str]:
    """What a module imports from moto."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return {name for name in plain if name.partition(".")[0] == "moto"} | {
        alias.name
        for node in nodes
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "moto"
        for alias in node.names
    }
