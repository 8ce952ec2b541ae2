"""What starts the pipeline by itself: EventBridge rules, their role, their dead-letter queue.

    put(boto3.Session(), load_bundle(Path("evaluation.yaml")))

One rule for candidates (a new version of a model package, or a changed approval), one for a
schedule, one that tells of verdicts; and where candidates are evaluated, two that start the sweep
pipeline, which is made here, too. All are rules, not EventBridge Scheduler's schedules: these would
need a role that may also send to the queue, and a second service to trust.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pipeline.definition.account import account_of
from pipeline.definition.build import pipeline_session
from pipeline.definition.bundle import Bundle
from pipeline.definition.lookup import find_pipeline
from pipeline.definition.sweep_pipeline import put_sweep
from pipeline.definition.trigger_names import names_of
from pipeline.permissions.roles import (
    MADE_BY,
    Permissions,
    delete_role,
    get_role,
    put_role,
    sweep_permissions,
    trigger_permissions,
)
from pipeline.trigger.dead_letters import delete_queue, put_queue
from pipeline.trigger.notify import topic_lines
from pipeline.trigger.wanted import needs_role, wanted_rules, wanted_target, wanted_trigger
from processing.base.errors import LaunchError
from processing.config.trigger import Trigger

if TYPE_CHECKING:
    from boto3 import Session

_MADE_BY = "trigger put"
_ROLE_SECONDS = 60.0


def put(session: Session, bundle: Bundle, schedule: str | None = None) -> list[str]:
    """Make rules, roles, queue and sweep pipeline, or bring them up to date; a line for each.

    What the configuration no longer asks for is taken away. Raises LaunchError and ClientError.
    """
    trigger, names = wanted_trigger(bundle, schedule), names_of(bundle)
    _require_pipeline(session, bundle, trigger)
    lines = [*_put_trigger_role(session, bundle, trigger), *_put_sweep(session, bundle)]
    account = account_of(bundle)
    rule_arns = [account.arn("events", f"rule/{rule}") for rule in names.rules]
    tags = _tags(bundle)
    queue = put_queue(session.client("sqs"), names.queue, rule_arns, account.number, tags)
    lines.append(f"dead-letter queue {queue}")
    events = session.client("events")
    for rule in wanted_rules(bundle, trigger):
        if rule.form is None:
            lines += delete_rule(events, rule.name)
            continue
        events.put_rule(
            Name=rule.name,
            Description=rule.description,
            State="ENABLED",
            Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
            **rule.form,
        )
        _put_target(events, rule.name, wanted_target(bundle, rule))
        arn = account.arn("events", f"rule/{rule.name}")
        lines.append(f"rule {arn}: {next(iter(rule.form.values()))}")
    return [*lines, *(f"!! {line}" for line in topic_lines(session, bundle))]


def remove(session: Session, bundle: Bundle) -> list[str]:
    """Delete what `put` made; a line for each thing that was there. Raises ClientError.

    A role made by `permissions create`, or by you, stays.
    """
    names, events, iam = names_of(bundle), session.client("events"), session.client("iam")
    return [
        *(line for rule in names.rules for line in delete_rule(events, rule)),
        *delete_queue(session.client("sqs"), names.queue, (MADE_BY, _MADE_BY)),
        *_delete_sweep(session, bundle),
        *_delete_role(iam, trigger_permissions(bundle)),
        *_delete_role(iam, sweep_permissions(bundle)),
    ]


def _require_pipeline(session: Session, bundle: Bundle, trigger: Trigger | None) -> None:
    """An event for a pipeline without the parameter would only be buried."""
    name = bundle.config.pipeline.name
    described = find_pipeline(session.client("sagemaker"), name)
    if described is None:
        raise LaunchError(f"there is no pipeline {name} to start: `upsert` it first")
    declared = json.loads(described["PipelineDefinition"]).get("Parameters", [])
    known = {parameter["Name"] for parameter in declared}
    wanted = {
        parameter
        for rule in wanted_rules(bundle, trigger)
        if rule.form and rule.pipeline == name
        for parameter in rule.parameters
    }
    if wanted - known:
        raise LaunchError(
            f"the pipeline {name} has no parameter {', '.join(sorted(wanted - known))}: `upsert` "
            f"it, or fix trigger: in the configuration; it has {', '.join(sorted(known))}"
        )


def _put_trigger_role(session: Session, bundle: Bundle, trigger: Trigger | None) -> list[str]:
    if not needs_role(bundle, trigger):
        return []
    given = bundle.config.infrastructure.trigger_role
    return [_put_role(session, trigger_permissions(bundle), given, "trigger_role")]


def _put_sweep(session: Session, bundle: Bundle) -> list[str]:
    if bundle.config.candidate is None:
        return _delete_sweep(session, bundle)
    given = bundle.config.infrastructure.sweep_role
    role = _put_role(session, sweep_permissions(bundle), given, "sweep_role")
    arn = put_sweep(bundle, pipeline_session(bundle), {MADE_BY: _MADE_BY})
    return [role, f"pipeline {arn}"]


def _delete_sweep(session: Session, bundle: Bundle) -> list[str]:
    name, sagemaker = names_of(bundle).sweep, session.client("sagemaker")
    if find_pipeline(sagemaker, name) is None:
        return []
    [arn] = account_of(bundle).sagemaker(f"pipeline/{name}")
    tags = sagemaker.list_tags(ResourceArn=arn)["Tags"]
    if {"Key": MADE_BY, "Value": _MADE_BY} not in tags:
        return [f"kept pipeline {name}: `trigger put` did not make it"]
    sagemaker.delete_pipeline(PipelineName=name)
    return [f"deleted pipeline {name}"]


def _put_role(session: Session, wanted: Permissions, given: str | None, key: str) -> str:
    """`given` is the role that the configuration names under `infrastructure.<key>`."""
    iam = session.client("iam")
    role = get_role(iam, wanted.role_name)
    if role is not None and not _made_here(role):
        return f"role {wanted.role_arn}, as it is"
    if role is None and given:
        raise LaunchError(
            f"infrastructure.{key}: there is no role {given}; an administrator makes it with "
            "`permissions create`"
        )
    return put_role(iam, wanted, _MADE_BY)


def _put_target(events: Any, rule: str, target: dict[str, Any]) -> None:
    """EventBridge may doubt a role made a moment ago: IAM takes a while to tell everyone."""
    from botocore.exceptions import ClientError

    deadline = time.monotonic() + _ROLE_SECONDS
    while True:
        try:
            answer = events.put_targets(Rule=rule, Targets=[target])
            break
        except ClientError as error:
            told = error.response["Error"]
            doubts = told["Code"] == "ValidationException" and "assume" in told["Message"]
            if not doubts or time.monotonic() > deadline:
                raise
        time.sleep(3)
    for failed in answer.get("FailedEntries", []):
        raise LaunchError(f"rule {rule}: its target was refused: {failed.get('ErrorMessage')}")


def delete_rule(events: Any, name: str) -> list[str]:
    from botocore.exceptions import ClientError

    try:
        targets = events.list_targets_by_rule(Rule=name)["Targets"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return []
        raise
    if targets:
        events.remove_targets(Rule=name, Ids=[target["Id"] for target in targets])
    events.delete_rule(Name=name)
    return [f"deleted rule {name}"]


def _delete_role(iam: Any, made: Permissions) -> list[str]:
    role = get_role(iam, made.role_name)
    if role is None or not _made_here(role):
        return [f"kept role {made.role_arn}: `trigger put` did not make it"] if role else []
    delete_role(iam, made)
    return [f"deleted role {made.role_arn}"]


def _made_here(role: Mapping[str, Any]) -> bool:
    return {"Key": MADE_BY, "Value": _MADE_BY} in role.get("Tags", [])


def _tags(bundle: Bundle) -> dict[str, str]:
    return {**bundle.config.infrastructure.tags, MADE_BY: _MADE_BY}
