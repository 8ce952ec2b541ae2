"""What users' functions return is read for what it is; what is no verdict is that row's error."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from processing.base.errors import ConfigError
from processing.config.scorers import parse_scorer
from processing.judges.verdict import JudgeError, Question
from processing.scorers.build import LONGEST_RATIONALE, BuiltScorer, build_scorers
from processing.scorers.kept_verdict import numbered

HEAD = """
import asyncio, decimal, enum, fractions, math, threading
import numpy as np
import pandas as pd
from mlflow.entities import AssessmentSource, Expectation, Feedback
from mlflow.genai.scorers import scorer

class Word(enum.Enum):
    GOOD = "yes"
    NUMBER = 0.5

class Bad(enum.IntEnum):
    ONE = 1

class Hostile:
    def __getattr__(self, name):
        raise RuntimeError("mine " + name)
    def __repr__(self):
        raise RuntimeError("unspeakable")
    __str__ = __repr__

"""
ROW = Question("Q", "A", "E", ("passage",))
Build = Callable[..., BuiltScorer]


@pytest.fixture
def build(tmp_path: Path) -> Build:
    def make(source: str, **options: Any) -> BuiltScorer:
        (tmp_path / "mine.py").write_text(HEAD + source)
        return build_scorers(
            [parse_scorer({"mine": {"file": "mine.py", **options}})], None, tmp_path
        )[0]

    return make


def returning(expression: str) -> str:
    return f"@scorer\ndef mine(outputs):\n    return {expression}\n"


VERDICTS: dict[str, object] = {
    "np.bool_(True)": True,
    "np.float32(0.5)": 0.5,
    "np.float64(0.5)": 0.5,
    "np.longdouble(0.5)": 0.5,
    "np.float16(0.5)": 0.5,
    "np.int64(1)": 1,
    "np.uint8(1)": 1,
    "np.str_('yes')": "yes",
    "np.array(0.5)": 0.5,
    "np.array([0.5])": 0.5,
    "np.array([[True]])": True,
    "np.mean(np.array([1, 0], dtype='float32'))": 0.5,
    "pd.Series([0.5])": 0.5,
    "decimal.Decimal('0.75')": 0.75,
    "fractions.Fraction(3, 4)": 0.75,
    "Word.GOOD": "yes",
    "Word.NUMBER": 0.5,
    "Bad.ONE": 1,
    "' 0.85 '": 0.85,
    "'1e-3'": 0.001,
    "'True'": True,
    "'false'": False,
    "'yes'": "yes",
    "[0.5]": 0.5,
    "(True,)": True,
    "[Feedback(value=1.0)]": 1.0,
    "[Feedback(name='other', value=np.float32(0.5))]": 0.5,
    "Feedback(value=decimal.Decimal('0.5'))": 0.5,
    "Feedback(value=[0.5])": 0.5,
}


@pytest.mark.parametrize(("expression", "value"), VERDICTS.items())
def test_a_value_is_read_where_it_is_plain_what_is_meant(
    build: Build, expression: str, value: object
) -> None:
    built = build(returning(expression))
    feedback = numbered(built, built.score(ROW))
    assert feedback.name == "mine"
    assert feedback.value == value
    assert type(feedback.value) is type(value)
    feedback.to_dictionary()  # MLflow can hold it


REFUSED: dict[str, str] = {
    "np.ma.masked": "a MaskedConstant, which is no number",
    "np.ma.array([1.0], mask=[True])": "a MaskedArray, which is no number",
    'np.datetime64("2020-01-01", "ns")': "a datetime64, which is no number",
    'np.timedelta64(5, "ns")': "a timedelta64, which is no number",
    "None": "returned None",
    "{'score': 1}": "returned a dict",
    "np.array([1, 0])": "ValueError",
    "np.array([])": "ValueError",
    "pd.NA": "returned a NAType",
    "pd.Series([1, 2])": "ValueError",
    "decimal.Decimal('NaN')": "any number up to 1e+50",
    "decimal.Decimal('sNaN')": "ValueError",
    "fractions.Fraction(10**400)": "OverflowError",
    "10**400": "any number up to 1e+50",
    "math.nan": "any number up to 1e+50",
    "np.float32('inf')": "any number up to 1e+50",
    "1j": "returned a complex",
    "b'yes'": "returned a bytes",
    "[]": "returned a list of 0",
    "[Feedback(name='a', value=1), Feedback(name='b', value=0)]": "returned a list of 2 (a, b)",
    "(0.5, 'why')": "returned a tuple of 2",
    "[[[[[[1]]]]]]": "lists in lists",
    "Feedback(value=None)": "returned None",
    "Feedback(value={'a': 1})": "returned a dict",
    "Feedback(value=[1, 0])": "returned a list of 2",
    "Feedback(error=ValueError('no such word'))": "no such word",
    "Feedback(error='no such word')": "no such word",
    "Expectation(name='x', value=1)": "returned a Expectation",
    "(x for x in [1])": "generator",
    "Hostile()": "Hostile",
    "Feedback(value=Hostile())": "Hostile",
    "object": "returned a type",
    "'nan'": "any number up to 1e+50",
    "'1' * 99": "any number up to 1e+50",
}


@pytest.mark.parametrize(("expression", "why"), REFUSED.items())
def test_what_is_no_verdict_is_that_row_s_error(build: Build, expression: str, why: str) -> None:
    built = build(returning(expression))
    with pytest.raises(JudgeError) as raised:
        numbered(built, built.score(ROW))
    assert why in raised.value.reason
    assert len(raised.value.reason) < 600


def test_a_yielding_function_says_so(build: Build) -> None:
    with pytest.raises(JudgeError, match="generator"):
        build("@scorer\ndef mine(outputs):\n    yield 1.0\n").score(ROW)
    with pytest.raises(JudgeError, match="generator"):
        build("@scorer\nasync def mine(outputs):\n    yield 1.0\n").score(ROW)


def test_an_async_function_is_awaited(build: Build) -> None:
    source = (
        "@scorer\nasync def mine(outputs):\n    await asyncio.sleep(0)\n    return np.float32(1)\n"
    )
    built = build(source)
    assert built.score(ROW).value == 1.0

    async def within_a_loop() -> object:  # as in a notebook
        return await asyncio.to_thread(lambda: built.score(ROW).value)

    assert asyncio.run(within_a_loop()) == 1.0


def test_words_of_the_levels_come_before_numbers(build: Build) -> None:
    built = build(returning("'5'"), levels={"5": 0, "1": 1})
    assert numbered(built, built.score(ROW)).value == 0.0


@pytest.mark.parametrize(
    ("rationale", "shown"),
    [
        ("{'a': 1, 2: 'b'}", '{"a": 1, "2": "b"}'),
        ("['a', 'b']", '["a", "b"]'),
        ("{(1, 2): 3}", "{(1, 2): 3}"),
        ("7", "7"),
        ("None", None),
        ("decimal.Decimal('0.5')", '"0.5"'),
        ("Hostile()", "a Hostile that cannot be shown"),
        ("'cut \\ud83d'", "cut \ufffd"),
    ],
)
def test_a_rationale_is_a_text_whatever_it_was(
    build: Build, rationale: str, shown: str | None
) -> None:
    built = build(returning(f"Feedback(value=True, rationale={rationale})"))
    feedback = numbered(built, built.score(ROW))
    assert (feedback.value, feedback.rationale) == (True, shown)
    feedback.to_proto()


def test_a_rationale_without_end_is_cut(build: Build) -> None:
    built = build(returning("Feedback(value=True, rationale='x' * 5_000_000)"))
    rationale = built.score(ROW).rationale or ""
    assert len(rationale) < LONGEST_RATIONALE + 100
    assert rationale.endswith("more characters]")
    raising = build("@scorer\ndef mine(outputs):\n    raise ValueError('x' * 5_000_000)\n")
    with pytest.raises(JudgeError) as raised:
        raising.score(ROW)
    assert len(raised.value.reason) < 5_000


def test_metadata_and_source_are_texts(build: Build) -> None:
    built = build(
        returning(
            "Feedback(value=1, metadata={1: 2, 'k': [1], 'cut \\ud83d': None}, "
            "source=AssessmentSource('LLM_JUDGE', 7))"
        )
    )
    feedback = built.score(ROW)
    assert feedback.metadata == {"1": "2", "k": "[1]", "cut \ufffd": ""}
    feedback.to_proto()


def test_a_function_that_changes_what_it_is_given_changes_it_for_no_other(build: Build) -> None:
    built = build(
        "@scorer\ndef mine(inputs, outputs, expectations):\n"
        "    whole = inputs == {'question': 'Q', 'context': ['passage']} and "
        "expectations == {'expected_response': 'E'}\n"
        "    inputs['context'].clear(); inputs.clear(); expectations.clear()\n"
        "    return whole\n"
    )
    assert [built.score(ROW).value for _ in range(2)] == [True, True]


def test_what_it_prints_and_the_threads_it_starts_are_its_own(
    build: Build, capsys: pytest.CaptureFixture[str]
) -> None:
    built = build(
        "@scorer\ndef mine(outputs):\n    print('progress  99 %  mine')\n"
        "    threading.Thread(target=lambda: threading.Event().wait()).start()\n    return 1\n"
    )
    assert built.score(ROW).value == 1
    assert "mine" in capsys.readouterr().out
    left = [t for t in sys.modules["threading"].enumerate() if t.is_alive() and not t.daemon]
    assert [t.name for t in left if "mine" in t.name or "lambda" in t.name] == []


@pytest.mark.parametrize(
    ("parameters", "asked"),
    [("outputs, trace", "trace"), ("outputs, context", "context"), ("session", "session"),
     ("outputs, trace, *, question", "trace, question")],
)  # fmt: skip
def test_a_function_that_asks_for_what_no_row_has_is_refused(
    build: Build, parameters: str, asked: str
) -> None:
    with pytest.raises(ConfigError, match=f"mine asks for {asked}, and is given inputs, outputs"):
        build(f"@scorer\ndef mine({parameters}):\n    return 1\n")


@pytest.mark.parametrize(
    "parameters", ["outputs, trace=None", "**row", "outputs, *, trace=None", "*, outputs", ""]
)
def test_a_default_is_enough(build: Build, parameters: str) -> None:
    assert build(f"@scorer\ndef mine({parameters}):\n    return 1\n").score(ROW).value == 1


def test_a_function_takes_as_long_as_it_says(build: Build) -> None:
    built = build("@scorer(timeout=0.2)\ndef mine(outputs):\n    threading.Event().wait(30)\n")
    with pytest.raises(JudgeError, match=r"timed out after 0.2 seconds"):
        built.score(ROW)
