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
from pipeline.local.server.json_path import ExpressionError, dig

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
        self._check_role(rule_arn, target, "sagemaker:StartPipelineExecution")
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

    def publish(self, rule_arn: str, target: Mapping[str, Any], event: dict[str, Any]) -> None:
        """To an SNS topic, if its policy lets EventBridge. Raises DeliveryFailed.

        Nobody but a subscriber notices on AWS, either, that a policy is missing.
        """
        sns = self.clients.get("sns", target["Arn"].split(":")[3])
        try:
            held = sns.get_topic_attributes(TopicArn=target["Arn"])["Attributes"]
            policy = json.loads(held.get("Policy") or "{}")
            request = Request("sns:Publish", target["Arn"], self._context(rule_arn), _EVENTBRIDGE)
            if not allows(_for_services(policy), request):
                raise DeliveryFailed(
                    "NO_PERMISSIONS", "the topic's policy does not let EventBridge publish"
                )
            sns.publish(TopicArn=target["Arn"], Message=transformed(target, event))
        except (ClientError, PolicyError) as error:
            raise DeliveryFailed("SDK_CLIENT_ERROR", str(error)) from error

    def require_bus_role(self, rule_arn: str, target: Mapping[str, Any]) -> None:
        """Raises DeliveryFailed unless the target's role may put events on the bus."""
        self._check_role(rule_arn, target, "events:PutEvents")

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

    def _check_role(self, rule_arn: str, target: Mapping[str, Any], action: str) -> None:
        iam = self.clients.get("iam", target["Arn"].split(":")[3])
        arn = target.get("RoleArn", "")
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
            may = allows(policies, Request(action, target["Arn"]))
        except PolicyError as error:
            raise DeliveryFailed("NO_PERMISSIONS", f"role {arn}: {error}") from error
        if not assumes:
            raise DeliveryFailed(
                "NO_PERMISSIONS", f"role {arn} does not trust {_EVENTBRIDGE} for {rule_arn}"
            )
        if not may:
            what = "start" if action.startswith("sagemaker:") else "put events on"
            raise DeliveryFailed("NO_PERMISSIONS", f"role {arn} may not {what} {target['Arn']}")

    def _context(self, rule_arn: str) -> dict[str, str]:
        return {"aws:SourceArn": rule_arn, "aws:SourceAccount": self.account}


def transformed(target: Mapping[str, Any], event: dict[str, Any]) -> str:
    """The event as the target's InputTransformer, which makes a JSON object, has it.

    Raises DeliveryFailed where that is no JSON, as with a path that the event does not have.
    """
    transformer = target.get("InputTransformer")
    if transformer is None:
        return json.dumps(event)
    text = str(transformer["InputTemplate"])
    for name, path in transformer.get("InputPathsMap", {}).items():
        try:
            value = json.dumps(dig(event, path))
        except ExpressionError:
            value = ""  # the variable is not made
        text = text.replace(f"<{name}>", value)
    try:
        return json.dumps(json.loads(text))
    except ValueError as error:
        said = f"the input template makes no JSON: {error}"
        raise DeliveryFailed("SDK_CLIENT_ERROR", said) from error


def _for_services(policy: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A new topic's own statement lets its account's principals, and no service."""
    statements = policy.get("Statement", [])
    found = [s for s in statements if "Service" in (s.get("Principal") or {})]
    return [{"Statement": found}] if found else []


def _document(policy: Any) -> dict[str, Any]:
    """boto3 decodes the documents itself; moto's own are sometimes still encoded."""
    if isinstance(policy, str):
        decoded: dict[str, Any] = json.loads(urllib.parse.unquote(policy))
        return decoded
    return dict(policy)
