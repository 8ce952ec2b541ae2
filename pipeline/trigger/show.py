"""`trigger show`: what is there, whether the configuration says the same, what would match."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pipeline.definition.account import account_of
from pipeline.definition.bundle import Bundle
from pipeline.definition.lookup import find_pipeline, group_is_there
from pipeline.definition.trigger_names import names_of
from pipeline.permissions.roles import get_role, sweep_permissions, trigger_permissions
from pipeline.trigger.dead_letters import DeadLetters, read_queue
from pipeline.trigger.notify import topic_lines
from pipeline.trigger.wanted import (
    WantedRule,
    event_pattern,
    needs_role,
    wanted_rules,
    wanted_target,
    wanted_trigger,
)
from processing.config.trigger import Trigger

if TYPE_CHECKING:
    from boto3 import Session


def show(session: Session, bundle: Bundle) -> tuple[list[str], list[str]]:
    """Lines to print, and what of it is not there or not as the configuration says."""
    events, names = session.client("events"), names_of(bundle)
    trigger = _shown_trigger(events, bundle)
    lines, problems = list[str](), list[str]()
    for rule in wanted_rules(bundle, trigger):
        target = wanted_target(bundle, rule) if rule.form else {}
        found = list(_rule_problems(events, rule, target))
        problems += found
        shown = next(iter(rule.form.values())) if rule.form else "not asked for"
        lines += [f"rule {rule.name}: {shown}", *(f"  !! {problem}" for problem in found)]
    untold = topic_lines(session, bundle)
    problems += untold[:1]
    lines += [f"!! {line}" for line in untold]
    there = _there(session, bundle, trigger)
    lines += [f"{what}{'' if good else ': !! is not there'}" for what, good in there.items()]
    letters = read_queue(session.client("sqs"), names.queue)
    lines += _letter_lines(names.queue, letters)
    there[f"dead-letter queue {names.queue}"] = letters is not None
    problems += [f"{what}: is not there" for what, good in there.items() if not good]
    if trigger and trigger.candidates_group:
        sample = sample_event(bundle, trigger)
        pattern = json.dumps(event_pattern(trigger))
        told = events.test_event_pattern(Event=json.dumps(sample), EventPattern=pattern)
        word = "matches" if told["Result"] else "!! does not match"
        lines += [f"EventBridge says that this event {word}:", json.dumps(sample, indent=2)]
        if not told["Result"]:
            problems.append("EventBridge says that the rule does not match a new version's event")
        lines += _group_lines(session, trigger.candidates_group)
    return lines, problems


def _there(session: Session, bundle: Bundle, trigger: Trigger | None) -> dict[str, bool]:
    """The roles, and the sweep pipeline where candidates are evaluated."""
    iam, names = session.client("iam"), names_of(bundle)
    roles = [trigger_permissions(bundle)] if needs_role(bundle, trigger) else []
    if bundle.config.candidate:
        roles.append(sweep_permissions(bundle))
    found = {f"role {role.role_arn}": get_role(iam, role.role_name) is not None for role in roles}
    if bundle.config.candidate:
        found[f"pipeline {names.sweep}"] = (
            find_pipeline(session.client("sagemaker"), names.sweep) is not None
        )
    return found


def _shown_trigger(events: Any, bundle: Bundle) -> Trigger | None:
    """A schedule that was given on the command line is as good as one in the file."""
    section = bundle.config.trigger
    if section and section.schedule:
        return section
    rule = _describe(events, names_of(bundle).schedule)
    return wanted_trigger(bundle, rule.get("ScheduleExpression") if rule else None)


def sample_event(bundle: Bundle, trigger: Trigger) -> dict[str, Any]:
    """A new version in the candidates group, as SageMaker tells it in its developer guide."""
    account = account_of(bundle)
    arn = account.arn("sagemaker", f"model-package/{trigger.candidates_group}/1")
    now = f"{dt.datetime.now(dt.UTC):%Y-%m-%dT%H:%M:%SZ}"
    return {
        "version": "0",
        "id": "844e2571-85d4-695f-b930-0153b71dcb42",
        "detail-type": "SageMaker Model Package State Change",
        "source": "aws.sagemaker",
        "account": account.number,
        "time": now,
        "region": account.region,
        "resources": [arn],
        "detail": {
            "ModelPackageGroupName": trigger.candidates_group,
            "ModelPackageVersion": 1,
            "ModelPackageArn": arn,
            "CreationTime": now,
            "ModelPackageStatus": "Completed",
            "ModelApprovalStatus": trigger.approval_status,
        },
    }


def is_put(session: Session, bundle: Bundle) -> bool:
    """Whether `trigger put` has made any of its rules."""
    events = session.client("events")
    return any(_describe(events, rule) for rule in names_of(bundle).rules)


def _rule_problems(events: Any, wanted: WantedRule, target: dict[str, Any]) -> Iterator[str]:
    name, form = wanted.name, wanted.form
    rule = _describe(events, name)
    if rule is None or form is None:
        if rule is not None:
            yield "is there: `trigger put` takes it away"
        if form is not None:
            yield "is not there: `trigger put` makes it"
        return
    if rule.get("State") != "ENABLED":
        yield f"is {rule.get('State')}"
    if any(_parsed(rule.get(key)) != _parsed(value) for key, value in form.items()):
        yield "differs from the configuration: `trigger put` brings it up to date"
    targets = events.list_targets_by_rule(Rule=name)["Targets"]
    ours = [entry for entry in targets if entry["Id"] == target["Id"]]
    if not ours:
        yield "has no target: `trigger put` gives it one"
    elif ours[0] != target:
        yield "its target differs from the configuration: `trigger put` brings it up to date"


def _describe(events: Any, rule: str) -> dict[str, Any] | None:
    from botocore.exceptions import ClientError

    try:
        described: dict[str, Any] = events.describe_rule(Name=rule)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return None
        raise
    return described


def _letter_lines(name: str, letters: DeadLetters | None) -> Iterator[str]:
    if letters is None:
        yield f"dead-letter queue {name}: !! is not there"
        return
    yield f"dead-letter queue {letters.arn}: {letters.count} events that started nothing"
    for letter in letters.letters:
        yield f"  {letter.time} {letter.about or 'schedule'}: {letter.code}: {letter.message}"


def _group_lines(session: Session, group: str) -> Iterator[str]:
    if not group_is_there(session.client("sagemaker"), group):
        yield f"note: there is no model package group {group} yet"


def _parsed(text: str | None) -> Any:
    """Patterns are compared as JSON, schedules as they are."""
    try:
        return json.loads(text or "null")
    except json.JSONDecodeError:
        return text
