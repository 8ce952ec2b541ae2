"""The demo endpoint, called as SageMaker Runtime through boto3."""

import ast
import json
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from pipeline.local.demo.endpoint.behaviour import EndpointBehaviour
from pipeline.local.demo.endpoint.server import ENDPOINT_ERRORS, serve_endpoint

GOOD, WORSE = "health-qa-good", "health-qa-worse"
QUESTION = "How do I stop a nosebleed?"
MakeEndpoint = Callable[..., str]


def chat(question: str = QUESTION, **parameters: Any) -> dict[str, Any]:
    system = {"role": "system", "content": "Answer briefly."}
    return {"messages": [system, {"role": "user", "content": question}], **parameters}


def invoke(runtime: Any, name: str, body: Any, **arguments: Any) -> dict[str, Any]:
    response = runtime.invoke_endpoint(
        EndpointName=name, Body=json.dumps(body), ContentType="application/json", **arguments
    )
    return {**response, "Body": response["Body"].read()}


def answer(runtime: Any, name: str, body: Any, **arguments: Any) -> Any:
    return json.loads(invoke(runtime, name, body, **arguments)["Body"])


def error_code(runtime: Any, name: str, body: Any) -> str | None:
    """The error code of a call, None if it was answered."""
    try:
        invoke(runtime, name, body)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return None


def test_chat_answers_from_the_knowledge_base_with_usage(runtime: Any) -> None:
    made = answer(runtime, GOOD, chat())
    assert made["object"] == "chat.completion"
    assert "pinch the soft part" in made["choices"][0]["message"]["content"]
    assert made["choices"][0]["finish_reason"] == "stop"
    usage = made["usage"]
    assert usage["completion_tokens"] > 20
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


def test_response_names_the_variant_and_says_that_it_is_a_demo(runtime: Any) -> None:
    response = invoke(runtime, GOOD, chat())
    assert response["InvokedProductionVariant"] == "AllTraffic"
    assert response["ContentType"] == "application/json"
    headers = response["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-demo"] == "demo endpoint, not a model"


def test_same_request_same_answer(runtime: Any) -> None:
    assert answer(runtime, GOOD, chat()) == answer(runtime, GOOD, chat())


def test_worse_model_rambles(runtime: Any) -> None:
    questions = [QUESTION, "What is burnout?", "Are eggs bad for cholesterol?"]
    good, worse = (
        sum(answer(runtime, name, chat(q))["usage"]["completion_tokens"] for q in questions)
        for name in (GOOD, WORSE)
    )
    assert worse > 1.5 * good


def test_text_generation_in_the_forms_of_lmi_and_tgi(runtime: Any, endpoint: MakeEndpoint) -> None:
    body = {"inputs": f"Answer this.\n{QUESTION}\n", "parameters": {"max_new_tokens": 200}}
    lmi = answer(runtime, GOOD, body)
    assert "pinch the soft part" in lmi["generated_text"]
    assert lmi["details"]["finish_reason"] == "eos_token"
    assert lmi["details"]["generated_tokens"] > 20
    assert answer(runtime, endpoint(text_generation="tgi"), body) == [lmi]


def test_each_example_s_knowledge_is_asked_for_by_name(
    runtime: Any, endpoint: MakeEndpoint
) -> None:
    question = "My parcel arrived damaged. What should I do?"
    name = endpoint(knowledge="customer-service")
    assert "photo of the box" in text_of(answer(runtime, name, chat(question)))
    assert "photo of the box" not in text_of(answer(runtime, GOOD, chat(question)))


def test_a_conversation_is_answered_in_its_context(runtime: Any, endpoint: MakeEndpoint) -> None:
    name = endpoint(knowledge="conversation")
    wifi = {"role": "user", "content": "Where do I find my wifi password?"}
    first = answer(runtime, name, {"messages": [wifi]})
    said = text_of(first)
    assert "sticker below the router" in said
    before = [wifi, {"role": "assistant", "content": said}]
    again = {"messages": [*before, {"role": "user", "content": "Sorry, where?"}]}
    assert text_of(answer(runtime, name, again)) == f"As I said: {said}"
    tokens = answer(runtime, name, again)["usage"]["prompt_tokens"]
    assert tokens > first["usage"]["prompt_tokens"] + first["usage"]["completion_tokens"]


