"""What is said while a run goes on: when it is closed for certain, why, and what it waits for."""

from __future__ import annotations

import time

import pytest

from processing.config.gate import Budgets, Champion, ChampionMetric, Slice, Threshold
from processing.config.thresholds import threshold_parameters
from processing.gate.bounded_mean import bounded_interval
from processing.gate.confident import ConfidentRefusal
from processing.gate.paired import paired_mean
from processing.gate.running_verdict import GateRules, RunningVerdict
from processing.gate.settled_answer import SettledAnswer
from processing.gate.swapped_answers import SwappedAnswers
from processing.gate.worst_case import Scale

ROWS = {str(i): {"topic": "heart" if i % 4 else "lung"} for i in range(1_000)}
GOOD = SettledAnswer(answered=True, failed=False, said=True, cut=False, latency_ms=100.0)
NONE = SettledAnswer(answered=False, failed=True, said=False)
SCALES = {"Correctness": Scale(), "Bias": Scale(higher_is_better=False)}


def rules(**changes: object) -> GateRules:
    thresholds = changes.pop("thresholds", {"Correctness": Threshold(min=0.7)})
    made = {"budgets": Budgets(), "scales": SCALES, **changes}
    return GateRules(threshold_parameters(thresholds), **made)  # type: ignore[arg-type]


def test_it_is_closed_as_soon_as_no_rest_can_reach_the_bound_and_says_why() -> None:
    running = RunningVerdict(rules(), ROWS)
    for i in range(300):
        running.scored(str(i), "Correctness", 0.0)
        assert running.reasons == ()
    running.scored("300", "Correctness", 0.0)
    assert running.reasons == (
        "Correctness cannot reach 0.7 any more: 0.699 at best (301 of 1,000 rows judged)",
    )


def test_a_slice_that_is_lost_closes_it_although_the_whole_may_still_hold() -> None:
    sliced = {"topic": Slice(min_rows=5, thresholds={"Bias": Threshold(max=0.1)})}
    running = RunningVerdict(rules(slices=sliced), ROWS)
    for i in range(0, 26 * 4, 4):
        running.scored(str(i), "Bias", 1.0)
    assert running.reasons == (
        "Bias where topic is lung cannot stay within 0.1 any more: 0.104 at the least "
        "(26 of 250 rows judged)",
    )


def test_rows_that_the_endpoint_fails_on_are_over_its_budget() -> None:
    running = RunningVerdict(rules(), ROWS)
    for i in range(20):
        running.answered(str(i), NONE)
    assert running.reasons == ()
    running.answered("20", NONE)
    assert running.reasons == (
        "the endpoint failed on 21 of at most 1000 rows, over max_endpoint_error_share 0.02",
    )


def test_a_judge_that_says_yes_to_everything_closes_it_at_once() -> None:
    running = RunningVerdict(rules(), ROWS)
    running.swapped(SwappedAnswers("Correctness", "bedrock:/m", asked=5, rejected=0), pending=5)
    assert running.reasons == ()
    running.swapped(SwappedAnswers("Correctness", "bedrock:/m", asked=6, rejected=0), pending=4)
    [reason] = running.reasons
    assert "does not tell right from wrong" in reason


def test_what_was_closed_from_the_start_stops_nothing() -> None:
    few = {name: row for name, row in ROWS.items() if int(name) < 10}
    running = RunningVerdict(rules(), few)
    assert "fewer than min_rows 30" in running.closed_from_the_start[0]
    for row_id in few:
        running.scored(row_id, "Correctness", 0.0)
    assert running.reasons == ()


def test_what_is_settled_twice_counts_once() -> None:
    running = RunningVerdict(rules(), ROWS)
    for _ in range(400):
        running.scored("1", "Correctness", 0.0)
    assert running.reasons == ()


@pytest.mark.slow
@pytest.mark.parametrize("on", ["mean", "interval"])
def test_ten_thousand_rows_cost_little(on: str) -> None:
    rows = {str(i): {"topic": str(i % 50)} for i in range(10_000)}
    bound = Threshold.model_validate({"min": 0.5, "on": on})
    sliced = {"topic": Slice(min_rows=5, thresholds={"Correctness": Threshold(min=0.1)})}
    timed = {"Correctness": bound, "latency_p95_ms": Threshold(max=200)}
    running = RunningVerdict(rules(thresholds=timed, slices=sliced), rows)
    started = time.process_time()
    for i in range(10_000):
        running.answered(str(i), GOOD)
        running.scored(str(i), "Correctness", float(i % 3 > 0))
    assert running.reasons == ()
    assert time.process_time() - started < 2.0


def test_refusals_share_the_error_and_say_so() -> None:
    sliced = {"topic": Slice(min_rows=5, thresholds={"Bias": Threshold(max=0.1)})}
    confident = ConfidentRefusal(rules(slices=sliced), ROWS, error=0.06)
    assert confident.tests == 3
    for i, row_id in enumerate(ROWS):
        confident.scored(row_id, "Correctness", float(i % 2))
        if confident.refusals:
            break
    [reason] = confident.refusals
    assert reason.startswith("Correctness does not reach 0.7: ")
    assert reason.endswith("by a sequential test (error 0.02, of 0.06 shared by 3 tests)")


