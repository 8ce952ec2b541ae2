"""The statistics agree with scipy, numpy and published tables."""

from __future__ import annotations

import itertools
import math
import statistics

import numpy as np
import pytest
import scipy  # scipy.stats is loaded where it is used
from hypothesis import given
from hypothesis import strategies as st

from processing.gate.bounded_mean import SEED
from processing.gate.intervals import (
    RESAMPLES,
    _binomial_quantile,
    _quantile_of_t,
    estimate,
    percentile,
    percentile_estimate,
    wilson,
)
from processing.gate.paired import tango
from processing.gate.worst_case import UNIT, Scale, paired_difference, worst_interval, worst_mean

SKEWED = [float(x) for x in np.random.default_rng(7).lognormal(size=60)]


@pytest.mark.parametrize(
    ("yes", "n", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17 (1998), table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (8, 10, 0.4902, 0.9433),
    ],
)
def test_wilson_agrees_with_the_published_table(yes: int, n: int, low: float, high: float) -> None:
    assert wilson(yes, n) == pytest.approx((low, high), abs=5e-5)


def test_wilson_agrees_with_its_formula() -> None:
    z, n, p = float(scipy.stats.norm.ppf(0.975)), 37, 22 / 37
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    assert wilson(22, 37) == pytest.approx((middle - half, middle + half), rel=1e-12)


@given(st.integers(1, 5000), st.floats(0, 1), st.floats(0.001, 0.999))
def test_quantiles_are_those_of_scipy_stats(n: int, part: float, share: float) -> None:
    """Which is not asked, for the time that its import takes."""
    yes = round(part * n)
    theirs = scipy.stats.binomtest(yes, n).proportion_ci(0.95, method="wilson")
    assert wilson(yes, n) == (theirs.low, theirs.high)
    for probability in (0.025, 0.975):
        assert _binomial_quantile(probability, n, share) == (
            scipy.stats.binom.ppf(probability, n, share)
        )
    assert _quantile_of_t(n + 1, 0.95) == scipy.stats.t.ppf(0.975, n)


def test_yes_and_no_get_wilson_s_interval() -> None:
    found = estimate([1.0] * 8 + [0.0] * 2)
    assert (found.value, found.n) == (0.8, 10)
    assert (found.low, found.high) == pytest.approx((0.4902, 0.9433), abs=5e-5)
    assert found.method.startswith("Wilson")


def test_numbers_get_the_bca_bootstrap_of_scipy() -> None:
    found = estimate(SKEWED)
    assert found.value == pytest.approx(statistics.fmean(SKEWED))
    assert found.standard_deviation == pytest.approx(statistics.stdev(SKEWED))
    assert found.method.startswith("BCa")
    for draws, seed, rel in ((RESAMPLES, SEED, 1e-12), (20_000, 1, 0.02)):  # its own, and others
        theirs = scipy.stats.bootstrap(
            (sorted(SKEWED),), np.mean, n_resamples=draws, rng=np.random.default_rng(seed)
        ).confidence_interval
        assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), rel=rel)


def test_the_order_of_the_rows_does_not_change_an_interval() -> None:
    assert estimate(SKEWED[::-1]) == estimate(SKEWED)


def test_student_s_t_agrees_with_scipy_and_says_why_it_is_used() -> None:
    few = [0.2, 0.4, 0.4, 0.9, 0.6]
    theirs = scipy.stats.ttest_1samp(few, 0).confidence_interval(0.95)
    found = estimate(few)
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), rel=1e-12)
    assert found.method == "Student t: BCa needs 10 distinct values, there are 4"
    unknown = estimate(SKEWED, numbers="monotone")
    assert unknown.method == "Student t: their scale is not known"


@pytest.mark.parametrize(
    ("values", "low", "method"),
    [([], None, ""), ([0.5], None, "none"), ([0.5] * 9, 0.5, "degenerate"), ([1.0], 0.2065, "W")],
)
def test_what_too_few_or_equal_values_give(
    values: list[float], low: float | None, method: str
) -> None:
    found = estimate(values)
    assert found.low == (None if low is None else pytest.approx(low, abs=1e-4))
    assert found.method.startswith(method)


