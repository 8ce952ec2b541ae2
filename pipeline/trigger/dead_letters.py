"""The dead-letter queue: what EventBridge could not deliver, and why."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.permissions.statements import Document

KEPT_SECONDS = 14 * 24 * 3600  # as long as SQS keeps anything


@dataclass(frozen=True)
class DeadLetter:
    """An event that started nothing. `about` is the ARN of the model package or execution that it
    tells of; empty for a scheduled one."""

    time: str
    about: str
    code: str
    message: str


@dataclass(frozen=True)
class DeadLetters:
    """The queue's count (SQS calls it approximate), and up to ten of its letters."""

    arn: str
    count: int
    letters: list[DeadLetter]


def put_queue(
    sqs: Any, name: str, rule_arns: list[str], account: str, tags: Mapping[str, str]
) -> str:
    """The queue's ARN. It is encrypted by SQS, and takes messages from these rules only."""
    url = _find(sqs, name) or sqs.create_queue(QueueName=name, tags=dict(tags))["QueueUrl"]
    known = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    arn = str(known["Attributes"]["QueueArn"])
    policy = json.dumps(queue_policy(arn, rule_arns, account))
    attributes = {
        "MessageRetentionPeriod": str(KEPT_SECONDS),
        "SqsManagedSseEnabled": "true",
        "Policy": policy,
    }
    sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)
    return arn


def queue_policy(arn: str, rule_arns: list[str], account: str) -> Document:
    """Source: EventBridge user guide, "Using dead-letter queues", permissions."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "EventBridge",
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": arn,
                "Condition": {
                    "StringEquals": {"aws:SourceAccount": account},
                    "ArnEquals": {"aws:SourceArn": rule_arns},
                },
            }
        ],
    }


def read_queue(sqs: Any, name: str) -> DeadLetters | None:
    """None where there is no queue. What is read stays in the queue."""
    url = _find(sqs, name)
    if url is None:
        return None
    wanted = ["QueueArn", "ApproximateNumberOfMessages"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=wanted)["Attributes"]
    answer = sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0, MessageAttributeNames=["All"]
    )
    return DeadLetters(
        arn=attributes["QueueArn"],
        count=int(attributes["ApproximateNumberOfMessages"]),
        letters=[_letter(message) for message in answer.get("Messages", [])],
    )


def delete_queue(sqs: Any, name: str, made_by: tuple[str, str]) -> list[str]:
    url = _find(sqs, name)
    if url is None:
        return []
    if made_by not in sqs.list_queue_tags(QueueUrl=url).get("Tags", {}).items():
        return [f"kept queue {name}: `trigger put` did not make it"]
    letters = read_queue(sqs, name)
    sqs.delete_queue(QueueUrl=url)
    lost = f", with {letters.count} dead letters in it" if letters and letters.count else ""
    return [f"deleted dead-letter queue {name}{lost}"]


def _letter(message: Mapping[str, Any]) -> DeadLetter:
    event = json.loads(message["Body"])
    told = {
        name: attribute.get("StringValue", "")
        for name, attribute in message.get("MessageAttributes", {}).items()
    }
    detail = event.get("detail", {})
    return DeadLetter(
        time=str(event.get("time", "")),
        about=str(detail.get("ModelPackageArn") or detail.get("pipelineExecutionArn", "")),
        code=told.get("ERROR_CODE", "?"),
        message=told.get("ERROR_MESSAGE", "?"),
    )


def _find(sqs: Any, name: str) -> str | None:
    from botocore.exceptions import ClientError

    try:
        return str(sqs.get_queue_url(QueueName=name)["QueueUrl"])
    except ClientError as error:
        if "NonExistentQueue" in error.response["Error"]["Code"]:
            return None
        raise
