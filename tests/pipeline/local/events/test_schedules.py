"""Rules with a schedule on a clock that is put forward; what becomes of events nobody takes."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from local_definitions import definition, fail, get, join, parameter
from local_runs import ROLE_OF_RULE, Runs, eventually
from test_events import Queue, Rules, executions_of

from pipeline.local.aws import LocalAws
from pipeline.local.events.schedule_expression import ScheduleError, next_time

NOON = dt.datetime(2026, 11, 23, 12, 0, 30, tzinfo=dt.UTC)  # a Monday
DUE = [
    ("rate(1 minute)", "2026-11-23T12:01:30"),
    ("rate(7 days)", "2026-11-30T12:00:30"),
    ("cron(0 12 * * ? *)", "2026-11-24T12:00:00"),
    ("cron(5 12 * * ? *)", "2026-11-23T12:05:00"),
    ("cron(0/15 * * * ? *)", "2026-11-23T12:15:00"),
    ("cron(0 8 1 * ? *)", "2026-12-01T08:00:00"),
    ("cron(0 6 ? * MON *)", "2026-11-30T06:00:00"),
    ("cron(0 18 ? * MON-FRI *)", "2026-11-23T18:00:00"),
    ("cron(0 9,18 ? * 1,7 *)", "2026-11-28T09:00:00"),
    ("cron(0 0 29 2 ? *)", "2028-02-29T00:00:00"),
    ("cron(0 0 ? JAN,jul SUN 2027)", "2027-01-03T00:00:00"),
]


@pytest.mark.parametrize(("expression", "due"), DUE)
def test_an_expression_says_when_it_is_due(expression: str, due: str) -> None:
    assert next_time(expression)(NOON) == dt.datetime.fromisoformat(due + "+00:00")


def test_a_schedule_of_the_past_is_never_due() -> None:
    assert next_time("cron(0 0 1 1 ? 2020)")(NOON) is None


@pytest.mark.parametrize(
    "expression",
    ["rate(7 day)", "rate(1 days)", "rate(0 days)", "rate(1 week)", "cron(0 12 * * *)",
     "cron(0 12 * * * *)", "cron(0 12 ? * ? *)", "cron(60 12 * * ? *)", "cron(0 12 L * ? *)",
     "cron(0 12 ? * 2#1 *)", "every day"],
)  # fmt: skip
def test_an_expression_that_is_none_makes_no_rule(
    expression: str, client: Callable[[str], Any]
) -> None:
    with pytest.raises(ScheduleError):
        next_time(expression)
    events = client("events")
    with pytest.raises(events.exceptions.ClientError, match="ScheduleExpression is not valid"):
        events.put_rule(Name="refused", ScheduleExpression=expression)


@pytest.fixture
def rules(client: Callable[[str], Any], role_of_rule: None) -> Iterator[Rules]:  # noqa: ARG001
    made = Rules(client("events"))
    yield made
    made.disable_all()


@pytest.fixture
def letters(client: Callable[[str], Any]) -> Queue:
    """A dead-letter queue that EventBridge may send to."""
    queue = Queue(client("sqs"))
    policy = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": queue.target["Arn"],
            "Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}},
        },
    }
    client("sqs").set_queue_attributes(
        QueueUrl=queue.url, Attributes={"Policy": json.dumps(policy)}
    )
    return queue


def advance(aws: LocalAws, seconds: float) -> dict[str, Any]:
    answer = httpx.post(f"{aws.url}/_local/clock", json={"advance_seconds": seconds})
    answer.raise_for_status()
    told: dict[str, Any] = answer.json()
    return told


def target(name: str, **more: Any) -> dict[str, Any]:
    arn = f"arn:aws:sagemaker:us-east-1:123456789012:pipeline/{name}"
    return {"Arn": arn, "RoleArn": ROLE_OF_RULE, **more}


def target_with(name: str, parameter: str, value: str) -> dict[str, Any]:
    given = {"PipelineParameterList": [{"Name": parameter, "Value": value}]}
    return target(name, SageMakerPipelineParameters=given)


@pytest.mark.slow
def test_a_schedule_starts_the_pipeline_each_time_it_is_due(
    aws: LocalAws, runs: Runs, sagemaker: Any, rules: Rules, queue_of_time: Queue
) -> None:
    why = fail("Why", join(" ", get("Parameters.Reuse")))
    name = runs.create(definition(why, parameters=[parameter("Reuse", "String", "yes")]))
    rules.put(
        None,
        target_with(name, "Reuse", "no"),
        queue_of_time.target,
        ScheduleExpression="rate(7 days)",
    )
    assert advance(aws, 6.5 * 86_400)["fired"] == []
    assert executions_of(sagemaker, name) == []
    [fired] = advance(aws, 86_400)["fired"]
    [arn] = executions_of(sagemaker, name)
    runs.wait(arn)
    assert runs.steps(arn)["Why"]["FailureReason"] == "no"
    [event] = eventually(queue_of_time.events)
    assert event["detail-type"] == "Scheduled Event"
    assert event["resources"] == [f"arn:aws:events:us-east-1:123456789012:rule/{fired}"]
    advance(aws, 14 * 86_400)
    assert len(executions_of(sagemaker, name)) == 3
    rules.disable_all()
    assert advance(aws, 7 * 86_400)["fired"] == []


def test_a_target_that_breaks_takes_down_neither_the_others_nor_the_clock(
    aws: LocalAws, runs: Runs, sagemaker: Any, rules: Rules
) -> None:
    name = runs.create(definition(fail("Why", "no")))
    broken = {"Arn": "arn:aws:events:us-east-1:123456789012:nothing", "RoleArn": ROLE_OF_RULE}
    rules.put(None, broken, target(name), ScheduleExpression="rate(7 days)")
    assert len(advance(aws, 7.5 * 86_400)["fired"]) == 1
    assert len(executions_of(sagemaker, name)) == 1


@pytest.fixture
def queue_of_time(client: Callable[[str], Any]) -> Queue:
    return Queue(client("sqs"))


def test_the_clock_does_not_go_back(aws: LocalAws) -> None:
    answer = httpx.post(f"{aws.url}/_local/clock", json={"advance_seconds": -1})
    assert answer.status_code == 400
    assert "advance_seconds must be a number" in answer.text


FAILURES = {
    "no pipeline": (lambda _: target("nowhere"), "NO_RESOURCE", "does not exist"),
    "no such role": (
        lambda name: {**target(name), "RoleArn": "arn:aws:iam::123456789012:role/nobody"},
        "NO_PERMISSIONS",
        "nobody",
    ),
    "a path that the event does not have": (
        lambda name: target_with(name, "Reuse", "$.detail.absent"),
        "SDK_CLIENT_ERROR",
        "absent",
    ),
    "a parameter that the pipeline does not have": (
        lambda name: target_with(name, "Unknown", "x"),
        "SDK_CLIENT_ERROR",
        "Unknown",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("failure", FAILURES)
def test_an_event_that_starts_nothing_is_found_in_the_dead_letter_queue(
    failure: str,
    *,
    client: Callable[[str], Any],
    runs: Runs,
    sagemaker: Any,
    rules: Rules,
    letters: Queue,
) -> None:
    make, code, reason = FAILURES[failure]
    name = runs.create(
        definition(fail("Why", "x"), parameters=[parameter("Reuse", "String", "yes")])
    )
    source = f"test.{uuid.uuid4().hex}"
    rules.put({"source": [source]}, {**make(name), "DeadLetterConfig": letters.target})
    entry = {"Source": source, "DetailType": "x", "Detail": json.dumps({"a": 1})}
    client("events").put_events(Entries=[entry])
    [message] = letters.messages()
    assert json.loads(message["Body"])["detail"] == {"a": 1}
    told = {key: value["StringValue"] for key, value in message["MessageAttributes"].items()}
    assert told["ERROR_CODE"] == code
    assert reason in told["ERROR_MESSAGE"]
    assert told["TARGET_ARN"] == make(name)["Arn"]
    assert "rule/" in told["RULE_ARN"]
    assert executions_of(sagemaker, name) == []


POLICIES: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "another service": ({"Principal": {"Service": "lambda.amazonaws.com"}}, {}, "trust"),
    "another rule": (
        {"Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:events:*:*:rule/other"}}}, {}, "trust",
    ),
    "another account": (
        {"Condition": {"StringEquals": {"aws:SourceAccount": "999999999999"}}}, {}, "trust",
    ),
    "another pipeline": ({}, {"Resource": "arn:aws:sagemaker:*:*:pipeline/other"}, "may not start"),
    "another action": ({}, {"Action": "sagemaker:StopPipelineExecution"}, "may not start"),
}  # fmt: skip


@pytest.mark.parametrize("wrong", POLICIES)
def test_a_role_that_is_not_for_this_rule_and_pipeline_starts_nothing(
    wrong: str,
    *,
    client: Callable[[str], Any],
    runs: Runs,
    sagemaker: Any,
    rules: Rules,
    letters: Queue,
) -> None:
    trust, policy, reason = POLICIES[wrong]
    iam, role = client("iam"), f"role-{uuid.uuid4().hex[:8]}"
    trusting = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sts:AssumeRole",
        **trust,
    }
    starting = {
        "Effect": "Allow",
        "Action": "sagemaker:StartPipelineExecution",
        "Resource": "arn:aws:sagemaker:us-east-1:123456789012:pipeline/*",
        **policy,
    }
    iam.create_role(
        RoleName=role,
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trusting]}),
    )
    iam.put_role_policy(
        RoleName=role,
        PolicyName="p",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [starting]}),
    )
    name, source = runs.create(definition(fail("Why", "x"))), f"test.{uuid.uuid4().hex}"
    arn = f"arn:aws:iam::123456789012:role/{role}"
    rules.put(
        {"source": [source]},
        {**target(name), "RoleArn": arn, "DeadLetterConfig": letters.target},
    )
    entry = {"Source": source, "DetailType": "x", "Detail": json.dumps({"a": 1})}
    client("events").put_events(Entries=[entry])
    [message] = letters.messages()
    assert message["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"
    assert reason in message["MessageAttributes"]["ERROR_MESSAGE"]["StringValue"]
    assert executions_of(sagemaker, name) == []


def test_a_queue_that_does_not_let_eventbridge_send_stays_empty(
    client: Callable[[str], Any], rules: Rules, terminal: list[str]
) -> None:
    queue, source = Queue(client("sqs")), f"test.{uuid.uuid4().hex}"
    rules.put({"source": [source]}, {**target("nowhere"), "DeadLetterConfig": queue.target})
    entry = {"Source": source, "DetailType": "x", "Detail": json.dumps({"a": 1})}
    client("events").put_events(Entries=[entry])
    assert queue.messages() == []
    arn = queue.target["Arn"]
    assert any(arn in line and "the event is lost" in line for line in terminal)
