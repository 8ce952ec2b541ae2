"""A judge's response is read by what it is, on every wire; whatever else comes is that verdict's
error. Ten thousand bodies:

    pytest tests/processing -k fuzzed --hypothesis-profile ten-thousand --timeout 0
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from judge_models import EXAMPLE_JUDGE
from marker_judge import MarkerJudge, question

from processing.judges.verdict import JudgeError
from processing.scorers.build import BuiltScorer

pytestmark = pytest.mark.integration

YES = '{"result": "yes", "rationale": "r"}'
NO = '{"result": "no", "rationale": "r"}'
WIRES = [EXAMPLE_JUDGE, "openai:/mine"]
Build = Callable[..., BuiltScorer]


def converse(content: Any, **more: Any) -> dict[str, Any]:
    return {"output": {"message": {"role": "assistant", "content": content}}, **more}


def completion(content: Any, **more: Any) -> dict[str, Any]:
    return {"choices": [{"message": {"role": "assistant", "content": content}}], **more}


def built_for(build: Build, judge: MarkerJudge, model: str) -> BuiltScorer:
    address = {"base_url": f"{judge.url}/v1"} if model.startswith("openai") else {}
    return build("Safety", model, **address)


READ: dict[str, tuple[str, Any]] = {
    **{
        f"{name}, {model}": (model, body)
        for model, form in zip(WIRES, (converse, completion), strict=True)
        for name, body in {
            "text": form(YES),
            "a part": form([{"text": YES, "type": "text"}]),
            "two parts": form(
                [{"type": "text", "text": YES[:9]}, {"type": "text", "text": YES[9:]}]
            ),
            "usage as text": form([{"type": "text", "text": YES}], usage="n/a"),
            "usage as list": form([{"type": "text", "text": YES}], usage=[1]),
            "counts as text": form(
                [{"type": "text", "text": YES}],
                usage={"inputTokens": "9", "prompt_tokens": "9", "outputTokens": 1.5},
            ),
            "counts below nothing": form(
                [{"type": "text", "text": YES}],
                usage={"inputTokens": -1, "prompt_tokens": -1, "completion_tokens": True},
            ),
            "other keys": form([{"type": "text", "text": YES}], metrics="fast", trace=7),
        }.items()
    },
    "reasoning beside": (
        EXAMPLE_JUDGE,
        converse([{"reasoningContent": {"reasoningText": {"text": NO}}}, {"text": YES}]),
    ),
    "parts of no kind": (EXAMPLE_JUDGE, converse([7, None, {"new": {"x": 1}}, {"text": YES}])),
    "a tool's input": (EXAMPLE_JUDGE, converse([{"toolUse": {"input": json.loads(YES)}}])),
    "reasoning_content": (
        "openai:/mine",
        {"choices": [{"message": {"content": YES, "reasoning_content": NO}}], "error": None},
    ),
}


@pytest.mark.parametrize(("model", "body"), READ.values(), ids=READ)
def test_a_verdict_is_read_in_every_form(
    judge: MarkerJudge, build: Build, model: str, body: Any
) -> None:
    judge.raw = json.dumps(body).encode()
    feedback = built_for(build, judge, model).score(question("GOODROW-1"))
    assert feedback.value == "yes"
    counted = [key for key in feedback.metadata or {} if "token" in key.lower()]
    assert counted == []


@pytest.mark.parametrize("model", WIRES, ids=["bedrock", "openai"])
@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"error": {"message": "CUDA out of memory"}, **completion(None)}, "CUDA out of memory"),
        ({"message": "Too many tokens", "choices": []}, "the judge answered"),
        ({**converse(None), **completion(None)}, "the judge answered"),
        ({**converse(7), **completion(7.5)}, "the judge answered"),
    ],
)
def test_a_body_without_a_verdict_says_what_came(
    judge: MarkerJudge, build: Build, model: str, body: Any, why: str
) -> None:
    judge.raw = json.dumps(body).encode()
    with pytest.raises(JudgeError, match=r"the judge (answered|failed)") as raised:
        built_for(build, judge, model).score(question("GOODROW-1"))
    assert why in raised.value.reason


BUILT: dict[tuple[str, str], BuiltScorer] = {}
WRONG: list[Any] = [YES, [YES], {"text": YES}, [{"text": YES}], {"reasoningText": {"text": YES}}]
leaves = st.one_of(
    st.none(),
    st.just(False),
    st.integers(-(10**30), 10**30).filter(lambda n: n != 1),  # true and 1 are yes in a word
    st.floats(allow_nan=False, allow_infinity=False).filter(lambda n: n != 1),
    st.text(st.characters(exclude_characters="1yY"), max_size=6),
    st.sampled_from([NO, NO[:-3], "no", "\ud83d", {"result": "no", "rationale": "r"}]),
)
KEYS = ("output", "message", "content", "choices", "text", "toolUse", "input", "delta", "type")
ASIDE = ("reasoningContent", "reasoning_content", "usage", "metrics", "error", "trace", "role",
         "stopReason", "finish_reason", "additionalModelResponseFields", "tool_calls")  # fmt: skip


def _nodes(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    aside = dict.fromkeys(ASIDE, st.sampled_from(WRONG))
    return st.one_of(
        st.lists(inner, max_size=3),
        st.fixed_dictionaries({}, optional=dict.fromkeys(KEYS, inner) | aside),
        inner.map(lambda x: converse([{"text": x}])),
        inner.map(lambda x: converse(x, usage=x)),
        inner.map(
            lambda x: converse([{"toolUse": {"input": x, "name": x}}, {"reasoningContent": x}])
        ),
        inner.map(lambda x: completion(x, usage=x)),
        inner.map(lambda x: completion([{"type": "text", "text": x}])),
    )


documents = st.recursive(leaves, _nodes, max_leaves=8)
bodies = st.one_of(
    documents.map(lambda d: json.dumps(d).encode()),
    st.tuples(documents, st.integers(0, 150)).map(lambda p: json.dumps(p[0]).encode()[: p[1]]),
    st.binary(max_size=40),
)


@pytest.mark.parametrize("model", WIRES, ids=["bedrock", "openai"])
@given(body=bodies)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_fuzzed_a_judge_s_body_is_no_or_a_reason(
    judge: MarkerJudge, build: Build, model: str, body: bytes
) -> None:
    """A yes stands only where no verdict does: in reasoning, errors, usage."""
    judge.raw = body
    judge.received.clear()
    built = BUILT.get((judge.url, model)) or built_for(build, judge, model)
    BUILT[judge.url, model] = built  # a client takes longer to make than to ask
    try:
        value = built.score(question("GOODROW-1")).value
    except JudgeError as error:
        reason = error.reason
    else:
        assert value == "no"
        return
    assert reason.startswith("the judge")
    assert len(reason) < 1_000
