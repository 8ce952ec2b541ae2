"""How an event reaches a pipeline, and what becomes of it where it does not.

As on AWS, the target's role must be one that EventBridge may assume for this rule and that may
start this pipeline, and the dead-letter queue's policy must let EventBridge send. Missing
permissions and targets are not retried there either; here nothing is, for nothing here throttles.
Message attributes: EventBridge user guide, "Using dead-letter queues". Of the values of ERROR_CODE
it lists none.
"""

from __future__ import annotations

import json
import urllib.parse
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from pipeline.local.events.events import pipeline_parameters
from pipeline.local.server.api import Clients
from pipeline.local.server.aws_errors import ValidationException
from pipeline.local.server.iam_policy import PolicyError, Request, allows

_EVENTBRIDGE = "events.amazonaws.com"


class DeliveryFailed(Exception):
    """A target did not take an event."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class Delivery:
    """A server's way to its pipelines and queues; `echo` hears of every event not taken."""

    clients: Clients
    account: str
    echo: Callable[[str], None]

    def start_pipeline(
        self, rule_arn: str, target: Mapping[str, Any], event: dict[str, Any]
    ) -> None:
        """Through the API, as EventBridge does. Raises DeliveryFailed."""
        region = target["Arn"].split(":")[3]
        self._check_role(rule_arn, target, region)
        try:
            parameters = pipeline_parameters(target, event)
            self.clients.get("sagemaker", region).start_pipeline_execution(
                PipelineName=target["Arn"],
                PipelineParameters=parameters,
                ClientRequestToken=str(uuid.uuid4()),
            )
        except ValidationException as error:
            raise DeliveryFailed("SDK_CLIENT_ERROR", error.message) from error
        except ClientError as error:
            missing = error.response["Error"]["Code"] == "ResourceNotFound"
            code = "NO_RESOURCE" if missing else "SDK_CLIENT_ERROR"
            raise DeliveryFailed(code, str(error)) from error

    def bury(
        self, rule_arn: str, target: Mapping[str, Any], event: dict[str, Any], why: DeliveryFailed
    ) -> None:
        """Send the event to the target's dead-letter queue, if EventBridge may."""
        self.echo(f"[EventBridge] rule {rule_arn}, target {target['Arn']}: {why.code}: {why}")
        queue = target.get("DeadLetterConfig", {}).get("Arn")
        if queue is None:
            return
        try:
            self._send_dead_letter(queue, rule_arn, target, event, why)
        except (ClientError, BotoCoreError, PolicyError, DeliveryFailed) as error:
            self.echo(f"[EventBridge] dead-letter queue {queue}: the event is lost: {error}")

    def _send_dead_letter(
        self, queue: str, rule_arn: str, target: Mapping[str, Any], event: dict[str, Any],
        why: DeliveryFailed,
    ) -> None:  # fmt: skip
        sqs = self.clients.get("sqs", queue.split(":")[3])
        url = sqs.get_queue_url(QueueName=queue.rpartition(":")[2])["QueueUrl"]
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])
        policy = attributes.get("Attributes", {}).get("Policy")
        request = Request("sqs:SendMessage", queue, self._context(rule_arn), _EVENTBRIDGE)
        if policy is None or not allows([json.loads(policy)], request):
            raise DeliveryFailed("NO_PERMISSIONS", "its policy does not let EventBridge send")
        told = {
            "RULE_ARN": rule_arn,
            "TARGET_ARN": target["Arn"],
            "ERROR_CODE": why.code,
            "ERROR_MESSAGE": str(why),
        }
        sqs.send_message(
            QueueUrl=url,
            MessageBody=json.dumps(event),
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value} for name, value in told.items()
            },
        )

    def _check_role(self, rule_arn: str, target: Mapping[str, Any], region: str) -> None:
        iam, arn = self.clients.get("iam", region), target.get("RoleArn", "")
        name = arn.rpartition("/")[2]
        try:
            trust = _document(iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"])
            policies = [
                _document(iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"])
                for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]
            ]
        except (ClientError, BotoCoreError) as error:
            raise DeliveryFailed("NO_PERMISSIONS", f"role {arn or 'none'}: {error}") from error
        try:
            assumes = allows(
                [trust], Request("sts:AssumeRole", arn, self._context(rule_arn), _EVENTBRIDGE)
            )
            starts = allows(policies, Request("sagemaker:StartPipelineExecution", target["Arn"]))
        except PolicyError as error:
            raise DeliveryFailed("NO_PERMISSIONS", f"role {arn}: {error}") from error
        if not assumes:
            raise DeliveryFailed(
                "NO_PERMISSIONS", f"role {arn} does not trust {_EVENTBRIDGE} for {rule_arn}"
            )
        if not starts:
            raise DeliveryFailed("NO_PERMISSIONS", f"role {arn} may not start {target['Arn']}")

    def _context(self, rule_arn: str) -> dict[str, str]:
        return {"aws:SourceArn": rule_arn, "aws:SourceAccount": self.account}


def _document(policy: Any) -> dict[str, Any]:
    """boto3 decodes the documents itself; moto's own are sometimes still encoded."""
    if isinstance(policy, str):
        decoded: dict[str, Any] = json.loads(urllib.parse.unquote(policy))
        return decoded
    return dict(policy)