@pytest.mark.parametrize("percent", [50, 95, 99])
def test_percentiles_and_their_intervals_agree_with_numpy_and_scipy(percent: int) -> None:
    values = [float(x) for x in np.random.default_rng(3).exponential(size=700)]
    found = percentile_estimate(values, percent)
    theirs = scipy.stats.quantile_test(values, q=0, p=percent / 100).confidence_interval(0.95)
    assert found.value == pytest.approx(np.percentile(values, percent))
    assert (found.low, found.high) == (theirs.low, theirs.high)


def test_an_end_that_so_few_rows_cannot_give_is_none() -> None:
    found = percentile_estimate([float(x) for x in range(50)], 99)
    assert found.low is not None
    assert found.high is None
    assert found.method.endswith("50 rows are too few for the upper end")


def test_a_percentile_of_infinitely_slow_rows_is_a_number_or_infinite() -> None:
    assert percentile([1.0, 2.0, math.inf], 50) == 2.0
    assert percentile([1.0, 2.0, math.inf], 75) == math.inf
    assert percentile([1.0, math.inf, math.inf], 99) == math.inf


def test_the_worst_mean_fills_missing_rows_with_the_scale_s_ends() -> None:
    bounds = worst_mean([1.0] * 6 + [0.0] * 2, 2, UNIT)
    assert (bounds.low, bounds.high) == pytest.approx((0.6, 0.8))
    beyond = worst_mean([1.0, 300.0], 1, UNIT)
    assert (beyond.low, beyond.high) == (None, None)
    endless = worst_mean([100.0, 300.0], 2, Scale(0.0, math.inf))
    assert (endless.low, endless.high) == (100.0, None)


@pytest.mark.slow
@given(
    values=st.lists(st.integers(0, 10).map(lambda i: i / 10), min_size=2, max_size=6),
    missing=st.integers(1, 4),
)
def test_the_worst_interval_is_the_least_over_all_fillings(
    values: list[float], missing: int
) -> None:
    bounds = worst_interval(values, missing, UNIT)
    assert bounds.low is not None
    assert bounds.high is not None
    grid = (0.0, 0.25, 0.5, 1.0)
    for filling in itertools.combinations_with_replacement(grid, missing):
        found = estimate([*values, *filling], numbers="monotone", ends=(0.0, 1.0))
        assert found.low is not None
        assert found.high is not None
        assert bounds.low <= found.low + 1e-9
        assert bounds.high >= found.high - 1e-9


def test_paired_differences_agree_with_scipy() -> None:
    candidate, champion = [0.9, 0.4, 0.7, 0.8, 0.6], [0.8, 0.5, 0.4, 0.6, 0.6]
    theirs = scipy.stats.ttest_rel(candidate, champion).confidence_interval(0.95)
    endless = Scale(-math.inf, math.inf)
    found = paired_difference(list(zip(candidate, champion, strict=True)), endless)
    assert (found.estimate.low, found.estimate.high) == pytest.approx((theirs.low, theirs.high))
    assert found.worst_low == found.estimate.low


def test_a_lower_is_better_difference_is_turned_round() -> None:
    pairs = [(0.1, 0.3), (0.2, 0.3), (0.1, 0.2)]
    found = paired_difference(pairs, Scale(higher_is_better=False))
    assert found.estimate.value == pytest.approx((0.2 + 0.1 + 0.1) / 3)


def test_a_row_that_only_the_champion_scored_counts_as_the_worst() -> None:
    pairs: list[tuple[float | None, float]] = [(1.0, 1.0)] * 30
    whole = paired_difference(pairs, UNIT)
    holed = paired_difference([*pairs[:-1], (None, 1.0)], UNIT)
    assert whole.worst_low == pytest.approx(tango(0, 0, 30)[0])
    assert holed.missing == 1
    assert holed.worst_low == pytest.approx(tango(0, 1, 30)[0])
