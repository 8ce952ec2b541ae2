"""`notify:`: one rule that tells an SNS topic, or an event bus, of each verdict. No function runs.

It takes what SageMaker itself says of the pipeline's steps: the step that ends a passed execution
has succeeded, or a step has failed, GateFailed among them, whose failureReason says why.

Source: SageMaker developer guide, "Events that SageMaker sends to EventBridge" (it may send several
for one change); EventBridge user guide, "Input transformation", "Using resource-based policies".
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pipeline.definition.account import account_of
from pipeline.definition.bundle import Bundle
from pipeline.definition.trigger_names import names_of

if TYPE_CHECKING:
    from boto3 import Session

NOTIFY_TARGET_ID = "notify"
_STEP_EVENT = "SageMaker Model Building Pipeline Execution Step Status Change"
_RETRY = {"MaximumRetryAttempts": 8, "MaximumEventAgeInSeconds": 3600}
_MEANING = (
    "{passed}: passed. GateFailed Failed: not passed, detail.failureReason says why, and whether "
    "the run was stopped early. Any other step Failed: the run broke."
)


def verdict_pattern(bundle: Bundle) -> dict[str, Any]:
    """Older accounts have pipelines' ARNs in small letters."""
    arns = account_of(bundle).sagemaker(f"pipeline/{bundle.config.pipeline.name}")
    return {
        "source": ["aws.sagemaker"],
        "detail-type": [_STEP_EVENT],
        "detail": {
            "pipelineArn": [{"equals-ignore-case": arn} for arn in arns],
            "$or": [
                {"currentStepStatus": ["Succeeded"], **_passed(bundle)},
                {"currentStepStatus": ["Failed"]},
            ],
        },
    }


def _passed(bundle: Bundle) -> dict[str, Any]:
    """The last step of an execution that has passed."""
    registration = bundle.config.registration
    if registration.stamp_candidate:
        return {"stepName": ["StampApproved"]}
    if bundle.config.registers:
        return {"stepName": ["RegisterModel"]}
    return {"stepName": ["QualityGate"], "metadata": {"condition": {"outcome": ["True"]}}}


def notify_target(bundle: Bundle) -> dict[str, Any]:
    """A bus gets SageMaker's event as it is; a topic's message is JSON that says what it means."""
    notify, names = bundle.config.notify, names_of(bundle)
    assert notify is not None
    target: dict[str, Any] = {
        "Id": NOTIFY_TARGET_ID,
        "Arn": notify.arn,
        "RetryPolicy": dict(_RETRY),
        "DeadLetterConfig": {"Arn": account_of(bundle).arn("sqs", names.queue)},
    }
    if notify.bus:
        return {**target, "RoleArn": names.role_arn}
    return {**target, "InputTransformer": _message(bundle)}


def _message(bundle: Bundle) -> dict[str, Any]:
    """Only paths that every such event has: a path without a value would leave no JSON."""
    config, account = bundle.config, account_of(bundle)
    infrastructure = config.infrastructure
    step = _passed(bundle)["stepName"][0]
    said = {
        "pipeline": config.pipeline.name,
        "meaning": _MEANING.format(passed=f"{step} Succeeded"),
        "reports": f"s3://{infrastructure.bucket}/{infrastructure.prefix}/runs/",
        "mlflow": config.mlflow.tracking_uri,
        "studio": f"https://{account.region}.console.aws.amazon.com/sagemaker/home"
        f"?region={account.region}#/studio-landing",
    }
    found = {
        "step": "$.detail.stepName",
        "status": "$.detail.currentStepStatus",
        "execution": "$.detail.pipelineExecutionArn",
        "time": "$.time",
        "detail": "$.detail",
    }
    fields = [f'"{name}": <{name}>' for name in found]
    fields += [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in said.items()]
    return {"InputPathsMap": found, "InputTemplate": "{" + ", ".join(fields) + "}"}


def topic_statement(bundle: Bundle) -> dict[str, Any]:
    """What the topic's policy has to hold, which is its owner's."""
    notify, account = bundle.config.notify, account_of(bundle)
    assert notify is not None
    return {
        "Sid": "EvaluationVerdicts",
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": notify.arn,
        "Condition": {
            "ArnEquals": {"aws:SourceArn": account.arn("events", f"rule/{names_of(bundle).notify}")}
        },
    }


def topic_lines(session: Session, bundle: Bundle) -> list[str]:
    """What keeps the topic from being told, with the statement that its policy lacks; [] if none.

    That a statement lets EventBridge publish is seen; whether its conditions hold is not.
    """
    from botocore.exceptions import ClientError

    notify = bundle.config.notify
    if notify is None or notify.topic is None:
        return []
    region = notify.topic.split(":")[3]
    if region != account_of(bundle).region:
        return [f"topic {notify.topic} is in {region}: a rule reaches topics of its own region"]
    try:
        held = session.client("sns").get_topic_attributes(TopicArn=notify.topic)["Attributes"]
    except ClientError as error:
        return [f"topic {notify.topic} cannot be looked at: {error}"]
    policy = json.loads(held.get("Policy") or "{}")
    if any(map(_lets_publish, policy.get("Statement", []))):
        return []
    return [
        f"topic {notify.topic}: its policy does not let EventBridge publish; add this statement:",
        json.dumps(topic_statement(bundle)),
    ]


def _lets_publish(statement: Any) -> bool:
    if not isinstance(statement, dict) or statement.get("Effect") != "Allow":
        return False
    principal, actions = statement.get("Principal"), _listed(statement.get("Action"))
    services = _listed(principal.get("Service")) if isinstance(principal, dict) else []
    return "events.amazonaws.com" in services and any(
        str(action).lower() in ("sns:publish", "sns:*", "*") for action in actions
    )


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
