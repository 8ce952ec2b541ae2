"""What is said to be closed stays closed, whatever comes; and it is said as soon as it can be.

Ten thousand of each: `pytest tests/processing/gate/test_running_verdict_property.py
--hypothesis-profile ten-thousand --timeout 0`. `stopping_cases` draws them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stopping_cases import (
    ANSWER,
    NUMBERS,
    SCALES,
    Case,
    completion,
    random_case,
    verdict_on,
)

from processing.gate.confident_pass import ConfidentPass
from processing.gate.swapped_answers import SwappedAnswers
from processing.mlflow_record.scores import Score

pytestmark = pytest.mark.integration

SWEEP = max(300, settings().max_examples)
COMPLETIONS = 3
seen: Counter[str] = Counter()


def closed_after(case: Case) -> int | None:
    """How much of the order was settled when it was said to be closed."""
    running = case.started()
    for done, event in enumerate(case.order, 1):
        case.feed(running, event)
        if running.reasons:
            seen[running.reasons[0].split(" cannot")[-1][:24]] += 1
            return done
    return None


def require_closed_whatever_comes(case: Case, random: Random) -> None:
    from_the_start = bool(case.started().closed_from_the_start)
    done = 0 if from_the_start else closed_after(case)
    seen["from the start"] += from_the_start
    seen["open" if done is None else "closed"] += 1
    if done is None:
        return
    seen["early"] += done < len(case.order)
    assert not verdict_on(case, case.outcome, None).passed, case
    for kind in ("best", *["any"] * COMPLETIONS):
        outcome = completion(case, done, random, kind=kind)
        assert not verdict_on(case, outcome, None).passed, case


def require_settled_runs_are_decided(case: Case) -> None:
    """With everything settled nothing is left open that the gate would close."""
    running = case.running()
    if case.is_exact() and not running.closed_from_the_start:
        seen["settled"] += 1
        assert bool(running.reasons) != verdict_on(case, case.outcome, None).passed, case


def require_open_means_can_be_reached(case: Case, random: Random) -> None:
    """Stopped anywhere: if no reason is given, each plain mean can still keep its bound."""
    done = random.randint(0, len(case.order))
    running = case.running(done)
    if running.reasons or running.closed_from_the_start:
        return
    outcome = completion(case, done, random, kind="best")
    settled = set(case.order[:done])
    for threshold in case.rules.thresholds:
        name = threshold.metric
        if threshold.tier != "hard" or threshold.on != "mean" or name not in SCALES:
            continue
        if SCALES[name].assumed or case.held.get(name):
            continue
        best = max(NUMBERS[name]) if threshold.rule == "min" else min(NUMBERS[name])
        made = {
            row_id: fate
            if (row_id, name) in settled
            or ((row_id, ANSWER) in settled and fate[ANSWER].text is None)
            else fate | {name: Score(best, "", None, None)}
            for row_id, fate in outcome.items()
        }
        seen["reachable"] += done < len(case.order)
        [check] = [c for c in verdict_on(case, made, None).checks if c.threshold == threshold]
        assert check.passed, (check.reason, case)


def require_kept_passes_whatever_comes(case: Case, random: Random) -> None:
    """Tests that may never err decide what is certain alone: then every completion passes."""
    running = case.started()
    passing = ConfidentPass(case.rules, case.columns, error=1e-300)
    for done, event in enumerate(case.order, 1):
        case.feed(running, event)
        case.feed(passing, event)
        if passing.decided and not passing.waits_for(running):
            seen["passed"] += 1
            seen["passed early"] += done < len(case.order)
            for kind in ("best", *["any"] * COMPLETIONS):
                outcome = completion(case, done, random, kind=kind)
                assert verdict_on(case, outcome, None).passed, case
            return


def require_all(random: Random) -> None:
    case = random_case(random)
    require_closed_whatever_comes(case, random)
    require_settled_runs_are_decided(case)
    require_open_means_can_be_reached(case, random)
    require_kept_passes_whatever_comes(case, random)


@given(st.randoms(use_true_random=False))
def test_fuzzed_what_is_closed_stays_closed(random: Random) -> None:
    require_all(random)


def test_swept_what_is_closed_stays_closed() -> None:
    for seed in range(SWEEP):
        require_all(Random(seed))


@given(
    st.integers(0, 8), st.integers(0, 8), st.integers(0, 8), st.integers(0, 8), st.integers(0, 10)
)
def test_fuzzed_swapped_answers_close_it_only_where_no_rest_can_open_it(
    rejected: int, accepted: int, errors: int, pending: int, least: int
) -> None:
    random = Random(rejected)
    case = random_case(random)
    budgets = case.rules.budgets.model_copy(update={"min_swapped_rejected_share": least / 10})
    case = replace(case, rules=replace(case.rules, budgets=budgets))
    asked = rejected + accepted + errors
    running = case.started()
    before = running.reasons
    running.swapped(SwappedAnswers("Correctness", "m", asked, rejected, errors), pending)
    ends = [
        SwappedAnswers("Correctness", "m", asked + pending, rejected + more, errors + lost)
        for more in range(pending + 1)
        for lost in range(pending + 1 - more)
    ]
    if running.closed_from_the_start:
        return
    said = running.reasons != before
    assert said == all(end.reason(budgets) for end in ends)


def test_the_properties_were_tried_on_both_kinds() -> None:
    assert seen["early"] > 100
    assert seen["open"] > 50
    assert seen["settled"] > 100
    assert seen["reachable"] > 50
    assert seen["passed early"] > 10
