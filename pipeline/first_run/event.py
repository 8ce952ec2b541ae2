"""What EventBridge is told of a new version, caught in a queue and held against the trigger's rule.

And of an update, such as a stamp: the rule must not match it, or the pipeline would start itself.
"""

from __future__ import annotations

import json
import time
from typing import Any

from pipeline.definition.account import account_of
from pipeline.first_run.step import Cost, Differs, Refused, Step
from pipeline.first_run.trial import Trial
from pipeline.trigger.dead_letters import put_queue
from pipeline.trigger.rules import delete_rule
from pipeline.trigger.wanted import event_pattern
from processing.config.trigger import Trigger
from processing.endpoint.client import describe_model

_VERSIONS, _WAIT_SECONDS, _POLL_SECONDS = 4, 60.0, 5
_UPDATED = "UpdatedModelPackageFields"


def event_step(trial: Trial) -> Step:
    return Step(
        "event of a new version",
        f"whether it starts the pipeline, an update does not, and it has {_UPDATED}",
        Cost("10 calls, 1 rule, 1 queue", 2),
        lambda: _catch(trial),
    )


def _catch(trial: Trial) -> str:
    sagemaker, events = trial.sagemaker, trial.session.client("events")
    queue = _rule_and_queue(trial)
    trigger = trial.bundle.config.trigger or Trigger(candidates_group=trial.group)
    pattern = event_pattern(trigger.model_copy(update={"candidates_group": trial.group}))

    def matches(event: dict[str, Any]) -> bool:
        answer = events.test_event_pattern(
            EventPattern=json.dumps(pattern), Event=json.dumps(event)
        )
        return bool(answer["Result"])

    arn, event = _new_version(trial, queue, trigger.approval_status)
    words, detail = json.dumps(event), event.get("detail", {})
    if detail.get("ModelPackageArn") != arn:
        raise Differs("the event does not name the new version in $.detail.ModelPackageArn", words)
    if not matches(event):
        raise Differs("the trigger's rule would not start the pipeline for this event", words)
    sagemaker.update_model_package(
        ModelPackageArn=arn, CustomerMetadataProperties={"first-run": "an update"}
    )
    updated = _receive(trial, queue)
    if updated is not None and matches(updated):
        raise Differs(
            "the trigger's rule would start the pipeline again for an update of the package",
            json.dumps(updated),
        )
    fields = detail.get(_UPDATED, "absent")
    after = updated.get("detail", {}).get(_UPDATED, "absent") if updated else "no event"
    return f"the rule matches it ({_UPDATED}: {fields}), and not an update ({_UPDATED}: {after})"


def _rule_and_queue(trial: Trial) -> str:
    """The queue's URL."""
    made, account = trial.made, account_of(trial.bundle)
    events, sqs = trial.session.client("events"), trial.session.client("sqs")
    rule = account.arn("events", f"rule/{made.name}")
    made.note(
        f"queue {made.name}",
        lambda: sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName=made.name)["QueueUrl"]),
    )
    queue_arn = put_queue(sqs, made.name, [rule], account.number, made.tags)
    made.note(f"rule {made.name}", lambda: delete_rule(events, made.name))
    pattern = {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Model Package State Change"],
        "detail": {"ModelPackageGroupName": [trial.group]},
    }
    events.put_rule(Name=made.name, EventPattern=json.dumps(pattern), Tags=made.tag_list)
    answer = events.put_targets(Rule=made.name, Targets=[{"Id": "queue", "Arn": queue_arn}])
    for failed in answer.get("FailedEntries", []):
        raise Refused("the rule's target is refused, so no event is seen", json.dumps(failed))
    return str(sqs.get_queue_url(QueueName=made.name)["QueueUrl"])


def _new_version(trial: Trial, queue: str, approval: str) -> tuple[str, dict[str, Any]]:
    """A version's ARN and its event. A rule is not in effect at once, so more than one is made.

    Raises Differs if no event comes.
    """
    source = describe_model(trial.sagemaker, trial.bundle.config.endpoint).source_uri
    for _ in range(_VERSIONS):
        arn = trial.sagemaker.create_model_package(
            ModelPackageGroupName=trial.group,
            ModelPackageDescription="Made by first-run, which deletes it.",
            SourceUri=source,
            ModelApprovalStatus=approval,
        )["ModelPackageArn"]
        event = _receive(trial, queue)
        if event is not None:
            return str(arn), event
    raise Differs(
        f"EventBridge was told of none of {_VERSIONS} new versions within "
        f"{_VERSIONS * _WAIT_SECONDS:.0f} s: candidates do not start the pipeline by themselves",
        "no event",
    )


def _receive(trial: Trial, queue: str) -> dict[str, Any] | None:
    sqs, deadline = trial.session.client("sqs"), time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < deadline:
        answer = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=_POLL_SECONDS)
        for message in answer.get("Messages", []):
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            event: dict[str, Any] = json.loads(message["Body"])
            return event
    return None
