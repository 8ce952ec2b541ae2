"""Scorers that ask no judge: the word limit, overlaps, terminology, and the user's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from marker_judge import question

from processing.base.errors import ConfigError
from processing.config.scorer_numbers import NOT_APPLICABLE, is_not_applicable, number_of
from processing.config.scorers import parse_scorer
from processing.judges.verdict import JudgeError
from processing.scorers.build import BuiltScorer, build_scorers

TERMS = {"domain_terminology": {"terms": ["nose", "Soft Part", "blood pressure", "ibuprofen"]}}


@pytest.mark.parametrize(
    ("answer", "share", "told"),
    [
        ("Pinch the SOFT   part of the nose.", 1.0, "2 of the 2 terms"),
        ("Pinch your nose.", 0.5, "missing: Soft Part"),
        ("Soft, part one: noses.", 0.5, "missing: nose"),
        ("Softpart of a no-se.", 0.0, "missing: nose, Soft Part"),
        ("", 0.0, "0 of the 2 terms"),
    ],
)
def test_terminology_is_the_share_of_the_expected_answer_s_terms(
    build: Callable[..., BuiltScorer], answer: str, share: float, told: str
) -> None:
    verdict = build(TERMS).score(question(answer))
    assert verdict.value == share
    assert told in verdict.rationale


def test_terms_that_the_expected_answer_does_not_use_do_not_count(
    build: Callable[..., BuiltScorer],
) -> None:
    nothing = {"expected_response": "Rest and drink water."}
    verdict = build(TERMS).score(question("Take ibuprofen.", **nothing))
    assert verdict.value == NOT_APPLICABLE
    assert "uses none of the terms" in verdict.rationale
    strict = {"domain_terminology": TERMS["domain_terminology"] | {"without_terms": 0.0}}
    assert build(strict).score(question("Take ibuprofen.", **nothing)).value == 0.0


def test_only_terminology_can_say_that_it_does_not_apply() -> None:
    assert is_not_applicable(parse_scorer(TERMS), NOT_APPLICABLE)
    levels = {"file": "scorers.py", "levels": {"good": 1, "bad": 0}}
    for entry in ("Safety", "rougeL_fmeasure", {"mine": {"file": "scorers.py"}}, {"mine": levels}):
        assert not is_not_applicable(parse_scorer(entry), NOT_APPLICABLE)
        assert number_of(parse_scorer(entry), NOT_APPLICABLE) is None


def test_brevity_counts_words(build: Callable[..., BuiltScorer]) -> None:
    built = build({"is_brief": {"max_words": 3}})
    assert built.score(question("one two three")).value is True
    assert built.score(question("one two three four")).value is False
    assert built.judge is None


@pytest.mark.parametrize(
    "entry", ["rougeL_fmeasure", "ChrfScore", "BleuScore", {"RougeScore": {"kind": "RAGAS"}}]
)
def test_overlap_is_one_for_the_same_text_and_nothing_for_another(
    build: Callable[..., BuiltScorer], entry: Any
) -> None:
    built = build(entry)
    same = built.score(question("Lean forward and pinch the soft part of the nose."))
    assert same.value == pytest.approx(1.0)
    assert built.score(question("Zzz qqq.")).value == pytest.approx(0.0, abs=0.02)


def test_rouge_compares_stems(build: Callable[..., BuiltScorer]) -> None:
    given = question("leaning noses", expected_response="lean nose")
    assert build("rougeL_fmeasure").score(given).value == 1.0


SCORERS_PY = """
from dataclasses import dataclass

from mlflow.entities import Feedback
from mlflow.genai import scorer


@dataclass
class Found:
    word: str


@scorer
def cites_a_law(outputs):
    return "§" in outputs


@scorer
def depth(inputs, outputs, expectations):
    found = Found(inputs["question"])
    return Feedback(
        value="deep" if expectations["expected_response"] in outputs else "shallow",
        rationale=found.word,
    )


@scorer
def breaks(outputs):
    raise KeyError("paragraph")


@scorer
def several(outputs):
    return [Feedback(name="a", value=1), Feedback(name="b", value=0)]


@scorer
def composed(outputs, expectations):
    reason = "half \\ud83d"
    return Feedback(value=outputs == expectations["expected_response"], rationale=reason)


@scorer
def broken_emoji(outputs):
    raise ValueError("half \\ud83d")


def plain(outputs):
    return 1
"""


@pytest.fixture
def users_file(tmp_path: Path) -> Path:
    path = tmp_path / "scorers.py"
    path.write_text(SCORERS_PY)
    return path


def test_user_s_function_is_found_by_name(
    build: Callable[..., BuiltScorer], users_file: Path
) -> None:
    built = build({"cites_a_law": {"file": users_file.name}})
    assert built.score(question("By § 823 BGB.")).value is True
    assert built.score(question("By law.")).value is False


def test_user_s_function_sees_the_row_and_gives_its_reason(
    build: Callable[..., BuiltScorer], users_file: Path
) -> None:
    built = build({"depth": {"file": users_file.name, "levels": {"deep": 1, "shallow": 0}}})
    verdict = built.score(question("pinch it", expected_response="pinch"))
    assert (verdict.value, verdict.rationale) == ("deep", "How do I stop a nosebleed?")


def test_scorers_see_one_normal_form_and_say_what_can_be_stored(
    build: Callable[..., BuiltScorer], users_file: Path
) -> None:
    built = build({"composed": {"file": users_file.name}})
    verdict = built.score(question("\ufeffcafe\u0301", expected_response="café"))
    assert (verdict.value, verdict.rationale) == (True, "half \ufffd")
    with pytest.raises(JudgeError, match="half \ufffd"):
        build({"broken_emoji": {"file": users_file.name}}).score(question("x"))


@pytest.mark.parametrize(
    ("name", "said"), [("breaks", "KeyError: 'paragraph'"), ("several", "returned a list")]
)
def test_user_s_function_that_gives_no_verdict_is_an_error_of_the_row(
    build: Callable[..., BuiltScorer], users_file: Path, name: str, said: str
) -> None:
    built = build({name: {"file": users_file.name}})
    with pytest.raises(JudgeError, match=said) as caught:
        built.score(question("x"))
    assert not caught.value.retryable


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nobody", "has no function nobody"),
        ("plain", "needs @mlflow.genai.scorers.scorer on plain"),
    ],
)
def test_user_s_function_that_is_none_is_named(users_file: Path, name: str, said: str) -> None:
    entry = parse_scorer({name: {"file": users_file.name}})
    with pytest.raises(ConfigError, match=said):
        build_scorers([entry], None, users_file.parent)


def test_user_s_file_that_does_not_load_is_named(users_file: Path) -> None:
    users_file.write_text("import nothing_of_that_name")
    entry = parse_scorer({"x": {"file": users_file.name}})
    with pytest.raises(ConfigError, match=r"scorers\.py cannot be loaded: ModuleNotFoundError"):
        build_scorers([entry], None, users_file.parent)


def test_definition_follows_the_user_s_file(
    build: Callable[..., BuiltScorer], users_file: Path
) -> None:
    entry = {"cites_a_law": {"file": users_file.name}}
    before = build(entry).definition
    assert build(entry).definition == before
    users_file.write_text(SCORERS_PY.replace("§", "Art."))
    assert build(entry).definition != before