def test_the_worse_model_s_code_breaks_off_now_and_then(
    runtime: Any, endpoint: MakeEndpoint
) -> None:
    tasks = [f"Write a function `chunks(items, size)`, number {n}." for n in range(30)]

    def parsing(model: str) -> int:
        name = endpoint(knowledge="code-generation", model=model)
        codes = [
            text_of(answer(runtime, name, chat(task, max_tokens=800)))
            .partition("```python")[2]
            .partition("```")[0]
            for task in tasks
        ]
        return sum(1 for code in codes if code and parses(code))

    assert parsing("good") == 30
    assert 10 <= parsing("worse") < 30


def parses(code: str) -> bool:
    try:
        ast.parse(code)
    except SyntaxError:
        return False
    return True


def text_of(completion: dict[str, Any]) -> str:
    return str(completion["choices"][0]["message"]["content"])


def test_template_format(runtime: Any) -> None:
    made = answer(runtime, GOOD, {"query": QUESTION})
    assert "pinch the soft part" in made["result"]["text"]
    assert made["result"]["tokens"]["in"] == 7
    assert made["result"]["tokens"]["out"] > 20


def test_token_limit_cuts_the_answer(runtime: Any) -> None:
    made = answer(runtime, GOOD, chat(max_tokens=5))
    assert made["choices"][0]["finish_reason"] == "length"
    assert made["usage"]["completion_tokens"] == 5
    assert len(made["choices"][0]["message"]["content"].split()) <= 5


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"rows": []}, "none of the keys"),
        ({"messages": [{"role": "system", "content": "x"}]}, "role user"),
        ({"inputs": ""}, "inputs"),
        (chat(max_tokens=0), "max_tokens"),
    ],
)
def test_request_that_no_container_takes_is_a_permanent_model_error(
    runtime: Any, body: dict[str, Any], said: str
) -> None:
    with pytest.raises(runtime.exceptions.ModelError) as caught:
        invoke(runtime, GOOD, body)
    assert caught.value.response["OriginalStatusCode"] == 400
    assert said in caught.value.response["OriginalMessage"]


def test_unknown_endpoint(runtime: Any) -> None:
    with pytest.raises(runtime.exceptions.ValidationError) as caught:
        invoke(runtime, "no-such-endpoint", chat())
    error = caught.value.response["Error"]
    assert error["Message"] == "Endpoint no-such-endpoint of account 123456789012 not found."


def test_inference_component_must_be_named_and_exist(runtime: Any, endpoint: MakeEndpoint) -> None:
    name = endpoint(inference_components=["ic-1"])
    assert answer(runtime, name, chat(), InferenceComponentName="ic-1")["choices"]
    with pytest.raises(runtime.exceptions.ValidationError, match="header is required"):
        invoke(runtime, name, chat())
    with pytest.raises(runtime.exceptions.ValidationError, match="ic-2 of account"):
        invoke(runtime, name, chat(), InferenceComponentName="ic-2")


def test_target_variant_must_exist(runtime: Any, endpoint: MakeEndpoint) -> None:
    name = endpoint(variants=["blue", "green"])
    for asked, answers in (({}, "blue"), ({"TargetVariant": "green"}, "green")):
        assert invoke(runtime, name, chat(), **asked)["InvokedProductionVariant"] == answers
    with pytest.raises(runtime.exceptions.ValidationError, match="Variant red"):
        invoke(runtime, name, chat(), TargetVariant="red")


@pytest.mark.parametrize("code", ENDPOINT_ERRORS)
def test_each_error_reaches_the_caller_as_botocore_knows_it(
    runtime: Any, endpoint: MakeEndpoint, code: str
) -> None:
    name = endpoint(faults={"fail": 1, "fail_with": code})
    with pytest.raises(ClientError) as caught:
        invoke(runtime, name, chat())
    response = caught.value.response
    assert response["Error"]["Code"] == code
    assert response["Error"]["Message"]
    assert response["ResponseMetadata"]["HTTPStatusCode"] == ENDPOINT_ERRORS[code]
    modelled = getattr(runtime.exceptions, code, None) if code != "ThrottlingException" else None
    assert modelled is None or type(caught.value) is modelled


