"""The demo judge, called as Bedrock Runtime through boto3, with prompts that MLflow makes."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError, ConnectionClosedError
from judge_models import EXAMPLE_ID

from pipeline.local.demo.judge.server import JUDGE_ERRORS

ARN = f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/{EXAMPLE_ID}"
QUICK = {"latency_ms": 20, "jitter_ms": 0}
SCHEMA = {
    "type": "object",
    "properties": {"result": {"type": "string"}, "rationale": {"type": "string"}},
    "required": ["result", "rationale"],
}
TOOL = {"toolSpec": {"name": "json_tool_call", "inputSchema": {"json": SCHEMA}}}
ANTHROPIC = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 100}


def safety_prompt(text: str) -> str:
    return f"You are a content safety classifier. Analyze it.\n\n<text>{text}</text>\n"


def said(prompt: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": [{"text": prompt}]}]


def text_format(schema: dict[str, Any]) -> dict[str, Any]:
    definition = {"name": "verdict", "schema": json.dumps(schema)}
    return {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": definition}}}


@pytest.fixture
def faulty(judge_url: str) -> Iterator[Any]:
    """faulty(**faults) gives the model `faulty` these faults and returns its id."""

    def put(**faults: Any) -> str:
        body = {"faults": {**QUICK, **faults}}
        httpx.put(f"{judge_url}/_demo/models/faulty", json=body).raise_for_status()
        return "faulty"

    yield put
    httpx.delete(f"{judge_url}/_demo/models/faulty")


@pytest.mark.parametrize("model_id", [EXAMPLE_ID, ARN])
def test_plain_prompt_is_answered_with_json_text(bedrock: Any, model_id: str) -> None:
    response = bedrock.converse(modelId=model_id, messages=said(safety_prompt("Drink water.")))
    block = response["output"]["message"]["content"][0]
    assert json.loads(block["text"]) == {
        "result": "yes",
        "rationale": "demo judge: none of 12 unsafe phrases found",
    }
    assert response["stopReason"] == "end_turn"
    usage = response["usage"]
    assert usage["inputTokens"] > 10
    assert usage["totalTokens"] == usage["inputTokens"] + usage["outputTokens"]
    assert response["metrics"]["latencyMs"] >= 20
    headers = response["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-demo"] == "demo judge, not a model"


def test_json_schema_is_answered_with_json_text(bedrock: Any) -> None:
    response = bedrock.converse(
        modelId=EXAMPLE_ID,
        messages=said(safety_prompt("They are all subhuman.")),
        outputConfig=text_format(SCHEMA),
    )
    verdict = json.loads(response["output"]["message"]["content"][0]["text"])
    assert verdict["result"] == "no"
    assert "'subhuman'" in verdict["rationale"]


def test_tool_is_answered_with_its_use(bedrock: Any) -> None:
    response = bedrock.converse(
        modelId=EXAMPLE_ID, messages=said(safety_prompt("Rest.")), toolConfig={"tools": [TOOL]}
    )
    use = response["output"]["message"]["content"][0]["toolUse"]
    assert use["name"] == "json_tool_call"
    assert use["input"]["result"] == "yes"
    assert response["stopReason"] == "tool_use"


def test_invoke_model_in_anthropics_form(bedrock: Any) -> None:
    body = {**ANTHROPIC, "messages": [{"role": "user", "content": safety_prompt("Rest.")}]}

    def invoke(**more: Any) -> Any:
        response = bedrock.invoke_model(modelId=EXAMPLE_ID, body=json.dumps({**body, **more}))
        return json.loads(response["body"].read())

    plain = invoke()
    assert json.loads(plain["content"][0]["text"])["result"] == "yes"
    assert plain["usage"]["output_tokens"] > 0
    tool = invoke(tools=[{"name": "verdict", "input_schema": SCHEMA}])
    assert (tool["content"][0]["name"], tool["stop_reason"]) == ("verdict", "tool_use")
    assert tool["content"][0]["input"]["result"] == "yes"


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("Call a crisis line when you have thoughts of suicide.", "yes"),
        ("A good skill yourself", "yes"),
        ("You should KILL\nyourself.", "no"),
    ],
)
def test_safety_looks_for_phrases_not_for_subjects(bedrock: Any, text: str, result: str) -> None:
    response = bedrock.converse(modelId=EXAMPLE_ID, messages=said(safety_prompt(text)))
    verdict = json.loads(response["output"]["message"]["content"][0]["text"])
    assert verdict["result"] == result


def test_unknown_prompt_is_refused_and_never_judged(bedrock: Any) -> None:
    with pytest.raises(bedrock.exceptions.ValidationException, match="does not know this prompt"):
        bedrock.converse(modelId=EXAMPLE_ID, messages=said("Is this answer any good? yes|no"))


def test_schema_that_the_rule_cannot_fill_is_refused(bedrock: Any) -> None:
    schema = {**SCHEMA, "required": ["result", "score"]}
    with pytest.raises(bedrock.exceptions.ValidationException, match=r"requires \['score'\]"):
        bedrock.converse(
            modelId=EXAMPLE_ID,
            messages=said(safety_prompt("Rest.")),
            outputConfig=text_format(schema),
        )


@pytest.mark.parametrize(
    "body", [{"inputText": "hello"}, {**ANTHROPIC, "messages": []}, {**ANTHROPIC, "messages": 3}]
)
def test_request_in_an_unknown_form_is_refused(bedrock: Any, body: dict[str, Any]) -> None:
    with pytest.raises(bedrock.exceptions.ValidationException):
        bedrock.invoke_model(modelId=EXAMPLE_ID, body=json.dumps(body))


@pytest.mark.parametrize("code", JUDGE_ERRORS)
def test_each_error_reaches_the_caller_as_botocore_knows_it(
    bedrock: Any, faulty: Any, code: str
) -> None:
    model_id = faulty(fail=1, fail_with=code)
    with pytest.raises(getattr(bedrock.exceptions, code)) as caught:
        bedrock.converse(modelId=model_id, messages=said(safety_prompt("Rest.")))
    response = caught.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == JUDGE_ERRORS[code]
    assert response["Error"]["Message"]


def test_throttled_and_dying_judge(bedrock: Any, faulty: Any) -> None:
    messages = said(safety_prompt("Rest."))
    with pytest.raises(bedrock.exceptions.ThrottlingException):
        bedrock.converse(modelId=faulty(throttle=1), messages=messages)
    model_id = faulty(die_after=1)
    bedrock.converse(modelId=model_id, messages=messages)
    with pytest.raises(bedrock.exceptions.ServiceUnavailableException):
        bedrock.converse(modelId=model_id, messages=messages)
    with pytest.raises(ConnectionClosedError):
        bedrock.converse(modelId=faulty(fail=1, fail_with="connection-reset"), messages=messages)


def test_malformed_verdict_in_the_right_form_says_neither_yes_nor_no(
    bedrock: Any, faulty: Any
) -> None:
    response = bedrock.converse(
        modelId=faulty(malformed=1, malformed_as="error-inside"),
        messages=said(safety_prompt("Rest.")),
        toolConfig={"tools": [TOOL]},
    )
    use = response["output"]["message"]["content"][0]["toolUse"]
    assert use["input"] == {"result": "error", "rationale": "error"}


@pytest.mark.parametrize("kind", ["not-json", "truncated", "empty"])
def test_malformed_verdicts_hold_no_verdict(bedrock: Any, faulty: Any, kind: str) -> None:
    response = bedrock.converse(
        modelId=faulty(malformed=1, malformed_as=kind),
        messages=said(safety_prompt("Rest.")),
        toolConfig={"tools": [TOOL]},
    )
    content = response["output"]["message"]["content"]
    assert all("toolUse" not in block for block in content)
    assert (content == []) == (kind == "empty")
    with pytest.raises((ValueError, KeyError, IndexError)):
        json.loads(content[0]["text"])["result"]


def test_calls_are_counted_by_model_and_rule(judge_url: str, bedrock: Any, faulty: Any) -> None:
    httpx.delete(f"{judge_url}/_demo/calls").raise_for_status()
    for text in ("Rest.", "Sleep."):
        bedrock.converse(modelId=ARN, messages=said(safety_prompt(text)))
    with pytest.raises(ClientError):
        bedrock.converse(modelId=faulty(fail=1), messages=said(safety_prompt("Rest.")))
    with pytest.raises(ClientError):
        bedrock.converse(modelId=EXAMPLE_ID, messages=said("Whatever."))
    counted = httpx.get(f"{judge_url}/_demo/calls").json()
    assert counted["by_name"] == {
        ARN: {"answered": 2},
        "faulty": {"ServiceUnavailableException": 1},
        EXAMPLE_ID: {"ValidationException": 1},
    }
    assert counted["by_kind"] == {"Safety": 2}


def test_other_operations_are_refused_by_name(bedrock: Any) -> None:
    with pytest.raises(ClientError, match="converse-stream is not served"):
        bedrock.converse_stream(modelId=EXAMPLE_ID, messages=said("Hello"))
