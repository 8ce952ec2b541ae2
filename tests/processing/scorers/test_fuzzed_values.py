"""Whatever a user's function returns or raises, by the hundred; by the ten thousand with

pytest tests/processing -k fuzzed --hypothesis-profile ten-thousand --timeout 0
"""

from __future__ import annotations

import asyncio
import decimal
import enum
import fractions
import math
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlflow.entities import AssessmentSource, Feedback

from processing.config.scorer_numbers import number_of
from processing.config.scorer_options import LARGEST
from processing.config.scorers import parse_scorer
from processing.judges.verdict import JudgeError, Question
from processing.scorers.build import BuiltScorer, build_scorers
from processing.scorers.kept_verdict import numbered

SOURCE = """
import sys
from mlflow.genai.scorers import scorer
@scorer(timeout=0)
def mine(outputs):
    return sys.modules["fuzzed_value"].make()
"""
OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "levels": {"levels": {"good": 1, "bad": 0, "0.5": 0.25}},
    "range": {"range": [1, 5]},
}


class Word(enum.Enum):
    GOOD = "good"
    YES = True
    NUMBER = 3


class Hostile:
    """All that it is asked for raises what `except Exception` misses."""

    def __getattr__(self, name: str) -> object:
        raise SystemExit(name)

    def __repr__(self) -> str:
        raise KeyboardInterrupt

    def __float__(self) -> float:
        raise GeneratorExit

    def __iter__(self) -> Iterator[object]:
        raise RecursionError


class Own(BaseException):
    def __str__(self) -> str:
        raise Own


async def awaited(value: object) -> object:
    await asyncio.sleep(0)
    return value


numbers = st.one_of(st.integers(-9, 9), st.floats(), st.booleans(), st.sampled_from([10**400]))
texts = st.one_of(
    st.text(max_size=6),
    st.sampled_from(["yes", "No", "good", "0.5", "true", "nan", "1e999", "\ud83d", "x" * 30_000]),
)
plain = st.one_of(numbers, texts, st.none())
ODD: list[Any] = [
    np.bool_(True), np.int8(1), np.float16(0.5), np.longdouble(1), np.str_("yes"),
    np.datetime64("2026-01-01"), np.array([]), np.array([1, 2]), np.array([[0.5]]),
    np.array(["yes"]), np.array([None]), np.ma.masked, np.complex64(1), np.void(b"x"),
    pd.NA, pd.NaT, pd.Timestamp("2026-01-01"), pd.Series([1.0]), pd.Series([1, 2]),
    pd.DataFrame({"a": [1]}), pd.Timedelta("1s"),
    decimal.Decimal("0.5"), decimal.Decimal("sNaN"), fractions.Fraction(1, 2),
    fractions.Fraction(10**400), *Word, Word, Hostile, Hostile(), object(), b"yes", 1j,
    range(1), {1}, frozenset(), print, ..., NotImplemented, sys, (x for x in "yes"),
]  # fmt: skip
foreign = st.one_of(
    plain,
    numbers.map(lambda n: np.float32(float(n) if abs(n) < 1e30 else 1)),
    st.integers(0, len(ODD) - 1).map(lambda n: ODD[n]),  # by number: hypothesis shows what it draws
)
nested = st.recursive(
    foreign,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.tuples(inner)
        | st.dictionaries(st.one_of(plain, st.just((1, 2))), inner, max_size=2)
    ),
    max_leaves=4,
)
Make = Callable[[], object]


def makes_feedback(value: Any, rationale: Any, metadata: Any, error: Any, source: Any) -> Make:
    """Within the scorer, since MLflow refuses some of it; then without asking MLflow."""

    def make() -> Feedback:
        feedback = Feedback(value=value, error=error)
        feedback.rationale, feedback.metadata, feedback.source = rationale, metadata, source
        return feedback

    return make


errors = st.sampled_from(["why", ValueError("why"), ValueError(), 7])
sources = st.sampled_from(["me", None, 7]).map(lambda x: AssessmentSource("HUMAN", x))
feedbacks = st.builds(
    makes_feedback,
    nested,
    nested,
    nested,
    st.one_of(st.none(), st.none(), st.none(), errors),
    st.one_of(st.none(), st.just("me"), sources),
)
returned = st.one_of(
    nested.map(lambda value: lambda: value),
    feedbacks,
    st.lists(feedbacks, max_size=2).map(lambda makes: lambda: [make() for make in makes]),
)
raised = st.sampled_from(
    [ValueError("x" * 9_000), SystemExit(0), KeyboardInterrupt(), GeneratorExit(), Own(),
     StopIteration(1), asyncio.CancelledError(), MemoryError(), RecursionError(),
     OSError(28, "no space"), UnicodeDecodeError("utf-8", b"\xff", 0, 1, "\ud83d")]
)  # fmt: skip


@st.composite
def functions(draw: st.DrawFn) -> Make:
    if draw(st.integers(0, 5)) == 0:
        error = draw(raised)

        def fails() -> object:
            raise error

        return fails
    make = draw(returned)
    return (lambda: awaited(make())) if draw(st.booleans()) else make


@pytest.fixture(scope="module")
def scorers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[BuiltScorer]]:
    folder = tmp_path_factory.mktemp("scorers")
    (folder / "mine.py").write_text(SOURCE)
    sys.modules["fuzzed_value"] = ModuleType("fuzzed_value")
    entries = [parse_scorer({"mine": {"file": "mine.py", **more}}) for more in OPTIONS.values()]
    yield [build_scorers([entry], None, folder)[0] for entry in entries]
    del sys.modules["fuzzed_value"]


@settings(deadline=None)
@given(make=functions(), which=st.integers(0, len(OPTIONS) - 1))
def test_fuzzed_a_value_is_a_verdict_or_a_reason(
    scorers: list[BuiltScorer], make: Make, which: int
) -> None:
    sys.modules["fuzzed_value"].make = make  # type: ignore[attr-defined]
    built = scorers[which]
    try:
        feedback = numbered(built, built.score(Question("Q", "A", "E")))
    except JudgeError as error:
        reason = error.reason
    else:
        _require_verdict(built, feedback)
        return
    assert 0 < len(reason) < 5_000
    reason.encode()


def _require_verdict(built: BuiltScorer, feedback: Feedback) -> None:
    number = number_of(built.spec, feedback.value)
    assert number is not None
    assert math.isfinite(number)
    assert feedback.name == "mine"
    assert len(feedback.rationale or "") < 25_000
    feedback.to_proto().SerializeToString()  # MLflow can hold it


@settings(deadline=None)
@given(value=st.one_of(st.floats(-LARGEST / 2, LARGEST / 2), st.booleans()))
def test_fuzzed_a_number_stays_that_number_whatever_it_came_as(
    scorers: list[BuiltScorer], value: float
) -> None:
    exact = decimal.Decimal(value), fractions.Fraction(value)
    wrapped = np.float64(value), np.array([value]), [value], Feedback(value=np.asarray(value))
    for form in (*exact, *wrapped, repr(value)):
        sys.modules["fuzzed_value"].make = lambda form=form: form  # type: ignore[attr-defined]
        feedback = numbered(scorers[0], scorers[0].score(Question("Q", "A", "E")))
        assert number_of(scorers[0].spec, feedback.value) == float(value)
