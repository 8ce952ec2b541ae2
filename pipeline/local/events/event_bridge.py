"""EventBridge in place of moto's (5.2.5): what its patterns match, and how its targets are served.

- Patterns are checked and matched as EventBridge does (`event_pattern`); TestEventPattern answers.
- A rule's targets are served one by one, on copies: a SageMaker pipeline target starts the
  pipeline, one bad target does not keep the event from the others, and a disabled rule or one
  that has only a schedule gets no events. The event keeps its account, and its time as a time.
- An event that a target did not take goes to the target's dead-letter queue.
- Rules with a schedule can be listed and fired.
"""

from __future__ import annotations

import copy
import datetime as dt
import functools
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from pipeline.local.events import event_pattern
from pipeline.local.events.delivery import Delivery, DeliveryFailed
from pipeline.local.events.schedule_expression import next_time
from pipeline.local.events.scheduled_rules import ScheduledRule
from pipeline.local.server import moto_internals
from pipeline.local.server.aws_errors import AwsError

_REFUSALS = (*moto_internals.UNSERVED, AwsError, ClientError)


@dataclass
class _EventBridge:
    """One for the servers of this process; the newest takes what is for pipelines."""

    servers: list[Delivery] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def parse_pattern(self, text: str) -> dict[str, Any]:
        return event_pattern.parse(text)

    def matches(self, pattern: dict[str, Any], event: dict[str, Any]) -> bool:
        return event_pattern.matches(pattern, _documented(event))

    def check_schedule(self, expression: str) -> None:
        next_time(expression)

    def serve(self, rule: Any, event: dict[str, Any], *, transform_input: bool) -> None:
        delivery = self.servers[-1]
        for target in list(rule.targets):
            try:
                if ":sagemaker:" in target["Arn"] and ":pipeline/" in target["Arn"]:
                    delivery.start_pipeline(rule.arn, target, _documented(event))
                elif target["Arn"].split(":")[2] == "sns":
                    delivery.publish(rule.arn, target, _documented(event))
                else:
                    if ":event-bus/" in target["Arn"]:
                        delivery.require_bus_role(rule.arn, target)
                    moto_internals.send_to(rule, target, event, transform_input=transform_input)
            except DeliveryFailed as failure:
                delivery.bury(rule.arn, target, _documented(event), failure)
            except Exception as error:  # noqa: BLE001 one target takes down no other, nor the clock
                what = str(error) if isinstance(error, _REFUSALS) else repr(error)
                refused = DeliveryFailed("SDK_CLIENT_ERROR", what)
                delivery.bury(rule.arn, target, _documented(event), refused)


_event_bridge = _EventBridge()


def install(delivery: Delivery) -> Callable[[], None]:
    """Take the place of moto's EventBridge. Returns what to call when the server has ended."""
    with _event_bridge.lock:
        _event_bridge.servers.append(delivery)
    moto_internals.replace_event_bridge(_event_bridge)
    return functools.partial(_event_bridge.servers.remove, delivery)


def scheduled_rules(delivery: Delivery, account: str) -> Iterator[ScheduledRule]:
    """Enabled rules with a schedule, of all regions; none for a server that is not the newest."""
    if not _event_bridge.servers or _event_bridge.servers[-1] is not delivery:
        return
    for region, rule in moto_internals.enabled_rules(account):
        if rule.scheduled_expression:
            fire = functools.partial(_fire, rule, account, region)
            yield ScheduledRule(rule.arn, rule.scheduled_expression, fire)


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
    _event_bridge.serve(rule, event, transform_input=True)


def _documented(event: dict[str, Any]) -> dict[str, Any]:
    """The event as EventBridge shows it: moto keeps its time in seconds, and one member more."""
    shown = {
        name: value for name, value in copy.deepcopy(event).items() if name != "ingestion-time"
    }
    if isinstance(shown.get("time"), int | float):
        shown["time"] = f"{dt.datetime.fromtimestamp(shown['time'], dt.UTC):%Y-%m-%dT%H:%M:%SZ}"
    return shown
