"""Two models on the same rows: the interval of their difference, its test, many tests at once."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, permutation_test

from processing.gate.paired import holm, paired_estimate, tango
from processing.gate.sign_flips import sign_flip_estimate, sign_flip_p

NUMBERS = st.integers(-100, 100).map(lambda whole: whole / 100)
P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=30)


@pytest.mark.parametrize(
    ("gained", "lost", "n", "published"),
    [
        # Fagerland, Lydersen and Laake, Statistics in Medicine 33 (2014) 2850-2875, the data of
        # Bentur 2009 (1, 1, 7, 12) and Cavo 2012 (59, 6, 16, 80); R's contingencytables
        (1, 7, 21, (-0.517, -0.026)),
        (6, 16, 161, (-0.1240, -0.0054)),
    ],
)
def test_tango_s_interval_is_the_published_one(
    gained: int, lost: int, n: int, published: tuple[float, float]
) -> None:
    digits = 3 if n == 21 else 4
    assert tuple(round(end, digits) for end in tango(gained, lost, n)) == published


@pytest.mark.parametrize("hair", [0.0, 2.2e-16, 1e-12])
def test_tango_s_interval_ends_with_the_scale(hair: float) -> None:
    assert tango(0, 1 - hair, 1)[0] == pytest.approx(-1)
    assert tango(1 - hair, 0, 1)[1] == pytest.approx(1)


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 400))
def test_tango_s_interval_holds_its_estimate_and_keeps_to_the_scale(
    gained: int, lost: int, same: int
) -> None:
    n = gained + lost + same
    if not n:
        return
    low, high = tango(gained, lost, n)
    assert -1 <= low <= (gained - lost) / n <= high <= 1
    assert low < high
    assert tango(lost, gained, n) == pytest.approx((-high, -low), abs=1e-9)


def test_rows_that_all_agree_still_have_an_interval() -> None:
    assert tango(0, 0, 30) == pytest.approx((-0.1135, 0.1135), abs=1e-4)


@given(st.integers(0, 12), st.integers(0, 12), st.integers(0, 5))
def test_on_yes_no_the_test_is_mcnemar_s_exact_one(gained: int, lost: int, same: int) -> None:
    p = sign_flip_p([1.0] * gained + [0.0] * same + [-1.0] * lost)
    both = gained + lost
    assert p == pytest.approx(binomtest(gained, both).pvalue if both else 1.0)


def test_on_numbers_it_is_scipy_s_permutation_test() -> None:
    differences = [0.1, 0.25, -0.3, 0.42, 0.5, 0.07, -0.01]
    reference = permutation_test(
        (differences,), lambda d: math.fsum(d) / len(d), permutation_type="samples",
        n_resamples=10_000,
    )  # fmt: skip
    assert sign_flip_p(differences) == pytest.approx(reference.pvalue)


@given(st.lists(NUMBERS, min_size=1, max_size=10))
def test_the_other_way_round_it_is_as_sure(differences: list[float]) -> None:
    assert sign_flip_p(differences) == pytest.approx(sign_flip_p([-d for d in differences]))


@given(st.lists(NUMBERS, min_size=1, max_size=11), st.data())
def test_a_row_whose_difference_is_not_known_never_makes_it_surer(
    differences: list[float], data: st.DataObject
) -> None:
    lost = data.draw(st.integers(0, len(differences) - 1))
    low, high = list(differences), list(differences)
    low[lost], high[lost] = -1.0, 1.0
    assert sign_flip_p(low, high) >= sign_flip_p(differences) - 1e-12


def test_with_many_rows_it_is_drawn_and_agrees_with_student_s_t() -> None:
    import numpy as np
    from scipy.stats import ttest_1samp

    for n in (300, 5_000):
        differences = np.random.default_rng(n).normal(0.1 / math.sqrt(n), 1 / math.sqrt(n), n)
        expected = ttest_1samp(differences, 0).pvalue
        assert sign_flip_p(differences.tolist()) == pytest.approx(expected, abs=0.02)


def test_few_rows_that_differ_among_very_many_are_drawn_too() -> None:
    differences = [i / 100 for i in range(1, 21)] + [0.0] * 10_000
    assert sign_flip_p(differences) == pytest.approx(2 / 10_000)  # the least that draws can say


def test_no_spread_gives_no_interval_for_numbers() -> None:
    found = paired_estimate([0.25, 0.25], yes_no=False)
    assert (found.value, found.low, found.high) == (0.25, None, None)
    assert sign_flip_p([0.25, 0.25]) == 0.5


@given(P_VALUES)
def test_holm_never_makes_surer_and_keeps_the_order(values: list[float]) -> None:
    adjusted = holm(values)
    assert all(a >= p for a, p in zip(adjusted, values, strict=True))
    assert all(a <= 1 for a in adjusted)
    assert [a for _, a in sorted(zip(values, adjusted, strict=True))] == sorted(adjusted)


def test_holm_is_the_published_procedure() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@settings(max_examples=80)
@given(st.lists(st.integers(-4, 4).map(lambda i: i / 4), min_size=6, max_size=40), st.data())
def test_the_interval_goes_with_the_test(differences: list[float], data: st.DataObject) -> None:
    """It leaves out 0 where the test rejects, and falls with every difference that falls."""
    found = sign_flip_estimate(differences, 0.95)
    if found.low is None or found.high is None:
        assert len(set(differences)) == 1
        return
    assert found.value is not None
    assert found.low <= found.value <= found.high
    p = sign_flip_p(differences)
    if p < 0.03:  # the two draw different signs, and need not agree to the last digit
        assert found.low > -1e-9 or found.high < 1e-9
    if p > 0.08:
        assert found.low <= 1e-9
        assert found.high >= -1e-9
    place = data.draw(st.integers(0, len(differences) - 1))
    worse = [*differences]
    worse[place] -= data.draw(st.integers(1, 3)) / 4
    lower = sign_flip_estimate(worse, 0.95)
    if lower.low is not None and lower.high is not None:
        assert lower.low <= found.low + 1e-9
        assert lower.high <= found.high + 1e-9


def test_of_many_rows_the_interval_is_students() -> None:
    drawn = random.Random(4)
    rows = [drawn.gauss(0.1, 1) for _ in range(3_000)]
    ours, theirs = sign_flip_estimate(rows, 0.95), paired_estimate(rows, yes_no=False)
    assert (ours.low, ours.high) == (
        pytest.approx(theirs.low, abs=2e-3),
        pytest.approx(theirs.high, abs=2e-3),
    )
    few = sign_flip_estimate(rows[:100], 0.95)
    student = paired_estimate(rows[:100], yes_no=False)
    assert (few.low, few.high) == (
        pytest.approx(student.low, abs=0.03),
        pytest.approx(student.high, abs=0.03),
    )


def test_five_pairs_reject_nothing() -> None:
    found = sign_flip_estimate([0.1, 0.2, 0.3, 0.4, 0.5], 0.95)
    assert (found.low, found.high, found.method) == (None, None, "none: 5 pairs can reject nothing")
