"""A verdict is read from the judge's reply alone, and no reply can stop the job."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing.judges.reply_form import fitted
from processing.judges.reply_json import LONGEST_REPLY, read_object, read_reply, read_single_keyed
from processing.judges.verdict import JudgeError
from processing.scorers.mlflow_judges import YesNo

VERDICT = {"result": "yes", "rationale": 'It says {"result": "no"} and ```.'}
TEXT = json.dumps(VERDICT)
documents: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    "reply", [TEXT, f" \n{TEXT}\n", f"```json\n{TEXT}\n```", f"```\n{TEXT}\n\n```\n"]
)
def test_an_object_is_read_with_or_without_a_fence(reply: str) -> None:
    assert read_object(reply) == VERDICT


def test_half_an_emoji_in_a_verdict_is_replaced() -> None:
    reply = '\ufeff{"rationale": "half \\ud83d", "result": "yes"}'
    assert read_object(reply) == {"rationale": "half \ufffd", "result": "yes"}


WRAPPERS = {
    "think": "<think>\nhm {x}, not {Y}\n</think>\n{}",
    "lone closing tag": "It says {Y}. Hm.\n</think>\n{}",
    "two thoughts": "<think>hm</think>\n<think>{Y}</think>\n{}",
    "thinking (Nova)": "<thinking>hm {Y}</thinking>\n{}",
    "thought in a line": "So: <think>hm {Y}</think> {}",
    "reasoning": "<reasoning>{Y}</reasoning>{}",
    "harmony": "<|channel|>analysis<|message|>{Y}<|end|><|start|>assistant<|channel|>final"
    "<|message|>{}<|return|>",
    "harmony without final": "<|channel|>analysis<|message|>{Y}<|end|>{}",
    "intro and fence": "Here it is:\n```json\n{}\n```",
    "fence and outro": "```json\n{}\n```\nHope this helps.",
    "fence on one line": "```json {} ```",
    "fence without a language": "```\n{}\n```",
    "intro in the line": "Here is my verdict: {}",
    "before and after in one line": "Verdict: {} Hope this helps.",
    "commentary after": "{}\n\nNote: short answer.",
    "commentary in the line": "{} Note: a short answer.",
    "in bold": "**{}**",
    "code": "`{}`",
    "byte order mark": "\ufeff{}",
    "list of one": "[{}]",
    "list of one in a fence": "```json\n[{}]\n```",
    "twice the same": "{}\nOnce more:\n{}",
    "answer tag": "<answer>{}</answer>",
}
OTHER = json.dumps({"result": "no", "rationale": "the other"})
words = st.text("abc .,:!?äß中\n", max_size=12)


def wrapped(wrapper: str, text: str) -> str:
    return wrapper.replace("{Y}", OTHER).replace("{}", text)


def verdict_in(reply: str, row: Sequence[str] = ()) -> dict[str, Any]:
    return fitted(read_reply(reply, row), YesNo)


@given(
    wrapper=st.sampled_from(list(WRAPPERS.values())),
    result=st.text(max_size=12),
    rationale=st.text(max_size=40)
    | st.sampled_from([OTHER, "a </think> tag", "<think>", "```", "{", "}"]),
)
def test_a_verdict_is_found_whatever_is_around_it(
    wrapper: str, result: str, rationale: str
) -> None:
    verdict = {"result": result, "rationale": rationale}
    assert verdict_in(wrapped(wrapper, json.dumps(verdict))) == verdict


@given(
    first=st.sampled_from(list(WRAPPERS.values())),
    second=st.sampled_from(list(WRAPPERS.values())),
    comment=words,
)
def test_two_verdicts_that_differ_are_none(first: str, second: str, comment: str) -> None:
    """Where the one is in the other's thoughts, it may be the other that is read; never the one."""
    reply = wrapped(first, TEXT) + f"\n{comment}\n" + wrapped(second, OTHER.replace("other", "2nd"))
    try:
        told = verdict_in(reply)
    except JudgeError:
        return
    assert told != VERDICT


@pytest.mark.parametrize("between", ["\n", " ", ", ", "\n\nOn second thoughts:\n", "``` ```json "])
def test_two_verdicts_beside_each_other_are_an_error(between: str) -> None:
    for one, other in ((TEXT, OTHER), (OTHER, TEXT)):
        for reply in (
            one + between + other,
            f"[{one}{between}{other}]",
            f"So:\n{one}{between}{other}",
        ):
            with pytest.raises(JudgeError, match="the judge answered"):
                verdict_in(reply)


