"""The local AWS simulates the policies of a role as IAM does, over IAM's own wire format."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

TRUST = {"Version": "2012-10-17", "Statement": []}
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject"],
            "Resource": ["arn:aws:s3:::bucket/prefix/*"],
        },
        {
            "Effect": "Allow",
            "Action": ["iam:PassRole"],
            "Resource": ["*"],
            "Condition": {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
        },
    ],
}
ROLE = "arn:aws:iam::123456789012:role/simulated"


@pytest.fixture
def iam(client: Callable[[str], Any]) -> Iterator[Any]:
    iam = client("iam")
    iam.create_role(RoleName="simulated", AssumeRolePolicyDocument=json.dumps(TRUST))
    iam.put_role_policy(RoleName="simulated", PolicyName="own", PolicyDocument=json.dumps(POLICY))
    yield iam
    iam.delete_role_policy(RoleName="simulated", PolicyName="own")
    iam.delete_role(RoleName="simulated")


def decisions(iam: Any, **request: Any) -> list[tuple[str, str, str]]:
    answer = iam.simulate_principal_policy(PolicySourceArn=ROLE, **request)
    return [
        (found["EvalActionName"], found["EvalResourceName"], found["EvalDecision"])
        for found in answer["EvaluationResults"]
    ]


def test_each_action_on_each_resource_is_decided(iam: Any) -> None:
    inside, outside = "arn:aws:s3:::bucket/prefix/a & b", "arn:aws:s3:::bucket/other"
    found = decisions(
        iam, ActionNames=["s3:GetObject", "s3:PutObject"], ResourceArns=[inside, outside]
    )
    assert found == [
        ("s3:GetObject", inside, "allowed"),
        ("s3:GetObject", outside, "implicitDeny"),
        ("s3:PutObject", inside, "implicitDeny"),
        ("s3:PutObject", outside, "implicitDeny"),
    ]


def test_a_condition_holds_by_the_context_that_is_given(iam: Any) -> None:
    entry = {
        "ContextKeyName": "iam:PassedToService",
        "ContextKeyValues": ["sagemaker.amazonaws.com"],
        "ContextKeyType": "string",
    }
    action = ["iam:PassRole"]
    assert decisions(iam, ActionNames=action)[0][2] == "implicitDeny"
    assert decisions(iam, ActionNames=action, ContextEntries=[entry])[0][2] == "allowed"


def test_a_role_that_is_not_there_is_iam_s_error(iam: Any) -> None:
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.simulate_principal_policy(
            PolicySourceArn=f"{ROLE}-not-there", ActionNames=["s3:GetObject"]
        )
