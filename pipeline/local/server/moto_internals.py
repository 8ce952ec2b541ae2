"""Every name of moto's (5.2.5) that is not public and that the local AWS uses; no other module
imports moto. tests/pipeline/local/server/test_moto_internals.py says which of them has changed.

- A model package version number is never given twice (moto counts what is left after a deletion).
- No web page may read its answers: CORS is off.
- Model packages and groups can be deleted; an endpoint's status can be set, and it can have
  today's instance types.
- CloudWatch refuses the metrics that the service refuses.
- What takes the place of moto's EventBridge is given to `replace_event_bridge`.

moto keeps everything in this process's memory, for all servers in it together.
"""

from __future__ import annotations

import copy
import datetime as dt
import functools
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from moto.cloudwatch.exceptions import InvalidParameterValue
from moto.cloudwatch.models import CloudWatchBackend
from moto.core.exceptions import JsonRESTError, ServiceException
from moto.events.exceptions import InvalidEventPatternException
from moto.events.models import EventPattern, EventsBackend, Rule, events_backends
from moto.events.responses import EventsHandler
from moto.moto_server import werkzeug_app
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from moto.sagemaker.models import FakeEndpointConfig, ModelPackage, sagemaker_backends

from pipeline.local.server.metric_limits import metric_problem

UNSERVED = (NotImplementedError, ServiceException)
"""What `send_to` raises for a target that moto does not serve, or that refuses the event."""


@dataclass
class _Patched:
    """Done once for all servers of this process. `send` is moto's own Rule.send_to_targets."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    versions: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    installed: bool = False
    send: Callable[..., None] | None = None


_patched = _Patched()


class QuietRequestHandler(MotoRequestHandler):  # type: ignore[misc] # moto is untyped
    """Does not write a line to the terminal for each request."""

    def log_request(self, *_: object) -> None:
        return


def application() -> Any:
    """moto's server as a WSGI application; it finds the service by the request's signature."""
    return DomainDispatcherApplication(create_backend_app)


def install() -> None:
    """Make moto keep models and endpoints as SageMaker does, once in a process."""
    with _patched.lock:
        if not _patched.installed:
            _count_versions()
            werkzeug_app.DISABLE_GLOBAL_CORS = True
            FakeEndpointConfig.validate_instance_type = _any_instance_type
            CloudWatchBackend.put_metric_data = _within_limits(CloudWatchBackend.put_metric_data)
            _patched.installed = True


def _within_limits(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def put_metric_data(self: Any, namespace: str, metric_data: list[dict[str, Any]]) -> Any:
        if problem := metric_problem(namespace, metric_data):
            raise InvalidParameterValue(problem)
        return original(self, namespace, metric_data)

    return put_metric_data


def delete_model_package(account: str, region: str, arn: str) -> None:
    """Removes a package that exists."""
    backend = sagemaker_backends[account][region]
    package = backend.model_packages.pop(arn)
    for name in (arn, package.model_package_name):
        if backend.model_package_name_mapping.get(name) == arn:
            del backend.model_package_name_mapping[name]


def delete_model_package_group(account: str, region: str, name: str) -> None:
    """Removes a group that exists."""
    del sagemaker_backends[account][region].model_package_groups[name]


def endpoint(account: str, region: str, name: str) -> Any:
    """moto's own object of an endpoint, to know it again; None if there is none."""
    return sagemaker_backends[account][region].endpoints.get(name)


def set_endpoint_status(
    account: str, region: str, name: str, status: str, failure_reason: str = ""
) -> None:
    """moto's endpoints are InService from the start."""
    found = endpoint(account, region, name)
    if found is not None:
        found.endpoint_status, found.failure_reason = status, failure_reason or None
        found.last_modified_time = dt.datetime.now(dt.UTC).replace(tzinfo=None)


def remove_endpoint(account: str, region: str, name: str, which: Any) -> None:
    """Removes that endpoint, and not one that has been given the name since."""
    if endpoint(account, region, name) is which:
        sagemaker_backends[account][region].endpoints.pop(name, None)


