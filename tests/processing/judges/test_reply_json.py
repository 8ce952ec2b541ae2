"""A verdict is read from the judge's reply alone, and no reply can stop the job."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing.judges.reply_json import LONGEST_REPLY, read_object, require_single_keys
from processing.judges.verdict import JudgeError

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


def test_what_was_thought_before_it_is_no_part_of_it() -> None:
    assert read_object(f'<think>\nIt says {{"result": "no"}}.\n</think>\n\n{TEXT}') == VERDICT
    for odd in (
        f"<think>It says </think> {TEXT}</think>{TEXT}",
        f"<think>{TEXT}",
        f"So: <think>hm</think>{TEXT}",
    ):
        with pytest.raises(JudgeError):
            read_object(odd)


@given(document=st.dictionaries(st.text(), documents, max_size=4))
def test_every_object_is_read_as_it_is(document: dict[str, Any]) -> None:
    assert read_object(json.dumps(document)) == document
    require_single_keys(json.dumps(document).encode())


@given(key=st.text(), first=documents, second=documents, depth=st.integers(0, 4))
def test_a_key_that_stands_twice_is_no_verdict_however_deep(
    key: str, first: Any, second: Any, depth: int
) -> None:
    pair = f"{json.dumps(key)}: {json.dumps(first)}, {json.dumps(key)}: {json.dumps(second)}"
    reply = '{"verdicts": [' * depth + f"{{{pair}}}" + "]}" * depth
    with pytest.raises(JudgeError, match=r"the key .* twice"):
        read_object(reply)
    with pytest.raises(JudgeError, match=r"the key .* twice"):
        require_single_keys(reply.encode())


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
        require_single_keys(b'"' + b"x" * (LONGEST_REPLY + 1) + b'"')
    assert not raised.value.retryable


@pytest.mark.parametrize("tail", ["\n", " \n", "`", "```\n", "x"], ids=repr)
@pytest.mark.parametrize("head", ["```json\n", "```", "```json" + "\n" * 9 + TEXT])
def test_a_long_tail_after_a_fence_takes_no_time(head: str, tail: str) -> None:
    reply = head + tail * (LONGEST_REPLY // 5 // len(tail))
    began = time.process_time()
    with pytest.raises(JudgeError):
        read_object(reply)
    assert time.process_time() - began < 1  # a cubic pattern took 20 s for 2,500 line breaks
