"""What goes over the wire to a judge, what comes of its failures, and how often it is asked."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import pytest
from judge_models import EXAMPLE_JUDGE
from marker_judge import MarkerJudge, question

from processing.config.judge import DEFAULT_MAX_TOKENS
from processing.config.scorer_numbers import number_of
from processing.judges.verdict import JudgeError
from processing.scorers.build import BuiltScorer

NOVA = "bedrock:/us.amazon.nova-pro-v1:0"
UNKNOWN = "bedrock:/vendor.some-new-model-v1:0"
ARN = "bedrock:/arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3d4e5f6"
COHERENCE = {
    "kind": "template",
    "template": "Is {{ outputs }} coherent, as an answer to {{ inputs }}?",
    "levels": {"coherent": 1, "somewhat coherent": 0.5, "incoherent": 0},
}
# one entry of each way to a judge, and the calls that one verdict takes
KINDS: list[tuple[Any, int]] = [
    ("Safety", 1),
    ({"professional_tone": {"guidelines": ["Be calm."]}}, 1),
    ({"coherence": COHERENCE}, 1),
    ("Bias", 3),
    ("AnswerRelevancy", 3),
    ("Faithfulness", 4),
    ({"FactualCorrectness": {"kind": "RAGAS"}}, 4),
    ({"AnswerAccuracy": {"kind": "RAGAS"}}, 2),
]
ENTRIES = [entry for entry, _ in KINDS if entry != {"AnswerAccuracy": {"kind": "RAGAS"}}]

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore:.*same direction:DeprecationWarning"),
]


def name_of(case: Any) -> str:
    return case if isinstance(case, str) else "-".join(case) if isinstance(case, dict) else ""


def kind(model: str) -> str:
    return model.partition(":/")[2].split(".")[0].split(":")[0]


@pytest.mark.parametrize(
    "model", [EXAMPLE_JUDGE, NOVA, UNKNOWN, ARN], ids=["claude", "nova", "new", "arn"]
)
@pytest.mark.parametrize("entry", ENTRIES, ids=name_of)
def test_bedrock_uri_as_users_write_it_works(
    judge: MarkerJudge, build: Callable[..., BuiltScorer], entry: Any, model: str
) -> None:
    built = build(entry, model)
    good, bad = built.score(question("It is GOODROW-1.")), built.score(question("It is BADROW-2."))
    assert number_of(built.spec, good.value) == 1
    assert number_of(built.spec, bad.value) == 0
    assert good.source.source_type == "LLM_JUDGE"
    assert good.source.source_id == model
    assert all(request.path.endswith("/converse") for request in judge.received)


def test_inference_profiles_arn_is_one_part_of_the_path(
    judge: MarkerJudge, build: Callable[..., BuiltScorer]
) -> None:
    build("Safety", ARN).score(question("GOODROW-1"))
    encoded = ARN.removeprefix("bedrock:/").replace(":", "%3A").replace("/", "%2F")
    assert [request.path for request in judge.received] == [f"/model/{encoded}/converse"]


@pytest.mark.parametrize(("entry", "calls"), KINDS, ids=name_of)
def test_parameters_reach_the_judge_and_calls_and_tokens_are_told(
    judge: MarkerJudge, build: Callable[..., BuiltScorer], entry: Any, calls: int
) -> None:
    verdict = None
    try:
        verdict = build(entry, parameters={"temperature": 0.25, "max_tokens": 321}).score(
            question("BADROW-1")
        )
    except JudgeError:  # AnswerAccuracy wants a 2 or 4 that this judge does not give
        assert entry == {"AnswerAccuracy": {"kind": "RAGAS"}}
    configs = [request.body["inferenceConfig"] for request in judge.received]
    assert configs
    assert all(config == {"temperature": 0.25, "maxTokens": 321} for config in configs)
    if verdict is not None:
        assert len(configs) == calls
        assert verdict.metadata["judge_calls"] == str(calls)
        assert verdict.metadata["mlflow.assessment.judgeInputTokens"] == str(11 * calls)
        assert verdict.metadata["mlflow.assessment.judgeOutputTokens"] == str(7 * calls)


@pytest.mark.parametrize("entry", ENTRIES, ids=name_of)
def test_openai_compatible_address_is_asked(
    judge: MarkerJudge,
    build: Callable[..., BuiltScorer],
    entry: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "key-of-mine")
    built = build(
        entry,
        "openai:/my-model",
        base_url=f"{judge.url}/v1",
        parameters={"temperature": 0.5, "max_tokens": 99},
    )
    assert number_of(built.spec, built.score(question("It is GOODROW-1.")).value) == 1
    assert number_of(built.spec, built.score(question("It is BADROW-2.")).value) == 0
    for request in judge.received:
        assert request.path == "/v1/chat/completions"
        assert request.headers["authorization"] == "Bearer key-of-mine"
        assert request.body["model"] == "my-model"
        assert (request.body["temperature"], request.body["max_tokens"]) == (0.5, 99)


def test_openai_compatible_address_needs_no_key(
    judge: MarkerJudge, build: Callable[..., BuiltScorer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    built = build("Safety", "openai:/my-model", base_url=f"{judge.url}/v1")
    assert built.score(question("GOODROW-1")).value == "yes"
    assert "OPENAI_API_KEY" not in os.environ


def test_scorer_may_have_a_judge_of_its_own(
    judge: MarkerJudge, build: Callable[..., BuiltScorer]
) -> None:
    small = {"model": "bedrock:/us.amazon.nova-lite-v1:0", "parameters": {"temperature": 0.75}}
    built = build({"Safety": {"judge": small}})
    assert built.judge is not None
    assert built.judge.model == small["model"]
    assert built.score(question("GOODROW-1")).source.source_id == small["model"]
    assert judge.received[0].path.startswith("/model/us.amazon.nova-lite")
    config = judge.received[0].body["inferenceConfig"]
    assert config == {"temperature": 0.75, "maxTokens": DEFAULT_MAX_TOKENS}


RETRYABLE = [
    (429, "ThrottlingException"),
    (408, "ModelTimeoutException"),
    (424, "ModelErrorException"),
    (503, "ServiceUnavailableException"),
    (500, "InternalServerException"),
]
FINAL = [
    (403, "AccessDeniedException"),
    (404, "ResourceNotFoundException"),
]


@pytest.mark.parametrize(
    ("failing", "retryable"),
    [*((failing, True) for failing in RETRYABLE), *((failing, False) for failing in FINAL)],
    ids=lambda case: case[1] if isinstance(case, tuple) else "",
)
@pytest.mark.parametrize("entry", [*ENTRIES, {"AnswerAccuracy": {"kind": "RAGAS"}}], ids=name_of)
def test_failing_judge_is_asked_once_and_its_error_is_told(
    judge: MarkerJudge,
    build: Callable[..., BuiltScorer],
    entry: Any,
    failing: tuple[int, str],
    retryable: bool,
) -> None:
    judge.failing = failing
    built = build(entry)
    with pytest.raises(JudgeError, match="the judge failed") as caught:
        built.score(question("GOODROW-1"))
    assert caught.value.retryable is retryable
    assert failing[1] in caught.value.reason
    assert len(judge.received) == 1


@pytest.mark.parametrize(
    "saying",
    [
        "I would say that this is rather good.",
        '{"result": "unknown", "rationale": "hm", "verdicts": 7, "statements": 7}',
        '{"rationale": "cut',
        "[]",
        "",
    ],
    ids=["prose", "unknown", "cut", "list", "nothing"],
)
@pytest.mark.parametrize("entry", ENTRIES, ids=name_of)
def test_answer_that_is_no_verdict_is_worth_another_try(
    judge: MarkerJudge, build: Callable[..., BuiltScorer], entry: Any, saying: str
) -> None:
    judge.saying = saying
    built = build(entry)
    with pytest.raises(JudgeError, match="the judge answered") as caught:
        built.score(question("GOODROW-1"))
    assert caught.value.retryable
    assert len(judge.received) == 1


@pytest.mark.parametrize("model", [EXAMPLE_JUDGE, "openai:/slow"], ids=["bedrock", "openai"])
def test_slow_judge_is_given_up(
    judge: MarkerJudge, build: Callable[..., BuiltScorer], model: str
) -> None:
    judge.slow_seconds = 60  # far beyond what a busy machine adds to the 0.2 s
    address = {"base_url": f"{judge.url}/v1"} if model.startswith("openai") else {}
    built = build("Safety", model, timeout_seconds=0.2, **address)
    started = time.monotonic()
    with pytest.raises(JudgeError) as caught:
        built.score(question("GOODROW-1"))
    assert caught.value.retryable
    assert time.monotonic() - started < 40
    assert len(judge.received) == 1


def test_judge_that_is_not_there_is_worth_another_try(build: Callable[..., BuiltScorer]) -> None:
    built = build("Safety", "openai:/gone", base_url="http://127.0.0.1:9/v1")
    with pytest.raises(JudgeError) as caught:
        built.score(question("GOODROW-1"))
    assert caught.value.retryable


@pytest.mark.parametrize("context", [None, (), ("", "  ")], ids=["none", "empty", "blank"])
@pytest.mark.parametrize(
    "entry",
    [
        "Faithfulness",
        {"Hallucination": {"kind": "DeepEval"}},
        {"grounded": {"kind": "RAGAS", "metric": "Faithfulness"}},
        {"ResponseGroundedness": {"kind": "RAGAS"}},
    ],
    ids=name_of,
)
def test_nothing_is_judged_against_no_context(
    judge: MarkerJudge,
    build: Callable[..., BuiltScorer],
    entry: Any,
    context: tuple[str, ...] | None,
) -> None:
    built = build(entry)
    assert built.spec.needs_context
    with pytest.raises(JudgeError, match="context") as caught:
        built.score(question("GOODROW-1", context=context))
    assert not caught.value.retryable
    assert not judge.received


def test_context_is_what_faithfulness_is_judged_against(
    judge: MarkerJudge, build: Callable[..., BuiltScorer]
) -> None:
    for entry in ("Faithfulness", {"grounded": {"kind": "RAGAS", "metric": "Faithfulness"}}):
        judge.received.clear()
        build(entry).score(question("GOODROW-1", context=("Passage ALPHA.", "Passage BETA.")))
        sent = " ".join(str(request.body) for request in judge.received)
        assert "Passage ALPHA." in sent
        assert "Passage BETA." in sent


@pytest.mark.parametrize("entry", [*ENTRIES, {"AnswerAccuracy": {"kind": "RAGAS"}}], ids=name_of)
def test_invalid_request_is_made_once_in_each_form_and_then_given_up(
    judge: MarkerJudge, build: Callable[..., BuiltScorer], entry: Any
) -> None:
    judge.failing = (400, "ValidationException")
    with pytest.raises(JudgeError, match="ValidationException") as caught:
        build(entry).score(question("GOODROW-1"))
    assert not caught.value.retryable
    assert len(judge.received) == 4  # by output format, tool, offered tool, prompt


@pytest.mark.parametrize(
    ("model", "refused", "forms"),
    [
        (NOVA, ["outputConfig"], ["outputConfig", "toolConfig", "toolConfig"]),
        (NOVA, ["outputConfig", "toolConfig"], ["outputConfig", "toolConfig", None, None]),
        ("openai:/plain", ["response_format"], ["response_format", None, None]),
    ],
    ids=["tool", "plain", "openai"],
)
def test_judge_that_cannot_be_held_to_a_schema_is_asked_as_it_can_be(
    judge: MarkerJudge,
    build: Callable[..., BuiltScorer],
    model: str,
    refused: list[str],
    forms: list[str | None],
) -> None:
    """What it takes is remembered: the second verdict is asked for in that form at once."""
    judge.refuses = refused
    address = {"base_url": f"{judge.url}/v1"} if model.startswith("openai") else {}
    built = build("Safety", model, **address)
    first = built.score(question("GOODROW-1"))
    assert first.value == "yes"
    assert first.metadata["judge_calls"] == str(len(forms) - 1)
    assert built.score(question("BADROW-2")).value == "no"
    known = ("outputConfig", "toolConfig", "response_format")
    sent = [next((f for f in known if f in request.body), None) for request in judge.received]
    assert sent == forms


RENAMED = (
    "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
    "'max_completion_tokens' instead."
)
ONLY_ONE = (
    "Unsupported value: 'temperature' does not support 0.2 with this model. Only the default (1) "
    "value is supported."
)


@pytest.fixture(params=["openai", "litellm"])
def elsewhere(
    request: pytest.FixtureRequest, judge: MarkerJudge, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    """A judge of OpenAI's protocol: at an address of one's own, or where litellm looks for one."""
    monkeypatch.setenv("OPENAI_API_KEY", "key-of-mine")
    if request.param == "openai":
        return {"model": "openai:/mine", "base_url": f"{judge.url}/v1"}
    monkeypatch.setenv("OPENAI_API_BASE", f"{judge.url}/v1")
    return {"model": "openai:/mine"}


@pytest.mark.parametrize(
    ("refuses", "words", "sent", "left_out"),
    [
        (["max_tokens"], RENAMED, {"temperature": 0.2, "max_completion_tokens": 8192}, None),
        (["temperature"], ONLY_ONE, {"max_tokens": 8192}, "temperature"),
        (["response_format"], "response_format is not available", {"temperature": 0.2,
         "max_tokens": 8192}, "response_format"),
    ],
    ids=["max_tokens", "temperature", "response_format"],
)  # fmt: skip
def test_other_providers_refusals_cost_no_verdict_either(
    judge: MarkerJudge,
    build: Callable[..., BuiltScorer],
    elsewhere: dict[str, Any],
    *,
    refuses: list[str],
    words: str,
    sent: dict[str, Any],
    left_out: str | None,
) -> None:
    judge.refuses, judge.words = refuses, dict.fromkeys(refuses, words)
    built = build("Safety", **elsewhere, parameters={"temperature": 0.2})
    first, second = (built.score(question(f"GOODROW-{n}")) for n in (1, 2))
    assert first.value == second.value == "yes"
    assert first.metadata.get("judge_left_out") == left_out
    refused, *answered = [request.body for request in judge.received]
    assert set(refuses) <= set(refused)
    assert len(answered) == 2
    parameters = {"temperature", "max_tokens", "max_completion_tokens"}
    for body in answered:
        assert {key: body[key] for key in parameters & set(body)} == sent
        assert ("response_format" in body) == ("response_format" not in refuses)


def test_what_litellm_itself_would_drop_is_told_too(
    judge: MarkerJudge, build: Callable[..., BuiltScorer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It knows that gpt-5 takes no temperature of one's own, and nothing is sent until then."""
    monkeypatch.setenv("OPENAI_API_KEY", "key-of-mine")
    monkeypatch.setenv("OPENAI_API_BASE", f"{judge.url}/v1")
    built = build("Safety", "openai:/gpt-5", parameters={"temperature": 0.2})
    assert built.score(question("GOODROW-1")).metadata["judge_left_out"] == "temperature"
    [request] = judge.received
    assert "temperature" not in request.body


@pytest.mark.parametrize("failing", [(401, "Unauthorized"), (404, "NotFound")], ids=["401", "404"])
def test_no_key_and_no_model_are_found_out_by_one_request(
    judge: MarkerJudge,
    build: Callable[..., BuiltScorer],
    elsewhere: dict[str, Any],
    failing: tuple[int, str],
) -> None:
    judge.failing = failing
    built = build("Safety", **elsewhere)
    for _ in range(3):
        with pytest.raises(JudgeError, match="the judge failed") as told:
            built.score(question("GOODROW-1"))
        assert told.value.final
    assert len(judge.received) == 1
