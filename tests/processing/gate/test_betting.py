"""Decided early, by betting: seldom wrong, after few rows, and by the drawn order alone."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from processing.gate.betting import SequentialTest
from processing.gate.worst_case import Scale


def refusal(rows: int = 1_000, bound: float = 0.7, error: float = 0.05) -> SequentialTest:
    return SequentialTest(rows, "min", bound, Scale(), error=error, outcome="refused")


def fed(test: SequentialTest, numbers: list[float]) -> SequentialTest:
    for place, number in enumerate(numbers):
        test.settle(place, number)
    return test


def shuffled(numbers: list[float], seed: int) -> list[float]:
    return [float(x) for x in np.random.default_rng(seed).permutation(numbers)]


def yes(rate: float, rows: int = 1_000) -> list[float]:
    return [1.0] * round(rate * rows) + [0.0] * (rows - round(rate * rows))


@pytest.mark.parametrize(("rate", "after"), [(0.3, 0.03), (0.5, 0.08), (0.6, 0.3), (0.65, 0.6)])
def test_a_bad_model_is_refused_after_few_rows(rate: float, after: float) -> None:
    used = [fed(refusal(), shuffled(yes(rate), seed)).decided_after for seed in range(40)]
    assert all(used)
    assert np.mean([rows for rows in used if rows]) / 1_000 < after


@pytest.mark.integration
@pytest.mark.parametrize("outcome", ["refused", "passed"])
@pytest.mark.parametrize("rule", ["min", "max"])
def test_a_model_at_the_bound_is_refused_or_passed_falsely_as_seldom_as_promised(
    outcome: str, rule: str
) -> None:
    """2,000 orders of 200 rows; passing, one row short of the bound."""
    good = 140 if outcome == "refused" else 139
    numbers = [1.0] * good + [0.0] * (200 - good)
    bound = 0.7
    if rule == "max":
        numbers, bound = [1 - x for x in numbers], 0.3
    wrong = sum(
        fed(
            SequentialTest(200, rule, bound, Scale(), error=0.05, outcome=outcome),  # type: ignore[arg-type]
            shuffled(numbers, seed),
        ).decided
        for seed in range(2_000)
    )
    assert wrong / 2_000 <= 0.05
    assert wrong  # of the promised error something is made use of


def test_of_all_orders_of_a_small_dataset_no_more_than_promised_are_wrong() -> None:
    """Exact: every order of 4 good rows among 7, at the bound, and of an error of 0.2."""
    orders = set(itertools.permutations([1.0] * 4 + [0.0] * 3))
    wrong = sum(fed(refusal(7, bound=4 / 7, error=0.2), list(order)).decided for order in orders)
    assert len(orders) == math.comb(7, 3)
    assert wrong / len(orders) <= 0.2


def test_the_capital_is_a_fair_game_at_the_bound() -> None:
    """Its mean over all orders is that at the start, 1: exactly, as nothing is left out."""
    orders = set(itertools.permutations([1.0] * 3 + [0.5] + [0.0] * 2))
    capital = []
    for order in orders:
        test = refusal(6, bound=3.5 / 6, error=1e-9)
        capital.append(fed(test, list(order)[:4]).capital)
    assert np.mean(capital) == pytest.approx(1.0, abs=1e-12)
    assert np.std(capital) > 0.1


def test_the_capital_is_the_papers_product() -> None:
    """prod(1 - lambda_t (x_t - mu_t)), mu_t = (N m - S_{t-1}) / (N - (t - 1)), as in `confseq`."""
    x, rows, m = np.array(shuffled(yes(0.55, 60), 8)), 100, 0.7
    before = np.concatenate([[0.0], np.cumsum(x)[:-1]])
    t = np.arange(60)
    mu = (rows * m - before) / (rows - t)
    mean = (m + before) / (t + 1)
    second = (m**2 + 0.25 + np.concatenate([[0.0], np.cumsum(x**2)[:-1]])) / (t + 1)
    gap = mu - mean
    bet = np.clip(gap / (second - mean**2 + gap**2), 0, 0.75 / (1 - mu))
    bet[before > t * m] = 0.0
    found = fed(refusal(rows, m, error=1e-9), x.tolist())
    assert found.capital == pytest.approx(np.prod(1 - bet * (x - mu)), rel=1e-9)
    assert found.capital > 2


def test_rows_that_arrive_out_of_turn_wait_for_those_ahead() -> None:
    """The first thirty to arrive are all bad, because the bad ones are short."""
    test = refusal(100)
    for place in range(99, 20, -1):
        test.settle(place, 0.0)
    assert (test.used, test.decided) == (0, False)
    for place in range(20):
        test.settle(place, 1.0)
    assert test.used == 20
    test.settle(20, 1.0)
    assert test.used > 21


def test_in_whatever_order_rows_arrive_the_outcome_is_the_same() -> None:
    numbers = shuffled(yes(0.5, 200), 3)
    in_turn = fed(refusal(200), numbers)
    other = refusal(200)
    for place in np.random.default_rng(4).permutation(200):
        other.settle(int(place), numbers[place])
    assert other.decided
    assert other.decided_after == in_turn.decided_after


def test_an_outage_at_the_start_refuses_nobody() -> None:
    test = refusal(200)
    for place in range(60):
        test.settle(place, None)
    assert not test.decided
    for place in range(60, 200):
        test.settle(place, 1.0)
    assert not test.decided


def test_an_outage_at_the_start_passes_nobody_sooner() -> None:
    test, whole = (
        SequentialTest(200, "min", 0.7, Scale(), error=0.05, outcome="passed") for _ in range(2)
    )
    numbers = shuffled(yes(0.95, 200), 1)
    for place, number in enumerate(numbers):
        test.settle(place, None if place < 5 else number)
        whole.settle(place, number)
    assert whole.decided_after is not None
    assert test.decided_after is None or test.decided_after > whole.decided_after


def test_rows_that_do_not_apply_move_nothing() -> None:
    """Every second row does not apply: the others decide, alone."""
    bad, good = refusal(400), refusal(400)
    for place in range(400):
        applies = place % 2 == 0
        bad.settle(place, 0.3 if applies else None, applies=applies)
        good.settle(place, 0.8 if applies else None, applies=applies)
    assert bad.decided
    assert not good.decided


def test_what_no_rest_can_make_up_for_is_decided_whatever_the_error() -> None:
    refused = fed(refusal(10, error=1e-300), [0.0, 0.0, 0.0, 0.0])
    assert refused.decided_after == 4
    assert not fed(refusal(10, error=1e-300), [0.0, 0.0, 0.0]).decided
    passed = SequentialTest(10, "min", 0.7, Scale(), error=1e-300, outcome="passed")
    assert not fed(passed, [1.0] * 7).decided  # 0.7 itself: a hair is missing, and is let be
    passed.settle(7, 0.5)
    assert passed.decided


def test_a_scale_of_its_own_and_less_is_better() -> None:
    """Ratings of 1 to 5 that have to stay within 2."""
    test = SequentialTest(500, "max", 2.0, Scale(1, 5), error=0.05, outcome="refused")
    fed(test, shuffled([4.0] * 250 + [3.0] * 250, 1))
    assert test.decided
    assert test.used < 60
    assert test.mean is not None
    assert 3 <= test.mean <= 4
