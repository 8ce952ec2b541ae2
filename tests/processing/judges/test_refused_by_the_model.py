"""What a refusal is about: the sentences are providers' own, as people have reported them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing.config.judge import Judge
from processing.judges.accepted import Accepted
from processing.judges.verdict import JudgeError
from processing.judges.wire import Form, RequestRefused

BEDROCK = ("text_format", "strict_tool", "tool", "offered_tool", "plain")
OPENAI = ("json_schema", "plain")
SAID = "ValidationException: The model returned the following errors: "
BOTH = f"{SAID}`temperature` and `top_p` cannot both be specified for this model. Use only one."
LIMIT = (
    "ValidationException: The maximum tokens you requested exceeds the model limit of 4096. Try "
    "again with a maximum tokens value that is lower than 4096."
)


def asked_instead(said: str, forms: tuple[str, ...] = BEDROCK, **parameters: Any) -> Form:
    """The form after a first refusal."""
    judge = Judge(model="bedrock:/m", parameters=parameters)
    accepted = Accepted(judge.model, forms)
    return accepted.instead(judge, "YesNo", accepted.form(judge, "YesNo"), RequestRefused(said))


@pytest.mark.parametrize(
    ("said", "given", "sent"),
    [
        (f"{SAID}`temperature` is deprecated for this model.",
         {"temperature": 0, "max_tokens": 9}, {"max_tokens": 9}),
        (BOTH, {"temperature": 0, "top_p": 1, "maxTokens": 9}, {"temperature": 0, "maxTokens": 9}),
        (BOTH, {"topP": 1, "temperature": 0, "max_tokens": 9}, {"topP": 1, "max_tokens": 9}),
        (LIMIT, {"maxTokens": 9999}, {}),
        (LIMIT, {}, {}),
        ("ValidationException: Malformed input request: #/inferenceConfig/maxTokens: 100000 is not "
         "less or equal to 10000, please reformat your input and try again.",
         {"max_tokens": 100000, "temperature": 1}, {"temperature": 1}),
        ("ValidationException: Malformed input request: extraneous key [top_k] is not permitted, "
         "please reformat your input and try again.", {"top_k": 5, "max_tokens": 9},
         {"max_tokens": 9}),
        ("BadRequestError: Error code: 400 - Unsupported parameter: 'max_tokens' is not supported "
         "with this model. Use 'max_completion_tokens' instead.", {"max_tokens": 9},
         {"max_completion_tokens": 9}),
        ("BadRequestError: Error code: 400 - Unsupported value: 'temperature' does not support 0.1 "
         "with this model. Only the default (1) value is supported.",
         {"temperature": 0.16, "max_tokens": 9}, {"max_tokens": 9}),
        ("BadRequestError: 'max_tokens' or 'max_completion_tokens' is too large: 8192. This "
         "model's maximum context length is 4096 tokens and your request has 808 input tokens.",
         {}, {}),
        ("UnsupportedParamsError: litellm.UnsupportedParamsError: bedrock does not support "
         "parameters: ['top_p'], for model=m.", {"top_p": 1, "max_tokens": 9}, {"max_tokens": 9}),
    ],
)  # fmt: skip
def test_a_refused_parameter_is_left_out_and_the_form_kept(
    said: str, given: dict[str, Any], sent: dict[str, Any]
) -> None:
    form = asked_instead(said, **given)
    assert form.kind == "text_format"
    assert form.parameters == sent


@pytest.mark.parametrize(
    ("said", "forms", "kinds"),
    [
        (f"{SAID}output_config.format: Extra inputs are not permitted", BEDROCK, ["strict_tool"]),
        (f'{SAID}tool_choice: type "tool" and "any" are not supported for this model.', BEDROCK,
         ["strict_tool", "offered_tool"]),
        (f"{SAID}tool_choice forces tool use is not compatible with this model", BEDROCK,
         ["strict_tool", "offered_tool"]),
        (f"{SAID}Thinking may not be enabled when tool_choice forces tool use.", BEDROCK,
         ["strict_tool", "offered_tool"]),
        ("ValidationException: This model doesn't support the toolConfig.toolChoice.any field. "
         "Remove toolConfig.toolChoice.any and try again", BEDROCK,
         ["strict_tool", "offered_tool"]),
        (f"{SAID}tools.0.custom: For 'array' type, property 'maxItems' is not supported", BEDROCK,
         ["strict_tool", "tool"]),
        (f"{SAID}tools.0.custom.strict: Extra inputs are not permitted", BEDROCK,
         ["strict_tool", "tool"]),
        ("ValidationException: This model doesn't support tool use.", BEDROCK,
         ["strict_tool", "plain"]),
        ("BadRequestError: response_format is not supported by this model", OPENAI, ["plain"]),
        ("BadRequestError: guided decoding is off", OPENAI, ["plain"]),
    ],
)  # fmt: skip
def test_a_refused_form_is_not_tried_again(
    said: str, forms: tuple[str, ...], kinds: list[str]
) -> None:
    judge = Judge(model="bedrock:/m", parameters={"thinking": {"type": "adaptive"}})
    accepted = Accepted(judge.model, forms)
    form, tried = accepted.form(judge, "YesNo"), []
    said_first = f"{SAID}output_config.format: Extra inputs are not permitted"
    for words in [said_first if forms == BEDROCK else said, said][: len(kinds)]:
        form = accepted.instead(judge, "YesNo", form, RequestRefused(words))
        tried.append(form.kind)
    assert tried == kinds
    assert form.parameters == judge.sent_parameters
    accepted.works("YesNo", form)
    assert accepted.form(judge, "YesNo").kind == kinds[-1]


def test_a_value_that_is_wrong_is_an_error_that_names_it() -> None:
    with pytest.raises(
        JudgeError, match=r"temperature: Input should be .*judge.parameters"
    ) as told:
        asked_instead(f"{SAID}temperature: Input should be less than 1", temperature=5)
    assert told.value.final


def test_a_row_s_refusal_is_the_row_s() -> None:
    judge = Judge(model="bedrock:/m")
    accepted = Accepted(judge.model, BEDROCK)
    form = accepted.form(judge, "YesNo")
    accepted.works("YesNo", form)
    too_long = RequestRefused(f"{SAID}prompt is too long: 200049 tokens > 200000 maximum")
    with pytest.raises(JudgeError, match="prompt is too long") as told:
        accepted.instead(judge, "YesNo", form, too_long)
    assert not told.value.final
    assert accepted.form(judge, "YesNo") == form
    assert accepted.left_out(judge) == []


def test_a_first_row_that_no_form_helps_says_nothing_about_the_model() -> None:
    judge = Judge(model="bedrock:/m")
    accepted = Accepted(judge.model, BEDROCK)
    form, too_long = accepted.form(judge, "YesNo"), RequestRefused(f"{SAID}prompt is too long")
    for _ in range(3):
        form = accepted.instead(judge, "YesNo", form, too_long)
    with pytest.raises(JudgeError, match="prompt is too long"):
        accepted.instead(judge, "YesNo", form, too_long)
    another = accepted.form(judge, "YesNo")
    assert another.kind == "text_format"
    accepted.works("YesNo", another)
    assert accepted.left_out(judge) == []


def test_what_is_left_out_is_said_once_and_known_for_the_verdicts_that_it_is_left_out_of(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setattr(sys, "__stderr__", sys.stderr)
    warm, plain = (
        Judge(model="bedrock:/m", parameters={"temperature": 1}),
        Judge(model="bedrock:/m"),
    )
    accepted = Accepted(warm.model, BEDROCK)
    refused = RequestRefused(f"{SAID}`temperature` is deprecated for this model.")
    form = accepted.form(warm, "YesNo")
    for _ in range(3):
        form = accepted.instead(warm, "YesNo", Form(form.kind, warm.sent_parameters), refused)
    accepted.works("YesNo", form)
    assert accepted.left_out(warm) == ["temperature"]
    assert accepted.left_out(plain) == []
    assert capsys.readouterr().err.count("bedrock:/m does not take temperature") == 1


WORDS = ["`temperature`", "top_p", "maxTokens", "tool_choice", "strict", "output_config",
         "toolConfig", "use max_completion_tokens", "is deprecated", "both", "9 > 2"]  # fmt: skip


@given(st.lists(st.lists(st.sampled_from(WORDS), max_size=6), max_size=30))
def test_whatever_a_model_says_asking_ends(refusals: list[list[str]]) -> None:
    """No refusal leads to the request that was refused, and each leaves out something."""
    judge = Judge(model="bedrock:/m", parameters={"temperature": 0, "top_p": 1, "max_tokens": 9})
    accepted = Accepted(judge.model, BEDROCK)
    form, seen = accepted.form(judge, "YesNo"), []
    for words in [*refusals, *[["no"]] * 12]:
        seen.append((form.kind, tuple(form.parameters)))
        try:
            form = accepted.instead(judge, "YesNo", form, RequestRefused(" ".join(words)))
        except JudgeError:
            break
    else:
        raise AssertionError("it asks on")
    assert len(set(seen)) == len(seen)