def test_model_error_carries_the_containers_status(runtime: Any, endpoint: MakeEndpoint) -> None:
    name = endpoint(faults={"fail": 1, "model_error_status": 507})
    with pytest.raises(runtime.exceptions.ModelError, match=r"server error \(507\)") as caught:
        invoke(runtime, name, chat())
    assert caught.value.response["OriginalStatusCode"] == 507
    assert name in caught.value.response["LogStreamArn"]


@pytest.mark.slow
def test_throttling_hits_the_same_rows_each_time_and_spares_some_retries(
    runtime: Any, endpoint: MakeEndpoint
) -> None:
    questions = [f"What is question number {number}?" for number in range(100)]

    def throttled() -> list[str]:
        return [q for q in questions if error_code(runtime, name, chat(q)) is not None]

    name = endpoint(faults={"throttle": 0.3})
    first = throttled()
    assert 15 <= len(first) <= 45
    retried = [q for q in first if error_code(runtime, name, chat(q)) is None]
    assert 0 < len(retried) < len(first)
    endpoint(faults={"throttle": 0.3})
    assert throttled() == first
    endpoint(faults={"throttle": 0.3, "seed": 1})
    assert throttled() != first


def test_malformed_answers_come_with_status_200(runtime: Any, endpoint: MakeEndpoint) -> None:
    def body_of(kind: str) -> bytes:
        name = endpoint(faults={"malformed": 1, "malformed_as": kind})
        return bytes(invoke(runtime, name, chat())["Body"])

    for broken in ("not-json", "truncated"):
        with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
            json.loads(body_of(broken))
    assert json.loads(body_of("empty"))["choices"][0]["message"]["content"] == ""
    inside = json.loads(body_of("error-inside"))
    assert inside == {"generated_text": "", "details": {"finish_reason": "error"}}


def test_any_malformed_kind_varies_from_row_to_row(runtime: Any, endpoint: MakeEndpoint) -> None:
    name = endpoint(faults={"malformed": 1})
    bodies = {invoke(runtime, name, chat(f"Number {n}?"))["Body"] for n in range(20)}
    assert any(body.startswith(b"<html>") for body in bodies)
    assert any(b'"finish_reason": "error"' in body for body in bodies)


def test_endpoint_that_dies_serves_so_many_calls_and_no_more(
    runtime: Any, endpoint: MakeEndpoint
) -> None:
    name = endpoint(faults={"die_after": 3})
    codes = [error_code(runtime, name, chat()) for _ in range(6)]
    assert codes == [None, None, None, "ModelError", "ModelError", "ModelError"]


def test_connection_reset(runtime: Any, endpoint: MakeEndpoint) -> None:
    name = endpoint(faults={"die_after": 1, "fail_with": "connection-reset"})
    assert error_code(runtime, name, chat()) is None
    with pytest.raises(ConnectionClosedError):
        invoke(runtime, name, chat())


def test_hanging_call_runs_into_the_callers_time_out(
    impatient_runtime: Any, endpoint: MakeEndpoint
) -> None:
    name = endpoint(faults={"hang": 1})
    with pytest.raises(ReadTimeoutError):
        invoke(impatient_runtime, name, chat())


def test_too_many_calls_at_once_are_throttled(
    endpoint_url: str, runtime: Any, endpoint: MakeEndpoint
) -> None:
    """Two calls that hang are under way for as long as the test holds them."""
    name = endpoint(faults={"hang": 1, "throttle_over": 2})
    held = [hanging_call(endpoint_url, name) for _ in range(2)]
    until(lambda: outcomes(endpoint_url, name) == {"hang": 2})
    endpoint(faults={"throttle_over": 2})
    with ThreadPoolExecutor(4) as pool:
        codes = list(pool.map(lambda n: error_code(runtime, name, chat(f"Q{n}?")), range(4)))
    assert codes == ["ThrottlingException"] * 4
    held.pop().close()
    until(lambda: error_code(runtime, name, chat()) is None)
    held.pop().close()