@pytest.mark.parametrize("clustered", [False, True])
def test_an_interval_is_closed_by_the_end_that_the_gate_would_see(clustered: bool) -> None:
    """Graded numbers have an end that is better than Wilson's: both sides of it are tried."""
    rows = {str(i): {} for i in range(60)}
    clusters = {row_id: str(int(row_id) % 20) for row_id in rows} if clustered else None
    numbers = [0.9] * 60
    groups = None if clusters is None else list(clusters.values())
    end, _ = bounded_interval(numbers, 0, 1, 0.95, groups)
    for bound, is_closed in ((end - 1e-6, False), (end + 1e-6, True)):
        by = rules(thresholds={"Correctness": Threshold(min=bound, on="interval")})
        running = RunningVerdict(by, rows, clusters)
        for row_id, number in zip(rows, numbers, strict=True):
            assert running.reasons == ()
            running.scored(row_id, "Correctness", number)
        assert bool(running.reasons) == is_closed


def test_an_interval_is_closed_before_its_mean_is() -> None:
    after = {}
    for on in ("mean", "interval"):
        bound = Threshold.model_validate({"min": 0.7, "on": on})
        running = RunningVerdict(rules(thresholds={"Correctness": bound}), ROWS)
        for done, row_id in enumerate(ROWS, 1):
            running.scored(row_id, "Correctness", 0.0)
            if running.reasons:
                after[on] = done
                break
    assert after["mean"] == 301
    assert 260 < after["interval"] < 285  # 0.7 is Wilson's lower end of 72.8 % of 1,000


def against_champion(scorer: str = "Correctness", **changes: object) -> GateRules:
    """The champion has 1 on the first thirty of forty rows, and no number on the others."""
    return rules(
        thresholds={"Correctness": Threshold(min=0)},
        champion=Champion(min_overlap=0.8, metrics={scorer: ChampionMetric(margin=0.3)}),
        champion_scores={row_id: {scorer: 1.0} for row_id in list(ROWS)[:30]},
        **changes,
    )


def test_rows_without_the_champion_may_yet_turn_out_not_to_count() -> None:
    rows = {row_id: ROWS[row_id] for row_id in list(ROWS)[:40]}
    running = RunningVerdict(against_champion(may_not_apply=["Correctness"]), rows)
    for row_id in list(rows)[30:37]:
        running.scored(row_id, "Correctness", None, applies=False)
    assert running.reasons == ()  # 30 of 33 rows, and of 30 at best
    for row_id in list(rows)[37:]:
        running.scored(row_id, "Correctness", 1.0)
    assert running.reasons == ()
    closed = RunningVerdict(against_champion(), rows)
    assert "on 30 of 40 rows at most, a share below" in closed.closed_from_the_start[0]


def test_a_model_that_loses_to_the_champion_is_closed_early() -> None:
    """Row after row 0 against 1: at the margin of 0.3 ten to thirteen of forty are too many."""
    rows = {row_id: ROWS[row_id] for row_id in list(ROWS)[:40]}
    section = Champion(metrics={"Correctness": ChampionMetric(margin=0.3)})
    theirs = {row_id: {"Correctness": 1.0} for row_id in rows}
    by = rules(
        thresholds={"Correctness": Threshold(min=0)}, champion=section, champion_scores=theirs
    )
    running = RunningVerdict(by, rows)
    asked = iter(rows)
    while not running.reasons:
        running.scored(next(asked), "Correctness", 0.0)
    done = 40 - len(list(asked))
    differences = [-1.0] * done + [0.0] * (40 - done)
    assert done < 13
    one_less = paired_mean([*differences[1:], 0.0], 1.0).low
    found = paired_mean(differences, 1.0).low
    assert found is not None
    assert one_less is not None
    assert found < -0.3 <= one_less
    assert running.reasons[0].startswith(
        "Correctness cannot be shown to be no worse than the champion's any more"
    )


def test_rows_that_a_scorer_failed_on_do_not_dilute_the_endpoints_share() -> None:
    """3 of 40 rows keep a budget of a tenth; of the 29 that can still be scored they do not."""
    budgets = Budgets(min_rows=1, max_endpoint_error_share=0.1, max_judge_error_share=1)
    by = rules(thresholds={"Correctness": Threshold(min=0)}, budgets=budgets)
    running = RunningVerdict(by, {row_id: ROWS[row_id] for row_id in list(ROWS)[:40]})
    for row_id in list(ROWS)[:3]:
        running.answered(row_id, NONE)
    for row_id in list(ROWS)[3:13]:
        running.scored(row_id, "Correctness", None)
    assert running.reasons == ()
    running.scored("13", "Correctness", None)
    assert "3 of at most 29 rows" in running.reasons[0]


def test_a_mean_that_rounding_may_put_at_the_bound_is_not_closed() -> None:
    """MLflow's mean, which the gate compares, may lie a part in a billion beside ours."""
    rows = {row_id: ROWS[row_id] for row_id in list(ROWS)[:40]}
    running = RunningVerdict(rules(), rows)
    for row_id in rows:
        running.scored(row_id, "Correctness", 0.7 * (1 - 9e-10))
    assert running.reasons == ()
