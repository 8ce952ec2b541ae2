"""What starts the pipeline by itself: EventBridge rules, their role, their dead-letter queue.

    put(boto3.Session(), load_bundle(Path("evaluation.yaml")))

One rule for candidates (a new version of a model package, or a changed approval), one for a
schedule. Both are rules, not EventBridge Scheduler's schedules: these would need a role that may
also send to the queue, and a second service to trust.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pipeline.definition.account import account_of
from pipeline.definition.bundle import Bundle
from pipeline.definition.dataset_version import PARAMETER
from pipeline.definition.trigger_names import TriggerNames, names_of
from pipeline.permissions.roles import (
    MADE_BY,
    delete_role,
    get_role,
    put_role,
    trigger_permissions,
)
from pipeline.trigger.dead_letters import delete_queue, put_queue
from processing.base.errors import LaunchError
from processing.config.trigger import Trigger

if TYPE_CHECKING:
    from boto3 import Session

TARGET_ID = "pipeline"
_MADE_BY = "trigger put"
_ROLE_SECONDS = 60.0


def wanted_trigger(bundle: Bundle, schedule: str | None) -> Trigger:
    """The file's `trigger:`, with a schedule given on the command line in place of its own.

    Raises LaunchError if neither says anything.
    """
    from pydantic import ValidationError

    section = bundle.config.trigger
    if section is None and schedule is None:
        raise LaunchError(
            "the configuration has no trigger: section; add trigger: candidates_group: NAME, "
            'or give --schedule "rate(7 days)"'
        )
    if schedule is None and section is not None:
        return section
    given = section.model_dump() if section else {}
    try:
        return Trigger.model_validate({**given, "schedule": schedule})
    except ValidationError as error:
        raise LaunchError(
            f"--schedule {schedule!r} is neither rate(1 day), rate(7 days), ... "
            "nor cron(minutes hours day-of-month month day-of-week year)"
        ) from error


def put(session: Session, bundle: Bundle, schedule: str | None = None) -> list[str]:
    """Make rules, role and queue, or bring them up to date; a line for each.

    What the configuration no longer asks for is taken away. Raises LaunchError and ClientError.
    """
    trigger, names = wanted_trigger(bundle, schedule), names_of(bundle)
    pipeline_arn = _require_pipeline(session, bundle, trigger)
    lines = [_put_role(session, bundle, names)]
    account = account_of(bundle)
    rules = [account.arn("events", f"rule/{rule}") for rule in (names.rule, names.schedule)]
    queue_arn = put_queue(session.client("sqs"), names.queue, rules, account.number, _tags(bundle))
    lines.append(f"dead-letter queue {queue_arn}")
    events = session.client("events")
    described = f"Starts the SageMaker pipeline {bundle.config.pipeline.name}"
    tags = [{"Key": key, "Value": value} for key, value in _tags(bundle).items()]
    for name, form in wanted_rules(bundle, trigger).items():
        if form is None:
            lines += _delete_rule(events, name)
            continue
        events.put_rule(Name=name, Description=described, State="ENABLED", Tags=tags, **form)
        _put_target(events, name, wanted_target(bundle, trigger, name, pipeline_arn, queue_arn))
        lines.append(f"rule {account.arn('events', f'rule/{name}')}: {next(iter(form.values()))}")
    return lines


def remove(session: Session, bundle: Bundle) -> list[str]:
    """Delete what `put` made; a line for each thing that was there. Raises ClientError.

    A role made by `permissions create`, or by you, stays.
    """
    names, events = names_of(bundle), session.client("events")
    return [
        *_delete_rule(events, names.rule),
        *_delete_rule(events, names.schedule),
        *delete_queue(session.client("sqs"), names.queue, (MADE_BY, _MADE_BY)),
        *_delete_role(session.client("iam"), bundle, names),
    ]


def wanted_rules(bundle: Bundle, trigger: Trigger) -> dict[str, dict[str, str] | None]:
    """By the rule's name: EventPattern or ScheduleExpression, or None if it is not wanted."""
    names = names_of(bundle)
    pattern = json.dumps(event_pattern(trigger)) if trigger.candidates_group else None
    return {
        names.rule: {"EventPattern": pattern} if pattern else None,
        names.schedule: {"ScheduleExpression": trigger.schedule} if trigger.schedule else None,
    }


