"""Events on the bus: to a queue, and to a rule that starts a pipeline."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from local_definitions import (
    IMAGE,
    compare,
    condition,
    definition,
    fail,
    get,
    join,
    parameter,
    processing,
    register,
)
from local_runs import ROLE_OF_RULE, Runs, eventually

SPECIFICATION = {"Containers": [{"Image": IMAGE}]}
PACKAGE_CHANGE = "SageMaker Model Package State Change"

Inbox = Callable[[dict[str, Any]], Callable[[], list[dict[str, Any]]]]


class Rules:
    """Makes rules that are gone after the test."""

    def __init__(self, events: Any) -> None:
        self._events, self._made = events, list[str]()

    def put(self, pattern: dict[str, Any] | None, *targets: dict[str, Any], **more: Any) -> None:
        name = f"rule-{uuid.uuid4().hex[:8]}"
        by_pattern = {} if pattern is None else {"EventPattern": json.dumps(pattern)}
        self._events.put_rule(Name=name, **by_pattern, **more)
        listed = [{"Id": f"t{number}", **target} for number, target in enumerate(targets)]
        self._events.put_targets(Rule=name, Targets=listed)
        self._made.append(name)

    def disable_all(self) -> None:
        for name in self._made:
            self._events.disable_rule(Name=name)


@pytest.fixture
def rules(client: Callable[[str], Any], role_of_rule: None) -> Iterator[Rules]:  # noqa: ARG001
    made = Rules(client("events"))
    yield made
    made.disable_all()


class Queue:
    """An SQS queue that keeps all that it has received."""

    def __init__(self, sqs: Any) -> None:
        self._sqs = sqs
        self.url = sqs.create_queue(QueueName=f"q-{uuid.uuid4().hex[:8]}")["QueueUrl"]
        attributes = sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])
        self.target = {"Arn": attributes["Attributes"]["QueueArn"]}
        self._received: list[dict[str, Any]] = []

    def events(self) -> list[dict[str, Any]]:
        self._received += [json.loads(message["Body"]) for message in self.messages()]
        return self._received

    def messages(self) -> list[dict[str, Any]]:
        """Those that were not received before."""
        answer = self._sqs.receive_message(
            QueueUrl=self.url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        )
        found: list[dict[str, Any]] = answer.get("Messages", [])
        return found


@pytest.fixture
def queue(client: Callable[[str], Any]) -> Queue:
    return Queue(client("sqs"))


def new_group(sagemaker: Any) -> str:
    name = f"group-{uuid.uuid4().hex[:8]}"
    sagemaker.create_model_package_group(ModelPackageGroupName=name)
    return name


def test_a_package_tells_the_bus_when_it_is_made_and_changed(
    sagemaker: Any, rules: Rules, queue: Queue
) -> None:
    group = new_group(sagemaker)
    rules.put(
        {
            "source": ["aws.sagemaker"],
            "detail-type": [PACKAGE_CHANGE],
            "detail": {"ModelPackageGroupName": [group]},
        },
        queue.target,
    )
    arn = sagemaker.create_model_package(
        ModelPackageGroupName=group, InferenceSpecification=SPECIFICATION
    )["ModelPackageArn"]
    sagemaker.update_model_package(
        ModelPackageArn=arn,
        ModelApprovalStatus="Approved",
        CustomerMetadataProperties={"fingerprint": "abc"},
    )
    eventually(lambda: len(queue.events()) == 2)
    made, changed = queue.events()
    assert made["resources"] == [arn]
    assert made["account"] == "123456789012"
    assert made["detail"]["ModelPackageArn"] == arn
    assert made["detail"]["ModelPackageVersion"] == 1
    assert made["detail"]["ModelPackageStatus"] == "Completed"
    assert made["detail"]["ModelApprovalStatus"] == "PendingManualApproval"
    assert made["detail"]["InferenceSpecification"] == SPECIFICATION
    assert made["detail"]["CreationTime"].endswith("Z")
    assert "UpdatedModelPackageFields" not in made["detail"]
    assert changed["detail"]["ModelApprovalStatus"] == "Approved"
    assert set(changed["detail"]["UpdatedModelPackageFields"]) == {
        "ModelApprovalStatus",
        "CustomerMetadataProperties",
    }


def test_an_execution_tells_the_bus_its_statuses_and_those_of_its_steps(
    runs: Runs, rules: Rules, queue: Queue
) -> None:
    name = runs.create(definition(processing("Work"), fail("End", "enough")))
    rules.put(
        {
            "source": ["aws.sagemaker"],
            "detail": {"pipelineArn": [{"suffix": f"/{name}"}]},
        },
        queue.target,
    )
    arn = runs.start_pipeline(name)
    runs.wait(arn)

    def last() -> bool:
        return any(
            event["detail"].get("currentPipelineExecutionStatus") == "Failed"
            for event in queue.events()
        )

    eventually(last)
    executions = [e["detail"] for e in queue.events() if "Step" not in e["detail-type"]]
    assert {e["detail-type"] for e in queue.events()} == {
        "SageMaker Model Building Pipeline Execution Status Change",
        "SageMaker Model Building Pipeline Execution Step Status Change",
    }
    assert [e["currentPipelineExecutionStatus"] for e in executions] == ["Executing", "Failed"]
    assert executions[1]["previousPipelineExecutionStatus"] == "Executing"
    assert executions[1]["pipelineExecutionArn"] == arn
    steps = [e["detail"] for e in queue.events() if "Step" in e["detail-type"]]
    ended = {e["stepName"]: e for e in steps if e["currentStepStatus"] == "Failed"}
    assert ended["End"]["failureReason"] == "enough"
    assert ended["End"]["stepType"] == "Fail"
    assert ended["End"]["metadata"] == {"fail": {"errorMessage": "enough"}}


def evaluation(name: str) -> dict[str, Any]:
    return {
        "Arn": f"arn:aws:sagemaker:us-east-1:123456789012:pipeline/{name}",
        "RoleArn": ROLE_OF_RULE,
        "SageMakerPipelineParameters": {
            "PipelineParameterList": [
                {"Name": "ModelPackageArn", "Value": "$.detail.ModelPackageArn"},
                {"Name": "Version", "Value": "$.detail.ModelPackageVersion"},
                {"Name": "Trigger", "Value": "eventbridge"},
            ]
        },
    }


EVALUATE = definition(
    condition(
        "Told",
        compare("Equals", get("Parameters.Trigger"), "eventbridge"),
        compare("Equals", get("Parameters.Version"), 1),
        if_steps=[fail("Got", join("", get("Parameters.ModelPackageArn")))],
    ),
    parameters=[
        parameter("ModelPackageArn", "String", "none"),
        parameter("Version", "Integer", 0),
        parameter("Trigger", "String", "hand"),
    ],
)
NEW_VERSION = {
    "ModelPackageStatus": ["Completed"],
    "UpdatedModelPackageFields": [{"exists": False}],
}


def executions_of(sagemaker: Any, name: str) -> list[str]:
    listed = sagemaker.list_pipeline_executions(PipelineName=name)["PipelineExecutionSummaries"]
    return [entry["PipelineExecutionArn"] for entry in listed]


@pytest.mark.slow
def test_a_new_version_starts_the_pipeline_of_a_rule_and_reaches_its_other_targets(
    runs: Runs, sagemaker: Any, rules: Rules, queue: Queue, terminal: list[str]
) -> None:
    candidates, name = new_group(sagemaker), runs.create(EVALUATE)
    pattern = {
        "source": ["aws.sagemaker"],
        "detail-type": [PACKAGE_CHANGE],
        "detail": {"ModelPackageGroupName": [candidates], **NEW_VERSION},
    }
    nowhere = evaluation("nowhere")
    rules.put(pattern, nowhere, evaluation(name), queue.target)
    # registered by a pipeline step, as a training pipeline would
    registering = runs.start(definition(register("Register", candidates)))
    assert runs.wait(registering) == "Succeeded"
    package = runs.steps(registering)["Register"]["Metadata"]["RegisterModel"]["Arn"]
    eventually(queue.events)
    [arn] = executions_of(sagemaker, name)
    runs.wait(arn)
    assert runs.steps(arn)["Got"]["FailureReason"] == package
    # an approval is no new version: the rule's own filter keeps the pipeline from a loop
    sagemaker.update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved")
    assert executions_of(sagemaker, name) == [arn]
    assert len(queue.events()) == 1
    assert any("pipeline/nowhere" in line and "does not exist" in line for line in terminal)


def test_a_path_that_the_event_does_not_have_starts_nothing(
    runs: Runs, sagemaker: Any, rules: Rules, queue: Queue, client: Callable[[str], Any]
) -> None:
    source, name = f"test.{uuid.uuid4().hex}", runs.create(EVALUATE)
    rules.put({"source": [source]}, evaluation(name), queue.target)
    client("events").put_events(
        Entries=[{"Source": source, "DetailType": "x", "Detail": json.dumps({"a": 1})}]
    )
    eventually(queue.events)
    assert executions_of(sagemaker, name) == []


def test_disabled_and_scheduled_rules_take_no_events(
    rules: Rules, queue: Queue, client: Callable[[str], Any]
) -> None:
    source, asleep = f"test.{uuid.uuid4().hex}", Queue(client("sqs"))
    rules.put({"source": [source]}, asleep.target, State="DISABLED")
    rules.put(None, asleep.target, ScheduleExpression="rate(1 day)")
    rules.put({"source": [source]}, queue.target)
    client("events").put_events(
        Entries=[{"Source": source, "DetailType": "x", "Detail": json.dumps({"a": 1})}]
    )
    eventually(queue.events)
    time.sleep(0.1)
    assert asleep.events() == []