def hanging_call(url: str, name: str) -> HTTPConnection:
    """A call that was sent and waits for its answer until it is closed."""
    connection = HTTPConnection(url.removeprefix("http://"), timeout=30)
    connection.request("POST", f"/endpoints/{name}/invocations", json.dumps(chat()))
    return connection


def outcomes(url: str, name: str) -> dict[str, int]:
    counted: dict[str, int] = httpx.get(f"{url}/_demo/calls").json()["by_name"].get(name, {})
    return counted


def until(holds: Callable[[], bool], seconds: float = 20) -> None:
    """Returns once it holds. AssertionError: it never did."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"not so within {seconds} s"
        time.sleep(0.01)


@pytest.mark.slow
def test_latency_is_real_and_varies_with_the_request(runtime: Any, endpoint: MakeEndpoint) -> None:
    name = endpoint(faults={"latency_ms": 20, "jitter_ms": 200})

    def seconds(question: str) -> float:
        start = time.perf_counter()
        invoke(runtime, name, chat(question))
        return time.perf_counter() - start

    taken = [seconds(f"What is number {number}?") for number in range(6)]
    assert min(taken) >= 0.02
    assert max(taken) - min(taken) > 0.03


def test_without_latency_a_call_takes_a_few_milliseconds(runtime: Any) -> None:
    def seconds() -> float:
        start = time.perf_counter()
        invoke(runtime, GOOD, chat())
        return time.perf_counter() - start

    # the quickest: Nagle's 40 ms would be in each, a busy machine is not
    assert min(seconds() for _ in range(15)) < 0.03, "Nagle's 40 ms are back"


def test_calls_are_counted_by_name_and_outcome(
    endpoint_url: str, runtime: Any, endpoint: MakeEndpoint
) -> None:
    name = endpoint(faults={"die_after": 2})
    httpx.delete(f"{endpoint_url}/_demo/calls").raise_for_status()
    for body in (chat(), {"query": QUESTION}, chat()):
        error_code(runtime, name, body)
    error_code(runtime, "no-such-endpoint", chat())
    counted = httpx.get(f"{endpoint_url}/_demo/calls").json()
    assert counted["by_name"] == {
        name: {"answered": 2, "ModelError": 1},
        "no-such-endpoint": {"ValidationError": 1},
    }
    assert counted["by_kind"] == {"chat": 1, "template": 1}
    assert counted["total"] == 4
    httpx.delete(f"{endpoint_url}/_demo/calls").raise_for_status()
    assert httpx.get(f"{endpoint_url}/_demo/calls").json()["total"] == 0
    assert error_code(runtime, name, chat()) == "ModelError", "clearing counts revives nothing"


def test_behaviour_can_be_seen_and_taken_away(
    endpoint_url: str, runtime: Any, endpoint: MakeEndpoint
) -> None:
    name = endpoint(model="worse", faults={"hang": 0.5})
    url = f"{endpoint_url}/_demo/endpoints/{name}"
    seen = httpx.get(url).json()
    assert (seen["model"], seen["faults"]["hang"]) == ("worse", 0.5)
    assert name in httpx.get(f"{endpoint_url}/_demo/endpoints").json()
    httpx.delete(url).raise_for_status()
    assert httpx.get(url).status_code == 404
    assert error_code(runtime, name, chat()) == "ValidationError"


@pytest.mark.parametrize(
    "behaviour",
    [
        {"model": "best"},
        {"knowledge": "chess"},
        {"speed": 1},
        {"faults": {"throttle": 0.7, "fail": 0.7}},
        {"faults": {"throttle": 2}},
        {"faults": {"fail_with": "NoSuchError"}},
    ],
)
def test_wrong_behaviour_is_refused(endpoint_url: str, behaviour: dict[str, Any]) -> None:
    response = httpx.put(f"{endpoint_url}/_demo/endpoints/wrong", json=behaviour)
    assert response.status_code == 400
    assert response.json()["error"]
    assert httpx.get(f"{endpoint_url}/_demo/endpoints/wrong").status_code == 404


def test_other_operations_are_refused_by_name(endpoint_url: str) -> None:
    response = httpx.post(f"{endpoint_url}/endpoints/{GOOD}/other")
    assert response.headers["x-amzn-ErrorType"] == "UnknownOperationException"
    assert f"/endpoints/{GOOD}/other is not served" in response.json()["Message"]


def test_each_kind_of_endpoint_refuses_the_other_kind_of_call(
    runtime: Any, endpoint_url: str
) -> None:
    queued = {"asynchronous": {"output": "s3://bucket/out"}}
    httpx.put(f"{endpoint_url}/_demo/endpoints/queued", json=queued).raise_for_status()
    with pytest.raises(ClientError, match="is not an asynchronous") as caught:
        runtime.invoke_endpoint_async(EndpointName=GOOD, InputLocation="s3://bucket/key")
    assert caught.value.response["Error"]["Code"] == "ValidationError"
    with pytest.raises(ClientError, match="is an asynchronous") as caught:
        runtime.invoke_endpoint(EndpointName="queued", Body=b"{}")
    assert caught.value.response["Error"]["Code"] == "ValidationError"
    with pytest.raises(ClientError, match="less than or equal to 128000"):
        runtime.invoke_endpoint_async(EndpointName="queued", Body=b"x" * 128_001)
    with pytest.raises(ClientError, match="exactly one of Body and InputLocation"):
        runtime.invoke_endpoint_async(EndpointName="queued")


def test_server_stops_although_a_call_hangs() -> None:
    behaviour = EndpointBehaviour.model_validate({"faults": {"hang": 1}})
    server = serve_endpoint(endpoints={"hanging": behaviour})
    url = f"{server.url}/endpoints/hanging/invocations"
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(httpx.post, url, json=chat(), timeout=30)
        while not httpx.get(f"{server.url}/_demo/calls").json()["total"]:
            time.sleep(0.01)
        server.stop()
        with pytest.raises(httpx.TransportError):
            call.result(timeout=5)


@pytest.mark.slow
def test_stopped_server_frees_its_port_and_a_taken_port_is_named() -> None:
    server = serve_endpoint(endpoints={})
    port = int(server.url.rsplit(":", 1)[1])
    with pytest.raises(OSError, match=f"demo endpoint.* on port {port}"):
        serve_endpoint(port, endpoints={})
    server.stop()
    again = serve_endpoint(port, endpoints={})
    assert httpx.get(f"{again.url}/_demo/endpoints").json() == {}
    again.stop()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "arguments", "variable", "path"),
    [
        (
            "pipeline.local.demo.endpoint.server",
            ["--endpoint", "mine=worse"],
            "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME",
            "_demo/endpoints/mine",
        ),
        (
            "pipeline.local.demo.judge.server",
            [],
            "AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
            "_demo/models",
        ),
    ],
)
def test_command_line_serves_and_prints_the_variable(
    module: str, arguments: list[str], variable: str, path: str
) -> None:
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            name, _, url = process.stdout.readline().strip().partition("=")
            assert name == variable
            assert httpx.get(f"{url}/{path}").status_code == 200
        finally:
            process.terminate()


def test_an_endpoint_that_is_told_to_returns_what_it_has_retrieved(
    runtime: Any, endpoint: MakeEndpoint
) -> None:
    name = endpoint(passages=2)
    message = answer(runtime, name, chat())["choices"][0]["message"]
    assert len(message["context"]["citations"]) == 2
    assert "nosebleed" in message["context"]["citations"][0]["content"]
    assert "context" not in answer(runtime, name, chat("Zzzz?"))["choices"][0]["message"]
    found = answer(runtime, name, {"query": QUESTION})["passages"]
    assert found[0]["score"] > found[1]["score"] > 0
    assert answer(runtime, endpoint(passages=2, passages_lost=1), {"query": QUESTION}) == {
        "result": answer(runtime, GOOD, {"query": QUESTION})["result"],
        "passages": [],
    }