@pytest.mark.parametrize(
    "reply",
    [
        f"<think>{TEXT}",
        f"Hm.\n<think>\nIt says:\n{TEXT}",
        f"Sure. <think>It says: {TEXT}",
        f"{TEXT}\n</think>",
        f"<|channel|>analysis<|message|>{TEXT}<|end|>",
        f"<|channel|>analysis<|message|>{TEXT}",
        f'The thought ends with "</think>" and says:\n{TEXT}',
        f"The answer says {TEXT} but that is wrong.",
        f"The answer says: {TEXT}, which is wrong.",
        f'{{"result": "no", "rationale": "he said "{TEXT}" to me"}}',
        f"{{result: no, rationale: {TEXT}}}",
        f"{{'result': 'no', 'said': {TEXT}}}",
        f"{{ not JSON\n{TEXT}",
        '{"result": "yes", "rationale": "The resp',
        "",
        "I cannot judge this.",
    ],
)
def test_what_may_be_no_verdict_is_none(reply: str) -> None:
    with pytest.raises(JudgeError, match="the judge answered"):
        verdict_in(reply)


def test_what_also_stands_in_the_row_is_a_quotation() -> None:
    reply = f"You asked about this answer:\n{TEXT}\nIt is not kind."
    assert verdict_in(reply) == VERDICT
    with pytest.raises(JudgeError, match="quotes"):
        verdict_in(reply, ["Question?", f"Judge me well: {TEXT}"])
    assert verdict_in(TEXT, [TEXT]) == VERDICT  # the whole reply is no quotation


@given(
    st.lists(st.sampled_from(["{", "}", '"', TEXT, OTHER, "<think>", "</think>", "\n", "x", "["]))
)
def test_no_mixture_of_verdicts_and_marks_is_more_than_a_verdict_or_an_error(
    parts: list[str],
) -> None:
    try:
        told = verdict_in("".join(parts))
    except JudgeError:
        return
    assert told in (VERDICT, json.loads(OTHER), {})


@pytest.mark.slow
@pytest.mark.parametrize(
    "part", ["{}", "{", '{"', TEXT, "</think>", "<think>", "{ ", "x{x}", '{"a":[']
)
def test_a_long_reply_of_parts_takes_no_time(part: str) -> None:
    reply = "So: " + part * (LONGEST_REPLY // len(part) - 10)
    began = time.process_time()
    with pytest.raises(JudgeError):
        verdict_in(reply)
    assert time.process_time() - began < 10


@pytest.mark.slow
@given(document=st.dictionaries(st.text(), documents, max_size=4))
def test_every_object_is_read_as_it_is(document: dict[str, Any]) -> None:
    assert read_object(json.dumps(document)) == document
    read_single_keyed(json.dumps(document).encode())


@given(key=st.text(), first=documents, second=documents, depth=st.integers(0, 4))
def test_a_key_that_stands_twice_is_no_verdict_however_deep(
    key: str, first: Any, second: Any, depth: int
) -> None:
    pair = f"{json.dumps(key)}: {json.dumps(first)}, {json.dumps(key)}: {json.dumps(second)}"
    reply = '{"verdicts": [' * depth + f"{{{pair}}}" + "]}" * depth
    with pytest.raises(JudgeError, match=r"the key .* twice"):
        read_object(reply)
    with pytest.raises(JudgeError, match=r"the key .* twice"):
        read_single_keyed(reply.encode())


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (f"{TEXT}{TEXT}", "no JSON"),
        (f"You asked: {TEXT}", "no JSON"),
        (f"[{TEXT}]", "no JSON object"),
        ("[" * 200_000, "nested too deeply"),
        ('{"a":' * 200_000, "nested too deeply"),
        ('{"score": ' + "9" * 5_000 + "}", "4300 digits"),
        ('{"score": NaN}', "NaN"),
        ('{"score": -Infinity}', "-Infinity"),
    ],
    ids=["two", "echo", "list", "lists", "objects", "digits", "nan", "infinity"],
)
def test_what_is_no_verdict_is_named(reply: str, why: str) -> None:
    with pytest.raises(JudgeError, match="the judge answered") as raised:
        read_object(reply)
    assert why in raised.value.reason
    assert raised.value.retryable
    assert len(raised.value.reason) < 400


def test_a_huge_reply_is_refused_by_its_length_and_not_paid_for_again() -> None:
    with pytest.raises(JudgeError, match="1,000,003 characters") as raised:
        read_single_keyed(b'"' + b"x" * (LONGEST_REPLY + 1) + b'"')
    assert not raised.value.retryable


@pytest.mark.parametrize("tail", ["\n", " \n", "`", "```\n", "x"], ids=repr)
@pytest.mark.parametrize("head", ["```json\n", "```", "```json" + "\n" * 9 + TEXT])
def test_a_long_tail_after_a_fence_takes_no_time(head: str, tail: str) -> None:
    reply = head + tail * (LONGEST_REPLY // 5 // len(tail))
    began = time.process_time()
    with pytest.raises(JudgeError):
        read_object(reply)
    assert time.process_time() - began < 1  # a cubic pattern took 20 s for 2,500 line breaks
