"""What a model thought is kept apart from its answer, however servers leave both in one text."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing.base.reasoning_text import mentions_reasoning, split_reasoning

THOUGHT = "Hm. {x} It says `4`.\n\nSo 4."
WAYS = {
    "think": "<think>\n{}\n</think>\n\n",
    "no opening tag": "{}\n</think>\n\n",
    "no opening tag, thinking": "{}</thinking>",
    "behind a byte order mark": "\ufeff<think>{}</think>",
    "behind a space of no width": "\u200b<think>{}</think>\n",
    "closed twice": "<think>{}</think></think>\n",
    "scratchpad": "<scratchpad>{}</scratchpad>\n",
    "in capitals": "<THINK>{}</THINK>",
    "thinking": "<thinking>{}</thinking>\n",
    "thought": "\n<thought>{}</thought>\n",
    "reasoning": "<reasoning>{}</reasoning>\n",
    "Seed-OSS": "<seed:think>{}</seed:think>",
    "Magistral": "[THINK]{}[/THINK]",
    "Command A": "<|START_THINKING|>{}<|END_THINKING|>",
    "harmony": "<|channel|>analysis<|message|>{}<|end|>"
    "<|start|>assistant<|channel|>final<|message|>",
    "harmony, nothing after its end": "<|channel|>analysis<|message|>{}<|end|>",
    "harmony, whole": "<|start|>assistant<|channel|>analysis<|message|>{}<|end|>\n"
    "<|start|>assistant<|channel|>final<|message|>",
    "harmony, begun in the prompt": "analysis<|message|>{}<|end|><|channel|>final<|message|>",
    "harmony, held to a schema": "<|channel|>analysis<|message|>{}<|end|><|start|>assistant"
    "<|channel|>final <|constrain|>json<|message|>",
    "harmony without its marks": "analysis{}assistantfinal",
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_the_thought_is_no_part_of_the_answer(way: str) -> None:
    for answer in ("It is 4.", "Line one.\n\n<b>Line two</b>", '{"result": "yes"}', ""):
        assert split_reasoning(way.format(THOUGHT) + answer) == (THOUGHT, answer)


@given(
    thoughts=st.lists(st.sampled_from(list(WAYS.values())[5:9]), min_size=1),
    answer=st.text("ab .\n"),
)
def test_several_thoughts_are_all_told_apart(thoughts: list[str], answer: str) -> None:
    text = "".join(way.format(THOUGHT) for way in thoughts) + answer
    assert split_reasoning(text) == ("\n\n".join([THOUGHT] * len(thoughts)), answer.strip())


def test_a_thought_that_is_not_closed_has_no_answer() -> None:
    for text in ("<think>\nIt is 4.", "<|channel|>analysis<|message|>It is 4.", "<think>It is 4."):
        assert split_reasoning(text) == ("It is 4.", "")


def test_an_empty_thought_leaves_the_answer() -> None:
    assert split_reasoning("<think>\n\n</think>\n\nIt is 4.") == ("", "It is 4.")


def test_a_thought_may_hold_a_thought_or_name_the_tag() -> None:
    assert split_reasoning("<think>a<think>b</think>c</think>It is 4.") == (
        "a<think>b</think>c",
        "It is 4.",
    )
    assert split_reasoning("<think>A <think> tag?</think>It is 4.") == (
        "A <think> tag?",
        "It is 4.",
    )


def test_a_thought_between_two_parts_of_an_answer_is_told_apart() -> None:
    assert split_reasoning("One.\n<think>hm</think>\nTwo.") == ("hm", "One.\n\nTwo.")
    assert split_reasoning("One. <think>hm</think> Two.", anywhere=True) == ("hm", "One.  Two.")


@pytest.mark.parametrize(
    "answer",
    [
        "It is 4.",
        "  4\n",
        "Models write <think> and </think> around what they think.",
        'The tag "</think>" ends it, `</think>` too.',
        "Do so:\n```xml\n<think>\nhm\n</think>\n```\nThat is all.",
        "analysis of variance has no assistant",
        "<b>bold</b> [think] about it",
    ],
)
def test_an_answer_that_speaks_about_thoughts_stays_whole(answer: str) -> None:
    assert split_reasoning(answer) == ("", answer)


def test_the_answer_is_taken_out_of_its_own_tags() -> None:
    assert split_reasoning("<think>hm</think>\n<answer>It is 4.</answer>") == ("hm", "It is 4.")
    assert split_reasoning("<answer>It is 4.</answer>") == ("", "<answer>It is 4.</answer>")


def test_marks_are_found_wherever_they_stand() -> None:
    assert mentions_reasoning('he wrote "</think>"')
    assert mentions_reasoning("<|channel|>")
    assert not mentions_reasoning("```json\n{}\n```")


MARKS = [
    "<think>",
    "</think>",
    "a",
    "`",
    "```",
    "<|channel|>",
    "<|message|>",
    "final",
    "analysis",
    "<|end|>",
]


@given(st.lists(st.sampled_from([*MARKS, "\n", " "])).map("".join), st.booleans())
def test_any_text_is_split_and_nothing_is_made_up(text: str, anywhere: bool) -> None:
    reasoning, answer = split_reasoning(text, anywhere=anywhere)
    assert len(reasoning) + len(answer) <= len(text) + 2 * text.count("<")


@pytest.mark.slow
@pytest.mark.parametrize(
    "mark",
    [
        "<think>",
        "</think>",
        "<think></think>",
        " <think>",
        "<|end|>",
        "<|channel|>",
        "`",
        "a</think>",
        "<think><think></think>",
    ],
)
def test_a_long_text_of_marks_takes_no_time(mark: str) -> None:
    began = time.process_time()
    split_reasoning(mark * (1_000_000 // len(mark)))
    split_reasoning("<|start|>" + mark * (1_000_000 // len(mark)))
    assert time.process_time() - began < 10
