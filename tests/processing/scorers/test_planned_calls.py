"""`plan` counts a scorer's calls before anybody is asked: each figure is what its metric asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from every_judge import ENTRIES, ROW, fitting, name_of
from stub_wire import StubWire

from pipeline.checks.plan.judge_calls import calls_a_row
from processing.config.scorers import parse_scorer
from processing.scorers.build import BuiltScorer

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore:.*same direction:DeprecationWarning"),
]


STEPS = {
    "GEval": {
        "kind": "DeepEval",
        "evaluation_steps": ["Is it kind?"],
        "evaluation_params": ["input", "actual_output"],
    }
}
UNEXPLAINED = {"Bias": {"kind": "DeepEval", "include_reason": False}}
BY_PASSAGES = [
    e for e in ENTRIES if calls_a_row(parse_scorer(e), 1) != calls_a_row(parse_scorer(e), 3)
]


@pytest.mark.parametrize(
    ("entry", "passages"),
    [*((entry, 1) for entry in [*ENTRIES, STEPS, UNEXPLAINED]), *((e, 3) for e in BY_PASSAGES)],
    ids=lambda given: given if isinstance(given, int) else name_of(given),
)
def test_the_planned_calls_are_those_that_are_made(
    wire: StubWire, build: Callable[..., BuiltScorer], entry: Any, passages: int
) -> None:
    wire.say = fitting
    built = build(entry)
    context = tuple(f"{(ROW.context or ('',))[0]} {n}" for n in range(passages))
    built.score(replace(ROW, context=context))
    planned, source = calls_a_row(built.spec, passages)
    assert "guess" not in source
    assert len(wire.prompts) == planned
