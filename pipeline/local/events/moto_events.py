"""What moto's EventBridge (5.2.5) lacks, and the only module that knows its inside.

- Patterns are checked and matched as EventBridge does (`event_pattern`); TestEventPattern answers.
- A rule's targets are served one by one, on copies: a SageMaker pipeline target starts the
  pipeline, one bad target does not keep the event from the others, and a disabled rule or one
  that has only a schedule gets no events. The event keeps its account, and its time as a time.
- An event that a target did not take goes to the target's dead-letter queue.
- Rules with a schedule can be listed and fired.

moto keeps everything in this process's memory, for all servers in it together.
"""

from __future__ import annotations

import copy
import datetime as dt
import functools
import json
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError
from moto.core.exceptions import JsonRESTError, ServiceException
from moto.events.exceptions import InvalidEventPatternException
from moto.events.models import EventPattern, EventsBackend, Rule, events_backends
from moto.events.responses import EventsHandler

from pipeline.local.events import event_pattern
from pipeline.local.events.delivery import Delivery, DeliveryFailed
from pipeline.local.events.schedule_expression import ScheduleError, next_time
from pipeline.local.events.scheduled_rules import ScheduledRule
from pipeline.local.server.aws_errors import AwsError


@dataclass
class _Patched:
    """The servers of this process; the newest takes what is for pipelines."""

    servers: list[Delivery] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    send: Callable[..., None] | None = None  # moto's own Rule.send_to_targets


_patched = _Patched()


def install(delivery: Delivery) -> Callable[[], None]:
    """Mends moto's EventBridge. Returns what to call when the server has ended."""
    with _patched.lock:
        _patched.servers.append(delivery)
        if _patched.send is None:
            EventPattern.load = classmethod(_load)
            EventPattern.matches_event = _matches_event
            EventsBackend.put_rule = _put_rule(EventsBackend.put_rule)
            EventsHandler.test_event_pattern = _test_event_pattern
            _patched.send, Rule.send_to_targets = Rule.send_to_targets, _send_to_targets
    return functools.partial(_patched.servers.remove, delivery)


def scheduled_rules(delivery: Delivery, account: str) -> Iterator[ScheduledRule]:
    """Enabled rules with a schedule, of all regions; none for a server that is not the newest."""
    if not _patched.servers or _patched.servers[-1] is not delivery:
        return
    for region, backend in list(events_backends[account].items()):
        for rule in list(backend.event_buses["default"].rules.values()):
            if rule.scheduled_expression and rule.state == "ENABLED":
                yield ScheduledRule(
                    rule.arn,
                    rule.scheduled_expression,
                    functools.partial(_fire, rule, account, region),
                )


def _fire(rule: Any, account: str, region: str, time: dt.datetime) -> None:
    event = {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": account,
        "time": time.timestamp(),
        "region": region,
        "resources": [rule.arn],
        "detail": {},
    }
    _serve_targets(rule, event, transform_input=True)


def _load(cls: Any, raw_pattern: str | None) -> Any:
    if not raw_pattern:
        return cls(None, {})
    try:
        return cls(raw_pattern, event_pattern.parse(raw_pattern))
    except event_pattern.PatternError as error:
        raise InvalidEventPatternException(reason=str(error)) from error


def _matches_event(self: Any, event: dict[str, Any]) -> bool:
    pattern = self.get_pattern()
    return not pattern or event_pattern.matches(pattern, _documented(event))


def _put_rule(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def put_rule(self: Any, *args: Any, **arguments: Any) -> Any:
        expression = arguments.get("scheduled_expression")
        if expression:
            try:
                next_time(expression)
            except ScheduleError as error:
                raise JsonRESTError(
                    "ValidationException", f"Parameter ScheduleExpression is not valid. {error}"
                ) from error
        return original(self, *args, **arguments)

    return put_rule


def _test_event_pattern(self: Any) -> str:
    pattern = EventPattern.load(self._get_param("EventPattern"))
    event = json.loads(self._get_param("Event"))
    return json.dumps({"Result": pattern.matches_event(event)})


def _send_to_targets(self: Any, event: dict[str, Any], transform_input: bool = True) -> None:
    has_pattern = bool(self.event_pattern.get_pattern())
    if self.state == "ENABLED" and has_pattern and self.event_pattern.matches_event(event):
        _serve_targets(self, event, transform_input=transform_input)


def _serve_targets(rule: Any, event: dict[str, Any], *, transform_input: bool) -> None:
    delivery = _patched.servers[-1]
    for target in list(rule.targets):
        try:
            if ":sagemaker:" in target["Arn"] and ":pipeline/" in target["Arn"]:
                delivery.start_pipeline(rule.arn, target, _documented(event))
            else:
                _send_on(rule, target, copy.deepcopy(event), transform_input)
        except DeliveryFailed as failure:
            delivery.bury(rule.arn, target, _documented(event), failure)
        except (NotImplementedError, ServiceException, AwsError, ClientError) as error:
            refused = DeliveryFailed("SDK_CLIENT_ERROR", str(error))
            delivery.bury(rule.arn, target, _documented(event), refused)


def _send_on(
    rule: Any, target: dict[str, Any], event: dict[str, Any], transform_input: bool
) -> None:
    """moto's way to one target; its default template would drop the account from the event."""
    only = copy.copy(rule)
    only.targets = [target]
    only.event_pattern = EventPattern.load(None)  # it has matched, or the rule has only a schedule
    if "InputTransformer" not in target:
        event.pop("ingestion-time", None)
        transform_input = False
    assert _patched.send is not None
    _patched.send(only, event, transform_input)


def _documented(event: dict[str, Any]) -> dict[str, Any]:
    """The event as EventBridge shows it: moto keeps its time in seconds, and one member more."""
    shown = {
        name: value for name, value in copy.deepcopy(event).items() if name != "ingestion-time"
    }
    if isinstance(shown.get("time"), int | float):
        shown["time"] = f"{dt.datetime.fromtimestamp(shown['time'], dt.UTC):%Y-%m-%dT%H:%M:%SZ}"
    return shown
