"""A verdict outside its scorer's scale is no verdict, whoever gave it and whenever it was kept."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marker_judge import question
from stub_wire import StubWire, says

from processing.calls.paid_store import Shelf
from processing.calls.spend import Spend
from processing.config.scorer_numbers import number_of, number_range, number_rule
from processing.config.scorers import ScorerSpec, parse_scorer
from processing.dataset.judged_answer import JudgedAnswer
from processing.dataset.rows import make_row
from processing.judges.verdict import JudgeError
from processing.scorers.asked_once import PaidVerdicts
from processing.scorers.build import BuiltScorer
from processing.scorers.kept_verdict import numbered

HAIR = 4.440892098500626e-16
LEVELS = {"good": 5, "fair": 3, "bad": 1}
TEMPLATE = {"kind": "template", "template": "Is {{ outputs }} right?"}
RUBRICS = {f"score{score}_description": f"d{score}" for score in (0, 1, 2)}

SCALES: dict[str, tuple[Any, tuple[float, float]]] = {
    "yes or no": ("Safety", (0, 1)),
    "share": ("Bias", (0, 1)),
    "rubric": ({"RubricsScoreWithReference": {"kind": "RAGAS"}}, (1, 5)),
    "own rubric": ({"r": {"kind": "RAGAS", "metric": "DomainSpecificRubrics", "rubrics": RUBRICS}},
                   (0, 2)),
    "levels": ({"t": {**TEMPLATE, "levels": LEVELS}}, (1, 5)),
    "inverted": ({"t": {**TEMPLATE, "levels": {"yes": 0, "no": 1}}}, (0, 1)),
    "range": ({"mine": {"file": "scorers.py", "range": [0, 10]}}, (0, 10)),
    "file levels": ({"mine": {"file": "scorers.py", "levels": LEVELS}}, (1, 5)),
    "unknown": ({"mine": {"file": "scorers.py"}}, (-math.inf, math.inf)),
}  # fmt: skip


def spec(scale: str) -> ScorerSpec:
    return parse_scorer(SCALES[scale][0])


@pytest.mark.parametrize("scale", SCALES)
def test_each_scorer_s_scale_is_known(scale: str) -> None:
    assert number_range(spec(scale)) == SCALES[scale][1]


@pytest.mark.parametrize("scale", SCALES)
@given(
    value=st.one_of(
        st.floats(),
        st.integers(),
        st.booleans(),
        st.none(),
        st.just(10**400),
        st.sampled_from(["yes", "NO", " good ", "bad", "true", "7", "", "n/a", "nan"]),
        st.floats(0, 10).map(lambda number: number + HAIR),
    )
)
def test_whatever_a_scorer_says_counts_a_number_on_its_scale_or_nothing(
    scale: str, value: object
) -> None:
    low, high = SCALES[scale][1]
    number = number_of(spec(scale), value)
    assert number is None or (low <= number <= high and math.isfinite(number))
    if number is not None and "levels" in scale:
        assert number in LEVELS.values()


@pytest.mark.parametrize(
    ("scale", "value", "number"),
    [
        ("share", 1 + HAIR, 1.0),
        ("share", -HAIR, 0.0),
        ("share", 1.001, None),
        ("rubric", 5 + HAIR, 5.0),
        ("rubric", 0, None),
        ("own rubric", 0, 0.0),
        ("own rubric", 3, None),
        ("levels", 9, None),
        ("levels", 2, None),  # between two levels there is none
        ("levels", 3, 3.0),
        ("levels", True, None),
        ("inverted", True, 0.0),
        ("inverted", "yes", 0.0),
        ("range", 10, 10.0),
        ("range", 100, None),
        ("range", True, None),
        ("range", "yes", None),
        ("unknown", True, 1.0),
        ("unknown", 100, 100.0),
        ("unknown", 1e308, None),  # two of them have no mean
        ("unknown", -1e51, None),
    ],
)
def test_what_a_verdict_counts(scale: str, value: object, number: float | None) -> None:
    assert number_of(spec(scale), value) == number


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"file": "s.py", "range": [5, 1]}, "range is [least, greatest], two finite numbers"),
        ({"file": "s.py", "range": [0, float("inf")]}, "two finite numbers"),
        ({"file": "s.py", "range": [0, 1], "levels": {"a": 1}}, "levels are a scale already"),
        ({"kind": "RAGAS", "metric": "DomainSpecificRubrics", "rubrics": {"good": "g", "bad": "b"}},
         "rubrics: 'good' is no score; write score1_description"),
        ({"kind": "RAGAS", "metric": "DomainSpecificRubrics", "rubrics": "be good"},
         "rubrics is a mapping"),
        ({"file": "s.py", "levels": {"\u200b": 1, "bad": 0}}, "levels: a level has no text"),
    ],
)  # fmt: skip
def test_a_scale_that_is_none_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=r"\w") as caught:
        parse_scorer({"mine": options})
    assert said in str(caught.value)


def test_the_report_names_the_scale() -> None:
    assert number_rule(spec("range")) == "the number itself, 0 to 10"
    assert number_rule(spec("own rubric")) == "the number itself, 0 to 2"


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        ("100", "the verdict 100 lies outside its scale: 0 to 10"),
        ("float('nan')", "the verdict nan lies outside its scale: 0 to 10"),
        ("float('-inf')", "lies outside its scale: 0 to 10"),
        ("'good'", "the verdict 'good' lies outside its scale: 0 to 10"),
        ("True", "the verdict True lies outside its scale: 0 to 10"),
    ],
)
def test_a_user_s_scorer_is_held_to_the_range_that_the_file_gives_it(
    build: Callable[..., BuiltScorer], tmp_path: Path, returned: str, said: str
) -> None:
    code = "from mlflow.genai import scorer\n\n@scorer\ndef mine(outputs):\n    return "
    (tmp_path / "scorers.py").write_text(f"{code}{returned}\n")
    built = build(SCALES["range"][0])
    with pytest.raises(JudgeError, match=r"outside its scale") as raised:
        numbered(built, built.score(question("x")))
    assert said in raised.value.reason


ROW = make_row("What is 2 + 2?", "4")


def verdict(built: BuiltScorer, folder: Path) -> dict[str, Any]:
    paid = PaidVerdicts({built.definition: Shelf(folder / "verdicts.jsonl", KEPT)}, Spend({}))
    return paid.record(built, ROW, JudgedAnswer("It is 4."))


KEPT: dict[str, str] = {}


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    KEPT.clear()


def test_a_kept_verdict_counts_what_the_levels_say_today(
    wire: StubWire, build: Callable[..., BuiltScorer], tmp_path: Path
) -> None:
    """The words are a scorer's definition, and their numbers are not: no judge is asked again."""
    wire.say = says(result="yes", rationale="r")

    def counts(levels: dict[str, float]) -> dict[str, Any]:
        return verdict(build({"told": {**TEMPLATE, "levels": levels}}), tmp_path)

    assert counts({"yes": 1, "no": 0})["value"] == "yes"
    for number in (5, 0, 3):
        told = counts({"yes": number, "no": 1})
        assert (told["value"], told["metadata"]["category"]) == (number, "yes")
        assert told["rationale"] == "yes: r"
    assert counts({"yes": 1, "no": 0})["value"] == "yes"
    assert len(wire.prompts) == 1


def test_a_kept_verdict_outside_its_scale_is_asked_for_anew(
    wire: StubWire, build: Callable[..., BuiltScorer], tmp_path: Path
) -> None:
    options = {
        "metric": "GEval",
        "evaluation_steps": ["Look."],
        "evaluation_params": ["actual_output"],
    }
    built = build({"helpful": {"kind": "DeepEval", **options}})
    wire.say = says(score=7, reason="r")
    verdict(built, tmp_path)
    key, line = KEPT.popitem()
    KEPT[key] = line.replace('"value": 0.7', '"value": 10.0')
    assert verdict(built, tmp_path)["value"] == 0.7
    assert len(wire.prompts) == 2
