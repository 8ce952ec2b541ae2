"""Whatever a foreign text holds, it is shown on one line and commands nobody."""

from __future__ import annotations

import json
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing.base.visible_text import visible, visible_document, visible_lines

COMMANDS = {"Cc", "Cf", "Cs", "Zl", "Zp"}
ANY_TEXT = st.text(st.characters() | st.sampled_from("\n\r\x1b\x9b\u202e\u2066\u2028\u200b\ud800"))


def commands(text: str) -> set[str]:
    return {sign for sign in text if unicodedata.category(sign) in COMMANDS}


@given(ANY_TEXT)
def test_any_text_is_one_line_without_commands(text: str) -> None:
    shown = visible(text)
    assert not commands(shown)
    assert len(shown.splitlines()) <= 1
    assert shown.encode() or not text
    assert visible(shown) == shown


@pytest.mark.slow
def test_no_sign_of_unicode_commands() -> None:
    assert not commands(visible("".join(map(chr, range(sys.maxunicode + 1)))))


@given(ANY_TEXT, ANY_TEXT)
def test_a_line_of_several_stays_within_its_indentation(one: str, other: str) -> None:
    first, *more = visible_lines(f"{one}\n{other}", indent="  ").split("\n")
    assert all(line.startswith("  ") for line in more)
    assert not commands(first + "".join(more))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Ärzte, 東京, 👍", "Ärzte, 東京, 👍"),
        ("a\nprogress  99 %", r"a\nprogress  99 %"),
        ("\x1b[2J\x1b]8;;http://x\x07", r"\x1b[2J\x1b]8;;http://x\x07"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("a\u00a0b", "a b"),
    ],
)
def test_how_it_looks(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_all_texts_of_a_document() -> None:
    document = {"a\n": ["\x1b", {"b": "\u2028"}], "n": 1.5, "none": None}
    shown = visible_document(document)
    assert shown == {r"a\n": [r"\x1b", {"b": r"\u2028"}], "n": 1.5, "none": None}
    assert json.dumps(shown)
