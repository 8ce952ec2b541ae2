"""Every condition type, both ways, through an execution; and comparisons without an answer."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from local_definitions import (
    compare,
    condition,
    definition,
    get,
    parameter,
    processing,
    report_step,
    report_value,
    s3_output,
)
from local_runs import Runs

NUMBER, TEXT, FLAG = get("Parameters.Number"), get("Parameters.Text"), get("Parameters.Flag")
PARAMETERS = [
    parameter("Number", "Float", 0.5),
    parameter("Text", "String", "b"),
    parameter("Flag", "Boolean", True),
]


def one_of(query: Any, *values: Any) -> dict[str, Any]:
    return {"Type": "In", "QueryValue": query, "Values": list(values)}


def negation(part: dict[str, Any]) -> dict[str, Any]:
    return {"Type": "Not", "Condition": part}


def either(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"Type": "Or", "Conditions": list(parts)}


TRUE, FALSE = compare("Equals", TEXT, "b"), compare("Equals", TEXT, "c")
CASES = [
    ("Equals number", compare("Equals", NUMBER, 0.5), True),
    ("Equals number not", compare("Equals", NUMBER, 1), False),
    ("Equals text", TRUE, True),
    ("Equals text not", FALSE, False),
    ("Equals flag", compare("Equals", FLAG, True), True),
    ("Equals flag not", compare("Equals", FLAG, False), False),
    ("GreaterThan", compare("GreaterThan", NUMBER, 0.4), True),
    ("GreaterThan same", compare("GreaterThan", NUMBER, 0.5), False),
    ("GreaterThanOrEqualTo same", compare("GreaterThanOrEqualTo", NUMBER, 0.5), True),
    ("GreaterThanOrEqualTo less", compare("GreaterThanOrEqualTo", NUMBER, 1), False),
    ("LessThan", compare("LessThan", NUMBER, 1), True),
    ("LessThan same", compare("LessThan", NUMBER, 0.5), False),
    ("LessThanOrEqualTo same", compare("LessThanOrEqualTo", NUMBER, 0.5), True),
    ("LessThanOrEqualTo more", compare("LessThanOrEqualTo", NUMBER, 0), False),
    ("In", one_of(TEXT, "a", "b"), True),
    ("In not", one_of(TEXT, "a", "c"), False),
    ("Not", negation(FALSE), True),
    ("Not not", negation(TRUE), False),
    ("Or", either(FALSE, TRUE), True),
    ("Or none", either(FALSE, FALSE), False),
    ("execution variable", negation(compare("Equals", get("Execution.PipelineName"), "x")), True),
]


@pytest.mark.slow
def test_each_condition_type_both_ways(runs: Runs) -> None:
    steps = [
        condition(f"S{number}", part, if_steps=[], else_steps=[])
        for number, (_, part, _) in enumerate(CASES)
    ]
    status, ran = runs.run(definition(*steps, parameters=PARAMETERS))
    assert status == "Succeeded"
    outcomes = {
        CASES[int(name[1:])][0]: step["Metadata"]["Condition"]["Outcome"]
        for name, step in ran.items()
    }
    assert outcomes == {name: str(holds) for name, _, holds in CASES}


def test_conditions_are_anded_and_only_the_chosen_branch_runs(runs: Runs) -> None:
    branches: dict[str, Any] = {
        "if_steps": [processing("Yes")],
        "else_steps": [processing("No"), processing("AfterNo", DependsOn=["No"])],
    }
    follower = processing("AfterYes", DependsOn=["Yes"])
    status, ran = runs.run(
        definition(condition("Gate", TRUE, FALSE, **branches), follower, parameters=PARAMETERS)
    )
    assert status == "Succeeded"
    assert set(ran) == {"Gate", "No", "AfterNo"}


REPORT = {"value": 0.9, "text": "0.9", "nothing": None, "flag": True, "list": [1]}
WITHOUT_ANSWER = {
    "missing path": compare("GreaterThanOrEqualTo", report_value("E", "valu"), 0.5),
    "null": compare("Equals", report_value("E", "nothing"), 0),
    "null equals null": compare("Equals", report_value("E", "nothing"), None),
    "text against number": compare("GreaterThanOrEqualTo", report_value("E", "text"), 0.5),
    "flag against number": compare("Equals", report_value("E", "flag"), 1),
    "order of texts": compare("GreaterThan", report_value("E", "text"), "0.5"),
    "list": compare("Equals", report_value("E", "list"), 1),
    "index out of range": compare("Equals", report_value("E", "list[1]"), 1),
    "in Or, after one that holds": either(TRUE, compare("Equals", report_value("E", "text"), 1)),
    "in Not": negation(compare("Equals", report_value("E", "text"), 1)),
    "in In, after one that holds": one_of(report_value("E", "value"), 0.9, "x"),
}


@pytest.mark.slow
def test_a_comparison_without_an_answer_fails_the_step(runs: Runs, bucket: str) -> None:
    gates = {
        name: condition(f"G{number}", part, if_steps=[processing(f"Opened{number}")])
        for number, (name, part) in enumerate(WITHOUT_ANSWER.items())
    }
    status, ran = runs.run(
        definition(report_step("E", bucket, REPORT), *gates.values(), parameters=PARAMETERS)
    )
    assert status == "Failed"
    assert set(ran) == {"E", *(gate["Name"] for gate in gates.values())}
    for name, gate in gates.items():
        step = ran[gate["Name"]]
        assert step["StepStatus"] == "Failed", name
        assert step["FailureReason"].startswith("ClientError: "), name
    assert "nothing at 'valu' of the path 'valu'" in ran["G0"]["FailureReason"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [('{"value": NaN}', "NaN is not a JSON number"), ("{", "Expecting property name")],
)
def test_a_property_file_that_is_not_json_fails_the_step(
    runs: Runs, bucket: str, content: str, reason: str
) -> None:
    gate = condition("Gate", negation(compare("LessThan", report_value("E", "value"), 0.5)))
    status, ran = runs.run(definition(report_step("E", bucket, content), gate))
    assert status == "Failed"
    assert reason in ran["Gate"]["FailureReason"]


def test_a_missing_property_file_fails_the_step(runs: Runs, bucket: str) -> None:
    step = report_step("E", bucket, {})
    step["Arguments"]["AppSpecification"]["ContainerEntrypoint"] = ["python3", "-c", "pass"]
    step["Arguments"]["ProcessingOutputConfig"] = s3_output(f"s3://{bucket}/none")
    gate = condition("Gate", compare("LessThan", report_value("E", "value"), 0.5))
    status, ran = runs.run(definition(step, gate))
    assert status == "Failed"
    assert "/none/evaluation.json: cannot be read" in ran["Gate"]["FailureReason"]


def test_json_get_reads_any_s3_uri(runs: Runs, s3: Any, bucket: str) -> None:
    key = uuid.uuid4().hex
    s3.put_object(Bucket=bucket, Key=key, Body=b'{"a": {"b": [1, 2]}}')
    value = {"Std:JsonGet": {"S3Uri": f"s3://{bucket}/{key}", "Path": "$.a.b[1]"}}
    status, ran = runs.run(definition(condition("Gate", compare("Equals", value, 2))))
    assert status == "Succeeded"
    assert ran["Gate"]["Metadata"]["Condition"]["Outcome"] == "True"
