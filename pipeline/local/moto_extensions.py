"""The only module that knows moto's inside (5.2.5); it mends what the local AWS trips over.

- A model package version number is never given twice (moto counts what is left after a deletion).
- A rule's targets are served one by one, on copies: a SageMaker pipeline target starts the
  pipeline, one bad target does not keep the event from the others, and a disabled rule or one
  that has only a schedule gets no events. The event keeps its account.
- Model packages and groups can be deleted; an endpoint's status can be set, and it can have
  today's instance types.

moto keeps everything in this process's memory, for all servers in it together.
"""

from __future__ import annotations

import copy
import datetime as dt
import functools
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from botocore.exceptions import ClientError
from moto.core.exceptions import ServiceException
from moto.events.models import Rule
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from moto.sagemaker.models import FakeEndpointConfig, ModelPackage, sagemaker_backends

from pipeline.local.aws_errors import AwsError

PipelineTarget: TypeAlias = Callable[[dict[str, Any], dict[str, Any]], None]
Echo: TypeAlias = Callable[[str], None]


@dataclass
class _Patched:
    """The servers of this process; the newest takes the events of pipeline targets."""

    servers: list[tuple[PipelineTarget, Echo]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    versions: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    installed: bool = False


_patched = _Patched()


class QuietRequestHandler(MotoRequestHandler):  # type: ignore[misc] # moto is untyped
    """Does not write a line to the terminal for each request."""

    def log_request(self, *_: object) -> None:
        return


def application() -> Any:
    """moto's server as a WSGI application; it finds the service by the request's signature."""
    return DomainDispatcherApplication(create_backend_app)


def install(start_pipeline: PipelineTarget, echo: Echo) -> Callable[[], None]:
    """Mends moto, and has `start_pipeline(target, event)` called for pipeline targets of rules.

    `echo` hears of targets that fail. Returns what to call when the server has ended.
    """
    server = (start_pipeline, echo)
    with _patched.lock:
        _patched.servers.append(server)
        if not _patched.installed:
            _count_versions()
            FakeEndpointConfig.validate_instance_type = _any_instance_type
            Rule.send_to_targets = _send_to_targets(Rule.send_to_targets)
            _patched.installed = True
    return functools.partial(_patched.servers.remove, server)


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


def _send_to_targets(original: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(original)
    def send(self: Any, event: dict[str, Any], transform_input: bool = True) -> None:
        has_pattern = bool(self.event_pattern.get_pattern())
        if self.state != "ENABLED" or not has_pattern:
            return
        if not self.event_pattern.matches_event(event):
            return
        start_pipeline, echo = _patched.servers[-1]
        for target in list(self.targets):
            only = copy.copy(self)
            only.targets = [target]
            try:
                if _is_pipeline(target["Arn"]):
                    start_pipeline(target, copy.deepcopy(event))
                else:
                    _deliver(original, only, copy.deepcopy(event), transform_input)
            except (NotImplementedError, ServiceException, AwsError, ClientError) as error:
                echo(f"[EventBridge] rule {self.name}, target {target['Arn']}: {error}")

    return send


def _deliver(
    original: Callable[..., None], rule: Any, event: dict[str, Any], transform_input: bool
) -> None:
    """To one target; moto's default template would drop the account from the event."""
    if "InputTransformer" not in rule.targets[0]:
        event.pop("ingestion-time", None)
        transform_input = False
    original(rule, event, transform_input)


def _is_pipeline(arn: str) -> bool:
    return ":sagemaker:" in arn and ":pipeline/" in arn
