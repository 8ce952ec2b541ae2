"""`notify:`: a topic or a bus hears of each verdict once, by SageMaker's own events."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from local_definitions import definition, fail, register
from running_aws import ConfigWriter, RunningAws

from pipeline.definition.bundle import load_bundle
from pipeline.trigger.notify import topic_statement

pytestmark = pytest.mark.integration  # a command takes a second or two
ACCOUNT = "123456789012"
REASON = "Quality gate not passed: Correctness 0.2 < min 0.7 (n=45)"


@dataclass(frozen=True)
class Told:
    """A pipeline whose verdicts are told, and the queue that hears of them."""

    aws: RunningAws
    name: str
    config: Any
    topic: str
    queue: str

    def type(self, *arguments: str) -> tuple[int, str]:
        typed = self.aws.type(*arguments, "--config", str(self.config))
        return typed.returncode, typed.stdout + typed.stderr

    def run(self, *steps: dict[str, Any]) -> str:
        """The ARN of an ended execution of a pipeline with these steps."""
        sagemaker = self.aws.client("sagemaker")
        role = f"arn:aws:iam::{ACCOUNT}:role/llm-evaluation-pipeline"
        given = {"PipelineName": self.name, "PipelineDefinition": definition(*steps)}
        if sagemaker.list_pipelines(PipelineNamePrefix=self.name)["PipelineSummaries"]:
            sagemaker.update_pipeline(**given)
        else:
            sagemaker.create_pipeline(**given, RoleArn=role)
        arn = sagemaker.start_pipeline_execution(
            PipelineName=self.name, ClientRequestToken=str(uuid.uuid4())
        )["PipelineExecutionArn"]
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            found = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
            if found["PipelineExecutionStatus"] != "Executing":
                return str(arn)
            time.sleep(0.1)
        raise AssertionError(f"{arn} does not end")

    def heard(self, seconds: float = 10) -> dict[str, Any]:
        """The one message that has come, or comes within so long."""
        deadline, found = time.monotonic() + seconds, list[dict[str, Any]]()
        while not found and time.monotonic() < deadline:
            time.sleep(0.2)
            found = self._received()
        time.sleep(0.5)  # a second one would come at once, too
        [message] = found + self._received()
        return message

    def heard_nothing(self) -> bool:
        time.sleep(1)
        return not self._received()

    def _received(self) -> list[dict[str, Any]]:
        sqs = self.aws.client("sqs")
        got = sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10)
        found = list[dict[str, Any]]()
        for message in got.get("Messages", []):
            body = json.loads(message["Body"])
            found.append(json.loads(body["Message"]) if "Message" in body else body)
            sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return found

    def allow(self) -> None:
        """The topic's owner adds the statement that `trigger put` has printed."""
        policy = {"Version": "2012-10-17", "Statement": [topic_statement(load_bundle(self.config))]}
        self.aws.client("sns").set_topic_attributes(
            TopicArn=self.topic, AttributeName="Policy", AttributeValue=json.dumps(policy)
        )


@pytest.fixture
def told(aws: RunningAws, write_config: ConfigWriter) -> Iterator[Told]:
    yield from make_told(aws, write_config, bus=False)


@pytest.fixture
def told_by_bus(aws: RunningAws, write_config: ConfigWriter) -> Iterator[Told]:
    yield from make_told(aws, write_config, bus=True)


def make_told(aws: RunningAws, write_config: ConfigWriter, *, bus: bool) -> Iterator[Told]:
    name = f"n-{uuid.uuid4().hex[:8]}"
    sqs, sns, events = (aws.client(service) for service in ("sqs", "sns", "events"))
    queue = sqs.create_queue(QueueName=f"{name}-heard")["QueueUrl"]
    queue_arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}-heard"
    if bus:
        topic = events.create_event_bus(Name=name)["EventBusArn"]
        events.put_rule(Name=name, EventBusName=name, EventPattern='{"source": ["aws.sagemaker"]}')
        events.put_targets(
            Rule=name, EventBusName=name, Targets=[{"Id": "heard", "Arn": queue_arn}]
        )
    else:
        topic = sns.create_topic(Name=name)["TopicArn"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn)
    config = write_config(
        pipeline={"name": name},
        registration={"model_package_group": f"{name}-approved"},
        trigger=None,
        notify={"bus" if bus else "topic": topic},
    )
    aws.client("sagemaker").create_model_package_group(ModelPackageGroupName=f"{name}-approved")
    made = Told(aws, name, config, topic, queue)
    yield made
    made.type("trigger", "remove")


def test_a_topic_hears_of_each_verdict_once_and_what_it_means(told: Told) -> None:
    passing = register("RegisterModel", f"{told.name}-approved")
    told.run(passing)
    code, said = told.type("trigger", "put")
    assert code == 0, said
    assert "does not let EventBridge publish" in said
    assert json.dumps(topic_statement(load_bundle(told.config))) in said
    assert told.type("trigger", "show")[0] == 1
    told.run(passing)
    assert told.heard_nothing()  # nobody may publish yet, and the execution does not care
    told.allow()
    code, said = told.type("trigger", "show")
    assert code == 0, said

    arn = told.run(passing)
    message = told.heard()
    assert (message["step"], message["status"]) == ("RegisterModel", "Succeeded")
    assert message["execution"] == arn
    assert message["meaning"].startswith("RegisterModel Succeeded: passed.")
    assert message["reports"].endswith("/runs/")

    told.run(fail("GateFailed", REASON))
    message = told.heard()
    assert (message["step"], message["status"]) == ("GateFailed", "Failed")
    assert message["detail"]["failureReason"] == REASON

    told.run(fail("EvaluateModel", "AlgorithmError: exit code 3"))
    message = told.heard()
    assert (message["step"], message["status"]) == ("EvaluateModel", "Failed")

    assert "deleted rule" in told.type("trigger", "remove")[1]
    told.run(passing)
    assert told.heard_nothing()


def test_a_bus_gets_sagemakers_event_as_it_is(told_by_bus: Told) -> None:
    told_by_bus.run(fail("GateFailed", REASON))
    code, said = told_by_bus.type("trigger", "put")
    assert code == 0, said
    arn = told_by_bus.run(fail("GateFailed", REASON))
    event = told_by_bus.heard()
    assert event["source"] == "aws.sagemaker"
    assert event["detail"]["pipelineExecutionArn"] == arn
    assert event["detail"]["failureReason"] == REASON


@pytest.mark.parametrize(
    ("notify", "problem"),
    [
        ({}, "needs topic:"),
        ({"topic": f"arn:aws:sns:us-east-1:{ACCOUNT}:people.fifo"}, "notify.topic"),
        ({"bus": f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/default"}, "the default bus"),
    ],
)
def test_what_cannot_be_told_is_refused(
    aws: RunningAws, write_config: ConfigWriter, notify: dict[str, str], problem: str
) -> None:
    done = aws.type("check", "--config", str(write_config(notify=notify)))
    assert done.returncode == 2
    assert problem in done.stdout + done.stderr


def test_a_topic_of_another_region_is_told_of(aws: RunningAws, write_config: ConfigWriter) -> None:
    name = f"n-{uuid.uuid4().hex[:8]}"
    topic = f"arn:aws:sns:eu-west-1:{ACCOUNT}:people"
    config = write_config(pipeline={"name": name}, trigger=None, notify={"topic": topic})
    told = Told(aws, name, config, topic, "")
    told.run(fail("GateFailed", REASON))
    assert (
        "is in eu-west-1: a rule reaches topics of its own region" in told.type("trigger", "put")[1]
    )
    told.type("trigger", "remove")
