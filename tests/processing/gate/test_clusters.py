"""Rows that belong together say less than as many that do not, in every interval."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processing.gate.bounded_mean import bounded_interval
from processing.gate.clusters import RowClusters, bootstrapped, clustered_error, collapsed
from processing.gate.intervals import CONFIDENCE, Numbers, estimate, percentile_estimate
from processing.gate.metric import scorer_metric
from processing.gate.paired import paired_mean
from processing.gate.worst_case import UNIT

score = st.integers(0, 10).map(lambda i: i / 10)
row = st.tuples(score, st.sampled_from("abcdef"))
KINDS: tuple[Numbers, ...] = ("BCa", "monotone")


def test_the_standard_error_is_the_papers() -> None:
    """Miller, arXiv 2411.00640, equation 4: a sum over pairs of one cluster; with CR1's G/(G-1)."""
    drawn = random.Random(5)
    rows = [(drawn.random(), str(drawn.randrange(7))) for _ in range(40)]
    mean = sum(value for value, _ in rows) / len(rows)
    pairs = sum((one - mean) * (other - mean) for one, c in rows for other, d in rows if c == d)
    expected = math.sqrt(7 / 6 * pairs) / len(rows)
    found = clustered_error([value for value, _ in rows], [cluster for _, cluster in rows])
    assert found == pytest.approx(expected)


@pytest.mark.slow
@settings(max_examples=30)
@given(st.lists(score, min_size=2, max_size=30))
def test_rows_that_are_all_alone_are_rows_without_clusters(values: list[float]) -> None:
    alone = [str(i) for i in range(len(values))]
    for numbers in KINDS:
        ours = estimate(values, numbers=numbers, ends=(0, 1), clusters=alone)
        theirs = estimate(values, numbers=numbers, ends=(0, 1))
        assert (ours.low, ours.high) == (pytest.approx(theirs.low), pytest.approx(theirs.high))


@settings(max_examples=30)
@given(st.lists(score, min_size=2, max_size=12), st.integers(2, 6))
def test_copies_of_a_row_say_nothing_new(values: list[float], copies: int) -> None:
    copied = [value for value in values for _ in range(copies)]
    cluster = [str(i) for i in range(len(values)) for _ in range(copies)]
    assert bounded_interval(copied, 0, 1, CONFIDENCE, cluster) == pytest.approx(
        bounded_interval(values, 0, 1, CONFIDENCE)
    )
    ours = paired_mean([v - 0.5 for v in copied], 1.0, clusters=cluster)
    theirs = paired_mean([v - 0.5 for v in values], 1.0)
    assert (ours.low, ours.high) == (pytest.approx(theirs.low), pytest.approx(theirs.high))


@pytest.mark.slow
@settings(max_examples=100)
@given(st.lists(row, min_size=1, max_size=30), st.data())
def test_no_score_that_gets_worse_or_is_lost_raises_what_is_compared(
    rows: list[tuple[float, str]], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(rows) - 1))
    was, cluster = rows[place]
    worse = data.draw(st.one_of(st.none(), st.floats(0, was)))
    after: list[tuple[float | None, str]] = [*rows]
    after[place] = (worse, cluster)
    assert compared(after) <= compared([*rows]) + 1e-9


def compared(rows: list[tuple[float | None, str]]) -> float:
    metric = scorer_metric(
        [value for value, _ in rows],
        rows=len(rows),
        scale=UNIT,
        numbers="monotone",
        clusters=RowClusters([cluster for _, cluster in rows]),
    )
    low = metric.worst_interval.low if metric.missing else metric.low
    return -1.0 if low is None else low


def test_one_document_is_one_observation() -> None:
    low, _ = bounded_interval([1.0] * 200, 0, 1, CONFIDENCE, ["one"] * 200)
    assert low < 0.25
    assert collapsed([1.0] * 200, ["one"] * 200).effective == 1
    assert estimate([0.1, 0.9], clusters=["one", "one"]).low is None


def drawn_rows(generator: np.random.Generator, documents: int) -> tuple[list[float], list[str]]:
    """Ten yes/no rows on each document, intraclass correlation 0.3, true rate 0.7."""
    rates = generator.beta(0.7 * 7 / 3, 0.3 * 7 / 3, documents)
    values = (generator.random((documents, 10)) < rates[:, None]).astype(float)
    return values.ravel().tolist(), [str(i) for i in range(documents) for _ in range(10)]


@pytest.mark.integration
def test_the_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """By rows alone 66 to 69 of 100 did (the audit of 2026-11-26)."""
    generator = np.random.default_rng(7)
    shown = decides = by_rows = 0
    for _ in range(400):
        values, clusters = drawn_rows(generator, 40)
        low, _ = bounded_interval(values, 0, 1, CONFIDENCE, clusters)
        shown += holds(estimate(values, clusters=clusters).low, values, clusters)
        decides += low > 0.7
        by_rows += holds(estimate(values).low, values, None)
    assert shown / 400 > 0.92
    assert by_rows / 400 < 0.8
    assert decides / 400 <= 0.03


def holds(low: float | None, values: list[float], clusters: list[str] | None) -> bool:
    high = estimate(values, clusters=clusters).high
    return low is not None and high is not None and low <= 0.7 <= high


@pytest.mark.slow
@settings(max_examples=40)
@given(st.lists(st.integers(1, 99), min_size=24, max_size=60), st.data())
def test_a_percentile_grows_with_every_value_and_every_row_that_never_came(
    values: list[int], data: st.DataObject
) -> None:
    clusters = [str(i % 12) for i in range(len(values))]
    place = data.draw(st.integers(0, len(values) - 1))
    slower = [float(v) for v in values]
    slower[place] += data.draw(st.integers(1, 99))
    before = bootstrapped([float(v) for v in values], clusters, 95, CONFIDENCE, 1)
    after = bootstrapped(slower, clusters, 95, CONFIDENCE, 1)
    longer = bootstrapped([*slower, math.inf], [*clusters, "new"], 95, CONFIDENCE, 1)
    for earlier, later in ((before, after), (after, longer)):
        for was, now in zip(earlier, later, strict=True):
            assert (math.inf if was is None else was) <= (math.inf if now is None else now)


def test_few_clusters_give_a_percentile_no_interval() -> None:
    found = percentile_estimate([float(i) for i in range(90)], 50, [str(i % 9) for i in range(90)])
    assert (found.low, found.high) == (None, None)
