"""Patterns against events, through TestEventPattern: what EventBridge's documentation says."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from pipeline.local.events.event_pattern import PatternError, matches, parse

EVENT = {
    "version": "0",
    "id": "1",
    "source": "aws.sagemaker",
    "account": "123456789012",
    "time": "2026-11-23T12:00:00Z",
    "region": "us-east-1",
    "resources": ["arn:aws:sagemaker:us-east-1:123456789012:model-package/candidates/2"],
    "detail-type": "SageMaker Model Package State Change",
    "detail": {
        "name": "Candidates",
        "version": 2,
        "score": 2.0,
        "open": True,
        "nothing": None,
        "address": "10.0.0.17",
        "fields": ["ModelApprovalStatus", "ApprovalDescription"],
        "none": [],
        "inner": {"by": "pipeline/llm/1"},
        "containers": [{"image": "a", "tag": "1"}, {"image": "b", "tag": "2"}],
    },
}
PATTERNS: list[tuple[dict[str, Any], bool]] = [
    ({"name": ["Candidates", "x"]}, True),
    ({"name": ["candidates"]}, False),
    ({"name": [{"equals-ignore-case": "candidates"}]}, True),
    ({"name": [{"prefix": "Cand"}]}, True),
    ({"name": [{"prefix": "cand"}]}, False),
    ({"name": [{"prefix": {"equals-ignore-case": "cand"}}]}, True),
    ({"name": [{"suffix": "dates"}]}, True),
    ({"name": [{"suffix": {"equals-ignore-case": "DATES"}}]}, True),
    ({"name": [{"wildcard": "C*d*s"}]}, True),
    ({"name": [{"wildcard": "C*d"}]}, False),
    ({"name": [{"wildcard": "Candidates\\*"}]}, False),
    # a number is neither its text, nor a boolean, nor another form of itself
    ({"version": [2]}, True),
    ({"version": ["2"]}, False),
    ({"version": [2.0]}, False),
    ({"score": [2.0]}, True),
    ({"open": [True]}, True),
    ({"open": [1]}, False),
    ({"version": [{"numeric": [">", 1, "<=", 2]}]}, True),
    ({"version": [{"numeric": ["<", 2]}]}, False),
    ({"version": [{"numeric": ["=", 2]}]}, True),
    ({"open": [{"numeric": ["=", 1]}]}, False),
    ({"name": [{"numeric": [">", 0]}]}, False),
    ({"nothing": [None]}, True),
    ({"nothing": [{"exists": True}]}, True),
    ({"absent": [None]}, False),
    ({"address": [{"cidr": "10.0.0.0/24"}]}, True),
    ({"address": [{"cidr": "10.0.1.0/24"}]}, False),
    ({"name": [{"cidr": "10.0.1.0/24"}]}, False),
    ({"name": [{"anything-but": "x"}]}, True),
    ({"name": [{"anything-but": ["x", "Candidates"]}]}, False),
    ({"version": [{"anything-but": [1, 3]}]}, True),
    ({"name": [{"anything-but": {"prefix": "Cand"}}]}, False),
    ({"name": [{"anything-but": {"suffix": ["x", "y"]}}]}, True),
    ({"name": [{"anything-but": {"equals-ignore-case": ["CANDIDATES"]}}]}, False),
    ({"name": [{"anything-but": {"wildcard": "C*s"}}]}, False),
    ({"absent": [{"anything-but": "x"}]}, False),
    # an array matches by any of its values, which anything-but turns round
    ({"fields": ["ModelApprovalStatus"]}, True),
    ({"fields": ["SourceUri"]}, False),
    ({"fields": [{"anything-but": "ModelApprovalStatus"}]}, True),
    ({"fields": [{"anything-but": ["ModelApprovalStatus", "ApprovalDescription"]}]}, False),
    ({"fields": [{"exists": False}, "ModelApprovalStatus"]}, True),
    ({"fields": [{"exists": False}, "SourceUri"]}, False),
    ({"absent": [{"exists": False}, "ModelApprovalStatus"]}, True),
    ({"none": [{"exists": False}]}, True),
    # exists is about leaves
    ({"inner": [{"exists": True}]}, False),
    ({"inner": {"by": [{"exists": True}]}}, True),
    ({"inner": {"at": [{"exists": False}]}}, True),
    ({"outer": {"at": [{"exists": False}]}}, True),
    ({"outer": {"at": [{"exists": True}]}}, False),
    ({"inner": {"by": [{"anything-but": {"prefix": "pipeline/llm/"}}, {"exists": False}]}}, False),
    # both fields of an array's element
    ({"containers": {"image": ["a"], "tag": ["1"]}}, True),
    ({"containers": {"image": ["a"], "tag": ["2"]}}, False),
    ({"name": ["Candidates"], "version": [3]}, False),
    ({"$or": [{"name": ["x"]}, {"version": [2]}]}, True),
    ({"$or": [{"name": ["x"]}, {"version": [3]}]}, False),
]


@pytest.mark.parametrize(("detail", "expected"), PATTERNS, ids=[json.dumps(p) for p, _ in PATTERNS])
def test_a_pattern_matches_as_the_documentation_says(
    detail: dict[str, Any], expected: bool, client: Callable[[str], Any]
) -> None:
    answer = client("events").test_event_pattern(
        EventPattern=json.dumps({"source": ["aws.sagemaker"], "detail": detail}),
        Event=json.dumps(EVENT),
    )
    assert answer["Result"] is expected


REFUSED = [
    ("{", "Invalid JSON"),
    ("[]", "must be an object"),
    ("{}", "Empty objects"),
    ('{"source": "aws"}', "must be an object or an array"),
    ('{"source": []}', "Empty arrays"),
    ('{"source": [{"prefix": 1}]}', "prefix does not take 1"),
    ('{"source": [{"starts": "a"}]}', "Unrecognized match type starts"),
    ('{"source": [{"prefix": "a", "suffix": "b"}]}', "only one key"),
    ('{"source": [{"exists": "no"}]}', "exists does not take"),
    ('{"source": [{"numeric": [">"]}]}', "numeric does not take"),
    ('{"source": [{"anything-but": ["a", 1]}]}', "anything-but does not take"),
    ('{"source": [{"anything-but": {"numeric": ["=", 1]}}]}', "anything-but does not take"),
    ('{"$or": [{"source": ["a"]}]}', "at least 2"),
]


@pytest.mark.parametrize(("pattern", "reason"), REFUSED)
def test_a_pattern_that_eventbridge_refuses_makes_no_rule(
    pattern: str, reason: str, client: Callable[[str], Any]
) -> None:
    events = client("events")
    with pytest.raises(events.exceptions.InvalidEventPatternException, match=reason):
        events.put_rule(Name="refused", EventPattern=pattern)
    with pytest.raises(ClientError, match="InvalidEventPattern"):
        events.test_event_pattern(EventPattern=pattern, Event=json.dumps(EVENT))
    with pytest.raises(events.exceptions.ResourceNotFoundException):
        events.describe_rule(Name="refused")


LEAVES = st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3)
EVENTS = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("ab", min_size=1, max_size=2), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.mark.slow
@given(st.dictionaries(st.text("ab", min_size=1, max_size=2), EVENTS), LEAVES)
def test_a_field_exists_or_not_and_any_event_is_answered(event: dict[str, Any], leaf: Any) -> None:
    there, away = ({"a": [{"exists": state}]} for state in (True, False))
    assert matches(there, event) is not matches(away, event)
    if matches({"a": [leaf]}, event):
        assert matches(there, event)


def test_what_was_parsed_is_what_was_written() -> None:
    assert parse('{"a": ["b"]}') == {"a": ["b"]}
    with pytest.raises(PatternError):
        parse('{"a": 1}')