def event_pattern(trigger: Trigger) -> dict[str, Any]:
    """A finished candidate that is new, or whose approval was changed to what is waited for.

    Every other update (a stamp, a description, a life-cycle stage) repeats the approval status in
    its event, and so must not match: UpdatedModelPackageFields says what was changed. Whether a new
    version's event has that key is not documented; it counts as new without it.
    """
    return {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Model Package State Change"],
        "detail": {
            "ModelPackageGroupName": [trigger.candidates_group],
            "ModelPackageStatus": ["Completed"],
            "ModelApprovalStatus": [trigger.approval_status],
            "UpdatedModelPackageFields": [{"exists": False}, "ModelApprovalStatus"],
        },
    }


def wanted_target(
    bundle: Bundle, trigger: Trigger, rule: str, pipeline_arn: str, queue_arn: str
) -> dict[str, Any]:
    values = _parameters(bundle, trigger, scheduled=rule == names_of(bundle).schedule)
    listed = [{"Name": name, "Value": value} for name, value in values.items()]
    return {
        "Id": TARGET_ID,
        "Arn": pipeline_arn,
        "RoleArn": names_of(bundle).role_arn,
        "SageMakerPipelineParameters": {"PipelineParameterList": listed},
        "RetryPolicy": {
            "MaximumRetryAttempts": trigger.retry_attempts,
            "MaximumEventAgeInSeconds": trigger.max_event_age_seconds,
        },
        "DeadLetterConfig": {"Arn": queue_arn},
    }


def _parameters(bundle: Bundle, trigger: Trigger, *, scheduled: bool) -> Mapping[str, str]:
    candidate = {"ModelPackageArn": "$.detail.ModelPackageArn", **trigger.parameters}
    given = trigger.schedule_parameters if scheduled else candidate
    dataset = given.get("DatasetUri", bundle.dataset_uri)
    if not bundle.config.pipeline.cache or bundle.holds_its_content(dataset):
        return given
    # nobody looks at the dataset when a rule starts the pipeline: prepare it for each event
    return {PARAMETER: "$.id", **given}


def _require_pipeline(session: Session, bundle: Bundle, trigger: Trigger) -> str:
    """The pipeline's ARN. An event for a pipeline without the parameter would only be buried."""
    from botocore.exceptions import ClientError

    name = bundle.config.pipeline.name
    try:
        described = session.client("sagemaker").describe_pipeline(PipelineName=name)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFound":
            raise LaunchError(f"there is no pipeline {name} to start: `upsert` it first") from error
        raise
    declared = json.loads(described["PipelineDefinition"]).get("Parameters", [])
    known = {parameter["Name"] for parameter in declared}
    wanted: set[str] = set()
    if trigger.candidates_group:
        wanted |= _parameters(bundle, trigger, scheduled=False).keys()
    if trigger.schedule:
        wanted |= _parameters(bundle, trigger, scheduled=True).keys()
    if wanted - known:
        raise LaunchError(
            f"the pipeline {name} has no parameter {', '.join(sorted(wanted - known))}: `upsert` "
            f"it, or fix trigger: in the configuration; it has {', '.join(sorted(known))}"
        )
    return str(described["PipelineArn"])


def _put_role(session: Session, bundle: Bundle, names: TriggerNames) -> str:
    iam = session.client("iam")
    role = get_role(iam, names.role)
    if role is not None and not _made_here(role):
        return f"role {names.role_arn}, as it is"
    if role is None and bundle.config.infrastructure.trigger_role:
        raise LaunchError(
            f"infrastructure.trigger_role: there is no role {names.role_arn}; an administrator "
            "makes it with `permissions create`"
        )
    return put_role(iam, trigger_permissions(bundle), _MADE_BY)


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


def _delete_rule(events: Any, name: str) -> list[str]:
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


def _delete_role(iam: Any, bundle: Bundle, names: TriggerNames) -> list[str]:
    role = get_role(iam, names.role)
    if role is None or not _made_here(role):
        return [f"kept role {names.role_arn}: `trigger put` did not make it"] if role else []
    delete_role(iam, trigger_permissions(bundle))
    return [f"deleted role {names.role_arn}"]


def _made_here(role: Mapping[str, Any]) -> bool:
    return {"Key": MADE_BY, "Value": _MADE_BY} in role.get("Tags", [])


def _tags(bundle: Bundle) -> dict[str, str]:
    return {**bundle.config.infrastructure.tags, MADE_BY: _MADE_BY}
