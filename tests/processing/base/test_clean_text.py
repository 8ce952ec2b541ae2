"""Foreign text: what is stored is what came, as far as UTF-8 can hold it."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing.base.clean_text import comparable, storable

ANY_TEXT = st.text(st.characters() | st.sampled_from("\ud83d\ude00\ud800\udfff\ufeffe\u0301"))
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | ANY_TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(ANY_TEXT, inner),
)


@pytest.mark.slow
@given(DOCUMENTS)
def test_any_document_can_be_written_and_nothing_else_of_it_changes(document: object) -> None:
    clean = storable(document)
    written = json.dumps(clean, ensure_ascii=False).encode()
    assert storable(clean) == clean
    try:
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        assert "\ufffd" in written.decode() or "😀" in written.decode()
    else:
        assert clean == document


def test_half_an_emoji_is_replaced_and_two_halves_are_one() -> None:
    assert storable("cut \ud83d") == "cut \ufffd"
    assert storable("whole \ud83d\ude00, cafe\u0301") == "whole 😀, cafe\u0301"
    assert storable({"a\udfff": ["b", 1.5, None]}) == {"a\ufffd": ["b", 1.5, None]}


@given(ANY_TEXT)
def test_scorers_see_one_normal_form_without_byte_order_marks(text: str) -> None:
    seen = comparable(text)
    assert seen == comparable(unicodedata.normalize("NFD", storable(text)))
    assert "\ufeff" not in seen
    assert comparable(seen) == seen
