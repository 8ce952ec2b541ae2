"""`kind: pairwise` in the file, and how its judge is asked about two answers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from running_aws import ConfigWriter
from stub_wire import StubWire

from processing.base.errors import ConfigError
from processing.config.file import load_config
from processing.config.scorers import entry_of, parse_scorer
from processing.judges.verdict import JudgeError, Question
from processing.scorers.build import BuiltScorer

ENTRY = {"preferred": {"kind": "pairwise", "guidelines": "The better answer is right."}}


def asked(first: str, second: str, expected: str = "", question: str = "Why?") -> Question:
    return Question(question, first, expected, other_answer=second)


def says(wire: StubWire, result: Any) -> None:
    wire.say = lambda *_: json.dumps({"rationale": "so it is", "result": result})


def test_it_is_asked_by_no_evaluation_and_is_no_metric(write_config: ConfigWriter) -> None:
    config = load_config(
        write_config(scorers=["Safety", ENTRY], thresholds={"Safety": {"min": 0.5}})
    )
    assert [scorer.name for scorer in config.scorers] == ["Safety"]
    assert [scorer.name for scorer in config.judged_scorers()] == ["Safety"]
    assert [scorer.name for scorer in config.pairwise_scorers] == ["preferred"]
    assert "preferred" not in config.metrics


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"thresholds": {"Safety": {"min": 0.5}, "preferred": {"min": 0.5}}}, "thresholds"),
        (
            {"slices": {"kind": {"thresholds": {"preferred": {"min": 0.5}}}}},
            "slices.kind.thresholds",
        ),
        ({"champion": {"metrics": {"preferred": {"margin": 0.1}}}}, "champion.metrics"),
    ],
)
def test_nothing_can_be_bounded_by_it(
    write_config: ConfigWriter, changes: dict[str, Any], place: str
) -> None:
    given_thresholds = {"thresholds": {"Safety": {"min": 0.5}}}
    path = write_config(**({"scorers": ["Safety", ENTRY]} | given_thresholds | changes))
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    [line] = str(caught.value).splitlines()
    number = next(
        n for n, text in enumerate(path.read_text().splitlines(), 1)
        if text.strip().startswith("preferred:") and n > _line_of(path.read_text(), place)
    )  # fmt: skip
    assert line.startswith(f"{path}:{number}: {place}.preferred: preferred is pairwise: ")


def _line_of(text: str, place: str) -> int:
    section = place.partition(".")[0]
    return next(n for n, line in enumerate(text.splitlines(), 1) if line.startswith(f"{section}:"))


@pytest.mark.parametrize(
    ("scorers", "said"),
    [
        ([ENTRY], "scorers: all of them compare two runs"),
        (["Safety", {"x": {"kind": "pairwise", "guidelines": []}}], "x: guidelines: list should"),
        (["Safety", {"x": {"kind": "pairwise", "guidelines": " "}}], "x: guidelines.0: has no"),
        (["Safety", {"x": {"kind": "pairwise", "levels": {}}}],
         "x: unknown option 'levels'; the options are: guidelines, with_expected_response"),
        (["Safety", {"x": {"kind": "pairwise", "higher_is_better": False}}],
         "x: higher_is_better has no meaning"),
        (["Safety", ENTRY, ENTRY], "preferred is listed more than once"),
        (["Safety", "pairwise"], "no scorer is called 'pairwise'"),
    ],
)  # fmt: skip
def test_mistakes_in_an_entry_are_named(
    write_config: ConfigWriter, scorers: list[Any], said: str
) -> None:
    path = write_config(scorers=scorers, thresholds={"latency_p95_ms": {"max": 2000}})
    with pytest.raises(ConfigError, match=re.escape(said)):
        load_config(path)


def test_it_needs_a_judge(write_config: ConfigWriter) -> None:
    path = write_config(
        scorers=["is_brief", ENTRY], judge=None, thresholds={"is_brief": {"min": 0.5}}
    )
    with pytest.raises(ConfigError, match="scorers: preferred need a judge"):
        load_config(path)


def test_an_entry_can_be_written_out_and_read_again() -> None:
    judge = {"model": "openai:/j", "base_url": "http://127.0.0.1:1/v1", "parameters": {"seed": 1}}
    spec = parse_scorer({"p": {"kind": "pairwise", "with_expected_response": True, "judge": judge}})
    assert parse_scorer(json.loads(json.dumps(entry_of(spec, None)))) == spec


@pytest.mark.parametrize(("result", "number"), [("first", 1.0), ("tie", 0.5), ("Second.", 0.0)])
def test_a_verdict_counts_for_the_answer_that_stands_first(
    wire: StubWire, build: Callable[..., BuiltScorer], result: str, number: float
) -> None:
    says(wire, result)
    feedback = build(ENTRY).score(asked("one", "two"))
    assert (feedback.value, feedback.rationale) == (number, "so it is")


@pytest.mark.parametrize("result", ["both", "", None, 1, "A"])
def test_any_other_word_is_no_verdict(
    wire: StubWire, build: Callable[..., BuiltScorer], result: Any
) -> None:
    says(wire, result)
    with pytest.raises(JudgeError):
        build(ENTRY).score(asked("one", "two"))


@pytest.mark.parametrize(("first", "second"), [("", "two"), ("one", "\u200b"), (" ", " ")])
def test_an_answer_without_text_is_not_compared(
    wire: StubWire, build: Callable[..., BuiltScorer], first: str, second: str
) -> None:
    with pytest.raises(JudgeError, match="has no text"):
        build(ENTRY).score(asked(first, second))
    assert wire.prompts == []


def test_the_judge_sees_the_expected_answer_only_if_it_is_to(
    wire: StubWire, build: Callable[..., BuiltScorer]
) -> None:
    says(wire, "tie")
    build(ENTRY).score(asked("one", "two", "EXPECTED"))
    told = {"preferred": {"kind": "pairwise", "with_expected_response": True}}
    build(told).score(asked("one", "two", "EXPECTED"))
    assert ["EXPECTED" in prompt for prompt in wire.prompts] == [False, True]


def test_another_guideline_or_judge_is_another_definition(
    build: Callable[..., BuiltScorer],
) -> None:
    entries = [
        {"p": {"kind": "pairwise"}},
        {"p": {"kind": "pairwise", "guidelines": ["Shorter is better."]}},
        {"p": {"kind": "pairwise", "with_expected_response": True}},
        {"p": {"kind": "pairwise", "judge": {"model": "bedrock:/another"}}},
    ]
    assert len({build(entry).definition for entry in entries}) == 4


NAMES = ["first", "second", "expected", "guidelines", "question"]
placeholder = st.builds("{{{{{}}}}}".format, st.sampled_from([*NAMES, *(f" {n} " for n in NAMES)]))
text = st.lists(st.one_of(placeholder, st.text(alphabet="ab {}$<>/", max_size=5)), max_size=6)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(texts=st.tuples(text, text, text, text))
def test_no_answer_speaks_to_the_template(
    wire: StubWire, build: Callable[..., BuiltScorer], texts: tuple[list[str], ...]
) -> None:
    wire.prompts.clear()
    says(wire, "tie")
    marked = [f"T{i}<<{''.join(each)}>>T{i}" for i, each in enumerate(texts)]
    entry = {"preferred": {"kind": "pairwise", "with_expected_response": True}}
    build(entry).score(asked(marked[0], marked[1], marked[2], marked[3]))
    [prompt] = wire.prompts
    assert [prompt.count(each) for each in marked] == [1, 1, 1, 1]
    assert [prompt.count(f"T{i}<<") for i in range(4)] == [1, 1, 1, 1]