def _any_instance_type(_self: Any, _instance_type: str) -> None:
    """botocore's model, which the front door checks against, knows more of them than moto."""


def _count_versions() -> None:
    original = ModelPackage.__init__

    @functools.wraps(original)
    def numbered(self: Any, *args: Any, **arguments: Any) -> None:
        if arguments.get("model_package_version"):
            where = (
                arguments["account_id"],
                arguments["region_name"],
                arguments["model_package_group_name"],
            )
            with _patched.lock:
                _patched.versions[where] += 1
                arguments["model_package_version"] = _patched.versions[where]
        original(self, *args, **arguments)

    ModelPackage.__init__ = numbered


class EventBridge(Protocol):
    """What takes the place of moto's patterns, schedules and deliveries."""

    def parse_pattern(self, text: str) -> dict[str, Any]:
        """Raises ValueError with the reason that EventBridge gives."""

    def matches(self, pattern: dict[str, Any], event: dict[str, Any]) -> bool: ...

    def check_schedule(self, expression: str) -> None:
        """Raises ValueError with the reason."""

    def serve(self, rule: Any, event: dict[str, Any], *, transform_input: bool) -> None:
        """Bring an event that matches an enabled rule's pattern to the rule's targets."""


def replace_event_bridge(ours: EventBridge) -> None:
    """Put `ours` behind moto's PutRule, PutEvents and TestEventPattern, once in a process."""
    with _patched.lock:
        if _patched.send is not None:
            return
        _patched.send = Rule.send_to_targets

    def load(cls: Any, raw_pattern: str | None) -> Any:
        if not raw_pattern:
            return cls(None, {})
        try:
            return cls(raw_pattern, ours.parse_pattern(raw_pattern))
        except ValueError as error:
            raise InvalidEventPatternException(reason=str(error)) from error

    def matches_event(self: Any, event: dict[str, Any]) -> bool:
        pattern = self.get_pattern()
        return not pattern or ours.matches(pattern, event)

    def test_event_pattern(self: Any) -> str:
        pattern = EventPattern.load(self._get_param("EventPattern"))
        event = json.loads(self._get_param("Event"))
        return json.dumps({"Result": pattern.matches_event(event)})

    def send_to_targets(self: Any, event: dict[str, Any], transform_input: bool = True) -> None:
        has_pattern = bool(self.event_pattern.get_pattern())
        if self.state == "ENABLED" and has_pattern and self.event_pattern.matches_event(event):
            ours.serve(self, event, transform_input=transform_input)

    EventPattern.load = classmethod(load)
    EventPattern.matches_event = matches_event
    EventsBackend.put_rule = _with_checked_schedule(EventsBackend.put_rule, ours)
    EventsHandler.test_event_pattern = test_event_pattern
    Rule.send_to_targets = send_to_targets


def enabled_rules(account: str) -> Iterator[tuple[str, Any]]:
    """(region, rule) of all enabled rules on the default buses."""
    for region, backend in list(events_backends[account].items()):
        for rule in list(backend.event_buses["default"].rules.values()):
            if rule.state == "ENABLED":
                yield region, rule


def send_to(
    rule: Any, target: dict[str, Any], event: dict[str, Any], transform_input: bool
) -> None:
    """moto's way to one target; its default template would drop the account from the event."""
    only, event = copy.copy(rule), copy.deepcopy(event)
    only.targets = [target]
    only.event_pattern = EventPattern.load(None)  # it has matched, or the rule has only a schedule
    if "InputTransformer" not in target:
        event.pop("ingestion-time", None)
        transform_input = False
    assert _patched.send is not None
    _patched.send(only, event, transform_input)


def _with_checked_schedule(original: Callable[..., Any], ours: EventBridge) -> Callable[..., Any]:
    @functools.wraps(original)
    def put_rule(self: Any, *args: Any, **arguments: Any) -> Any:
        expression = arguments.get("scheduled_expression")
        if expression:
            try:
                ours.check_schedule(expression)
            except ValueError as error:
                raise JsonRESTError(
                    "ValidationException", f"Parameter ScheduleExpression is not valid. {error}"
                ) from error
        return original(self, *args, **arguments)

    return put_rule
