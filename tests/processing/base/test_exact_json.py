"""Fast JSON that nobody can tell from Python's own."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing.base.exact_json import decode, encode

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(alphabet='ab"\\\x00é'), inner),
)


def as_told_apart(value: Any) -> str:
    return json.dumps(value)


@pytest.mark.slow
@given(VALUES, st.booleans())
def test_what_json_wrote_is_read_as_json_reads_it(value: Any, escaped: bool) -> None:
    text = json.dumps(value, ensure_ascii=escaped).encode()
    assert as_told_apart(decode(text)) == as_told_apart(json.loads(text))


@pytest.mark.slow
@given(VALUES)
def test_what_is_written_is_read_back(value: Any) -> None:
    assert as_told_apart(json.loads(encode(value))) == as_told_apart(value)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_text_is_written_byte_for_byte_as_json_does(text: str) -> None:
    assert encode(text) == json.dumps(text, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    "number",
    ["18446744073709551616", "-9223372036854775809", "123456789012345678901234567890", "-0", "1E5"],
)
def test_a_number_keeps_its_digits_at_any_depth(number: str) -> None:
    for text in (number, f"[{number}]", f'{{"n": {number}}}', f'{{"n": [{{"m": {number}}}]}}'):
        assert as_told_apart(decode(text.encode())) == as_told_apart(json.loads(text))


def test_a_number_beyond_the_largest_float_is_what_json_makes_of_it() -> None:
    assert decode(b'{"n": 1e400}') == {"n": float("inf")}


def test_a_lone_surrogate_can_neither_be_read_nor_written() -> None:
    with pytest.raises(UnicodeEncodeError):
        decode(b'"\\ud800"')
    with pytest.raises(UnicodeEncodeError):
        encode({"text": "\ud800"})
