"""No NaN, missing, empty or error row turns a failing verdict into a passing one.

Stated exactly. Take any evaluation and make it poorer in any of these ways, in any number:

- a verdict that was a number becomes NaN, infinite, an error, or is left out;
- a row that every scorer had scored gets no answer from the endpoint;
- rows come in addition that have no number for any metric that a threshold names (an answered
  row has one for latency);
- a metric disappears.

Then a verdict that was not passed stays not passed. It holds for thresholds on the mean and on the
interval, for percentiles, slices and the champion, by clusters or without, in every combination,
whatever the budgets; for scores that lie on their scorer's declared scale. (Made-up good rows would
of course help.)
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from processing.config.gate import Budgets, ChampionMetric, Slice, Threshold
from processing.config.thresholds import threshold_parameters
from processing.gate.champion import ChampionVerdict
from processing.gate.clusters import RowClusters
from processing.gate.metric import Metric, percentile_metric, scorer_metric
from processing.gate.non_inferiority import compare, paired
from processing.gate.slices import judge_slices
from processing.gate.verdict import Verdict, judge
from processing.gate.worst_case import Scale

pytestmark = pytest.mark.integration

SCALES = {"Correctness": Scale(), "Bias": Scale(higher_is_better=False), "Rating": Scale(1, 5)}
NO_NUMBER = (None, math.nan, math.inf, -math.inf)
LEFT_OUT = object()
TIMES = ("latency_p95_ms",)


@dataclass(frozen=True)
class Row:
    """`scores` is None where the endpoint gave no answer."""

    topic: str
    scores: dict[str, Any] | None
    latency: float
    champion: dict[str, float]
    document: str = ""


@dataclass(frozen=True)
class Rules:
    thresholds: dict[str, Threshold]
    slices: dict[str, Slice]
    champion: dict[str, float]
    budgets: Budgets
    clustered: bool = False


def verdict_on(rows: list[Row], rules: Rules, without: frozenset[str] = frozenset()) -> Verdict:
    """Judged by the same functions, called in the same way, as in the evaluation step."""
    named = {str(i): row for i, row in enumerate(rows)}
    scores = {i: row.scores for i, row in named.items() if row.scores is not None}
    clusters = {i: row.document for i, row in named.items()} if rules.clustered else None
    together = clusters and RowClusters(
        [row.document for row in rows if row.scores is not None],
        [row.document for row in rows if row.scores is None],
    )
    metrics = _metrics(list(scores.values()), len(rows), rules, together or None)
    latencies = [row.latency for row in rows if row.scores is not None]
    metrics["latency_p95_ms"] = percentile_metric(
        latencies, 95, rows=len(rows), clusters=together or None
    )
    theirs = {i: row.champion for i, row in named.items()}
    comparisons = [
        compare(
            name,
            ChampionMetric(margin=margin),
            paired(name, list(named), scores, theirs, SCALES[name], clusters=clusters),
            rules.budgets.min_rows,
        )
        for name, margin in rules.champion.items()
    ]
    columns = {i: {"topic": row.topic} for i, row in named.items()}
    return judge(
        {name: metric for name, metric in metrics.items() if name not in without},
        threshold_parameters(rules.thresholds),
        rules.budgets,
        rows=len(rows),
        endpoint_errors=len(rows) - len(scores),
        slices=judge_slices(rules.slices, columns, scores, SCALES, clusters=clusters),
        champion=ChampionVerdict("group", "arn", "run", tuple(comparisons)),
    )


def _metrics(
    scores: list[dict[str, Any]], rows: int, rules: Rules, clusters: RowClusters | None
) -> dict[str, Metric]:
    by_interval = {name for name, t in rules.thresholds.items() if t.on == "interval"}
    return {
        name: scorer_metric(
            [row.get(name) for row in scores],
            rows=rows,
            scale=scale,
            numbers="monotone" if name in by_interval else "BCa",
            clusters=clusters,
        )
        for name, scale in SCALES.items()
    }


yes_no = st.sampled_from([0.0, 1.0])
graded = st.integers(0, 10).map(lambda i: i / 10)
rating = st.integers(1, 5).map(float)
nearly_always = st.integers(0, 19).map(bool)


@st.composite
def rows(draw: st.DrawFn) -> list[Row]:
    correctness = draw(st.sampled_from([yes_no, graded]))
    made = []
    for _ in range(draw(st.integers(2, 12))):
        scored = {"Correctness": correctness, "Bias": graded, "Rating": rating}
        scores = {
            name: draw(values) if draw(nearly_always) else draw(st.sampled_from(NO_NUMBER))
            for name, values in scored.items()
        }
        champion = {name: draw(values) for name, values in scored.items() if draw(nearly_always)}
        answered = draw(nearly_always)
        topic, latency = draw(st.sampled_from("ab")), draw(st.integers(1, 9)) * 100.0
        document = draw(st.sampled_from("wxyz"))
        made.append(Row(topic, scores if answered else None, latency, champion, document))
    return made


FREE = {"Correctness": Threshold(min=-1)}
"""Holds for every verdict on the scale; some threshold has to be there."""

JUST = (-0.2, -0.02, -0.001, 0.001, 0.02, 0.2)
"""How far a bound lies from what is compared, in parts of the scale: losing a row decides."""


@st.composite
def rules(draw: st.DrawFn, given_rows: list[Row]) -> Rules:
    """One thing at a time decides, by little; and sometimes everything at once."""
    deciding = draw(st.sampled_from(["threshold", "slice", "champion", "budgets", "all"]))
    everything = deciding == "all"
    made = Rules(
        FREE,
        {},
        {},
        Budgets(min_rows=1, max_endpoint_error_share=1, max_judge_error_share=1),
        clustered=draw(st.booleans()),
    )
    if deciding == "threshold" or everything:
        made = replace(made, thresholds=draw(near(given_rows, made, (*SCALES, *TIMES))))
    if deciding == "slice" or everything:
        hard = draw(near(given_rows, made, tuple(SCALES)))
        made = replace(
            made, slices={"topic": Slice(min_rows=draw(st.integers(1, 4)), thresholds=hard)}
        )
    if deciding == "champion" or everything:
        name = draw(st.sampled_from(list(SCALES)))
        compared = verdict_on(given_rows, replace(made, champion={name: 0.0})).champion
        assert compared is not None
        low = compared.comparisons[0].difference.worst_low
        margin = max(0.0, (-low if low is not None else 0.0) + draw(st.sampled_from(JUST)))
        made = replace(made, champion={name: margin})
    if deciding == "budgets" or everything:
        share = st.sampled_from([0.0, 0.1, 0.2, 0.3, 0.5])
        budgets = Budgets(
            min_rows=draw(st.integers(1, 8)),
            max_endpoint_error_share=draw(share),
            max_judge_error_share=draw(share),
        )
        made = replace(made, budgets=budgets)
    return made


@st.composite
def near(
    draw: st.DrawFn, given_rows: list[Row], made: Rules, names: tuple[str, ...]
) -> dict[str, Threshold]:
    name = draw(st.sampled_from(names))
    rule, on = draw(st.sampled_from(["min", "max"])), draw(st.sampled_from(["mean", "interval"]))
    bare = Threshold.model_validate({rule: 0, "on": on})
    [check] = verdict_on(given_rows, replace(made, thresholds={name: bare})).checks
    width = {"Rating": 4, TIMES[0]: 800}.get(name, 1)
    at = check.number if check.number is not None else 0.5
    bound = at + draw(st.sampled_from(JUST)) * width
    return {name: Threshold.model_validate({rule: bound, "on": on})}


@st.composite
def poorer(draw: st.DrawFn, given_rows: list[Row], by: Rules) -> list[Row]:
    timed = not by.thresholds.keys().isdisjoint(TIMES)  # then an answered row has a number
    made = []
    for row in given_rows:
        changed = row
        if row.scores is not None and draw(st.integers(0, 3)) == 0:
            whole = all(_is_number(value) for value in row.scores.values())
            if whole and draw(st.booleans()):
                changed = replace(row, scores=None)
            else:
                changed = replace(row, scores=_without_some(draw, row.scores))
        made.append(changed)
    for _ in range(draw(st.integers(0, 4))):
        empty = {name: draw(st.sampled_from(NO_NUMBER)) for name in SCALES}
        # such a row is new to the champion too, or the champion had a number for it
        champion = draw(st.sampled_from([{}, {"Correctness": 1.0, "Bias": 0.0, "Rating": 3.0}]))
        scores = None if timed else draw(st.sampled_from([None, empty, {}]))
        document = draw(st.sampled_from("vwxyz"))
        made.append(Row(draw(st.sampled_from("abc")), scores, 100.0, champion, document))
    return made


def _without_some(draw: st.DrawFn, scores: dict[str, Any]) -> dict[str, Any]:
    lost = draw(st.lists(st.sampled_from(list(scores)), min_size=1, unique=True))
    filling = {name: draw(st.sampled_from([*NO_NUMBER, LEFT_OUT])) for name in lost}
    return {n: v for n, v in {**scores, **filling}.items() if v is not LEFT_OUT}


def _is_number(value: Any) -> bool:
    return value is not None and math.isfinite(value)


seen: Counter[str] = Counter()


@settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), before=rows())
def test_no_row_without_a_number_turns_a_failing_verdict_into_a_passing_one(
    data: st.DataObject, before: list[Row]
) -> None:
    by = data.draw(rules(before))
    failing = verdict_on(before, by)
    seen["passing" if failing.passed else "failing"] += 1
    assume(not failing.passed)
    after = data.draw(poorer(before, by))
    gone = data.draw(st.frozensets(st.sampled_from([*SCALES, *TIMES]), max_size=1))
    assert not verdict_on(after, by, gone).passed


def test_the_property_was_tried_on_verdicts_of_both_kinds() -> None:
    assert seen["failing"] > 50
    assert seen["passing"] > 20
