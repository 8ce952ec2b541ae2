"""The ranking: gate first, then one metric; never more certain than its rows, nor than Holm."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_runs import made_document, made_rows, made_run

from pipeline.cli.main import main
from pipeline.comparison.compare import Comparison, compare, findings_on
from pipeline.comparison.findings import Absent
from pipeline.comparison.ranking import Pair, Ranking, rank
from pipeline.comparison.run import ComparedRun, ComparisonError, read_run
from pipeline.comparison.table import print_comparison

NUMBERS = st.one_of(st.sampled_from([0.0, 1.0]), st.sampled_from([0.0, 0.25, 0.5, 1.0]), st.none())
BOUND = {"metric": "S", "rule": "min", "bound": 0.7, "on": "mean", "tier": "hard"}


def run_of(label: str, numbers: list[float | None], *, passed: int = 1, **more: Any) -> ComparedRun:
    scores = {"S": numbers}
    gate = {"passed": passed, "summary": "", "reasons": [], "warnings": []}
    document = made_document(scores, len(numbers), gate=gate, **more)
    text = "\n".join(json.dumps(row) for row in made_rows(scores))
    return read_run(label, f"name-{label}", label, json.dumps(document), text)


def pair_of(ranking: Ranking, one: str, other: str) -> Pair:
    [found] = [pair for pair in ranking.pairs if {pair.ahead, pair.behind} == {one, other}]
    return found


@st.composite
def several(draw: st.DrawFn) -> list[ComparedRun]:
    length = draw(st.integers(1, 14))
    number = draw(st.integers(2, 4))
    same = st.lists(NUMBERS, min_size=length, max_size=length)
    ends = st.sampled_from([[0.0] * length, [1.0] * length])
    return [
        run_of(label, draw(st.one_of(same, ends)), passed=draw(st.integers(0, 1)))
        for label in "ABCD"[:number]
    ]


@pytest.mark.integration
@settings(max_examples=40)
@given(several(), st.randoms(use_true_random=False))
def test_the_order_in_which_they_are_given_changes_nothing(
    runs: list[ComparedRun], random: Any
) -> None:
    ranking = rank(runs, "S")
    mixed = list(runs)
    random.shuffle(mixed)
    assert rank(mixed, "S") == ranking


@pytest.mark.integration
@settings(max_examples=60)
@given(several())
def test_nothing_is_real_that_holm_or_its_interval_does_not_bear_out(
    runs: list[ComparedRun],
) -> None:
    ranking = rank(runs, "S")
    assert len(ranking.pairs) == len(runs) * (len(runs) - 1) // 2
    for pair in ranking.pairs:
        said = pair.sentence(ranking.names)
        if not pair.real:
            assert "is better than" not in said
            continue
        assert "is better than" in said
        assert pair.p_holm is not None
        assert pair.p_holm <= 0.05
        assert pair.low is not None
        assert pair.low > 0  # higher is better, and it is that of the one ahead
    passed = {place.run: place.passed for place in ranking.places}
    real = {(pair.ahead, pair.behind) for pair in ranking.pairs if pair.real}
    for place in ranking.places:
        ahead = [
            other
            for other in passed
            if (passed[other] and not passed[place.run])
            or (passed[other] == passed[place.run] and (other, place.run) in real)
        ]
        assert place.rank == 1 + len(ahead)
    gates = [place.passed for place in ranking.places]
    assert gates == sorted(gates, reverse=True)


@pytest.mark.integration
@settings(max_examples=40)
@given(several(), st.data())
def test_losing_verdicts_never_makes_a_difference_real(
    runs: list[ComparedRun], data: st.DataObject
) -> None:
    before = rank(runs, "S")
    victim = data.draw(st.sampled_from(runs))
    numbers = [victim.number("S", row) for row in victim.rows]
    lost = data.draw(st.sets(st.integers(0, len(numbers) - 1), min_size=1))
    poorer = run_of(victim.label, [None if i in lost else n for i, n in enumerate(numbers)])
    after = rank([poorer if run is victim else run for run in runs], "S")
    for one, other in itertools.combinations([run.label for run in runs], 2):
        if pair_of(after, one, other).real:
            assert pair_of(before, one, other).real


@pytest.mark.integration
@settings(max_examples=30)
@given(st.lists(NUMBERS, min_size=1, max_size=30), st.integers(2, 4))
def test_equal_ones_share_the_first_rank(numbers: list[float | None], many: int) -> None:
    ranking = rank([run_of(label, numbers) for label in "ABCD"[:many]], "S")
    assert {place.rank for place in ranking.places} == {1}


def test_a_tie_is_told_with_difference_interval_and_rows() -> None:
    a, b = [1.0] * 30 + [0.0] * 10, [1.0] * 31 + [0.0] * 9
    ranking = rank([run_of("A", a), run_of("B", b), run_of("C", [0.0] * 40)])
    assert [(place.run, place.rank) for place in ranking.places] == [("B", 1), ("A", 1), ("C", 3)]
    assert [place.run for place in ranking.best] == ["B", "A"]
    said = pair_of(ranking, "A", "B").sentence(ranking.names)
    assert said.startswith(
        "name-B and name-A cannot be told apart: difference 0.025, 95 % interval "
    )
    assert said.endswith(", p 1.000, 40 rows")
    assert pair_of(ranking, "A", "C").sentence(ranking.names).startswith("name-A is better than ")
    assert ranking.tests == 3


def test_who_passed_the_gate_is_ahead_whatever_the_metric_says() -> None:
    ranking = rank([run_of("A", [1.0] * 40, passed=0), run_of("B", [0.5] * 40)])
    assert [(place.run, place.rank) for place in ranking.places] == [("B", 1), ("A", 2)]


def test_less_is_better_where_it_is() -> None:
    runs = [run_of("A", [1.0, 0.0]), run_of("B", [1.0, 1.0])]
    ranking = rank(runs, "output_tokens_mean")
    assert not ranking.higher_is_better
    assert {place.rank for place in ranking.places} == {1}  # all take 20 tokens
    falls = {"metrics": {"S": {"value": 0.5, "higher_is_better": False}}}
    worse = rank([run_of("A", [1.0] * 40, **falls), run_of("B", [0.0] * 40, **falls)])
    assert [place.run for place in worse.places] == ["B", "A"]
    pair = pair_of(worse, "A", "B")
    assert (pair.ahead, pair.real, pair.difference) == ("B", True, -1.0)
    assert pair.high is not None
    assert pair.high < 0


def test_what_may_not_be_compared_is_not_ranked_against() -> None:
    other = {"S": {"definition": "S-2", "judge": "openai:/other", "low": 0.0, "high": 1.0}}
    runs = [run_of("A", [1.0] * 40), run_of("B", [0.0] * 40, scorers=other),
            run_of("C", [0.0] * 40)]  # fmt: skip
    ranking = rank(runs)
    assert {place.run: place.rank for place in ranking.places} == {"A": 1, "B": 1, "C": 2}
    said = pair_of(ranking, "A", "B").sentence(ranking.names)
    assert said == "name-A and name-B are not compared: S has another judge in each"
    assert ranking.tests == 1


@pytest.mark.parametrize(
    ("thresholds", "metric"),
    [
        ({}, "S"),
        ({"MaxL": {**BOUND, "metric": "latency_p95_ms"}, "MinS": BOUND}, "S"),
        ({"MaxT": {**BOUND, "metric": "output_tokens_mean"}, "MinS": BOUND}, "output_tokens_mean"),
    ],
)
def test_by_default_the_first_metric_with_a_threshold_counts(
    thresholds: dict[str, Any], metric: str
) -> None:
    assert rank([run_of(label, [1.0], thresholds=thresholds) for label in "AB"]).metric == metric


@pytest.mark.slow
def test_on_the_command_line_in_json_and_on_the_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = made_run(tmp_path / "good", {"S": [1.0] * 40, "T": [0.5] * 40})
    worse = made_run(tmp_path / "worse", {"S": [0.0] * 40, "T": [0.5] * 40})
    page, told = tmp_path / "page.html", tmp_path / "told.json"
    arguments = ["compare", str(worse), str(good), "--html", str(page), "--json", str(told)]
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert "ranking by S (higher is better), those that passed the gate first" in out
    assert (
        "  1  good   passed            1  40 rows\n  2  worse  passed            0  40 rows" in out
    )
    assert "good is better than worse: difference 1, 95 % interval " in out
    document = json.loads(told.read_text())["ranking"]
    assert [(place["name"], place["rank"]) for place in document["places"]] == [
        ("good", 1),
        ("worse", 2),
    ]
    assert document["pairs"][0]["real"] == 1
    assert "good is better than worse" in page.read_text()

    assert main([*arguments, "--rank-by", "T"]) == 0
    assert "good and worse cannot be told apart: difference 0, " in capsys.readouterr().out
    assert main([*arguments, "--rank-by", "latency_p95_ms"]) == 2
    said = capsys.readouterr().err
    assert "--rank-by latency_p95_ms: no row has a number of 'latency_p95_ms'" in said
    assert "there are S, T, latency_mean_ms, input_tokens_mean, output_tokens_mean" in said


def test_what_broke_is_named_with_its_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [run_of("A", [1.0] * 4), run_of("B", [0.0] * 4)]
    findings = findings_on(runs, absent=[Absent("cold", "there is no endpoint <cold>")])
    print_comparison(findings_on(runs, absent=[Absent("c\x1b[2J", "\x1b[2J\u202e\nPASSED")]))
    out = capsys.readouterr().out
    assert r"NO VERDICT: c\x1b[2J: \x1b[2J\u202e\nPASSED" in out
    assert "\x1b" not in out
    comparison = Comparison(findings)
    assert comparison.document["absent"] == [{"name": "cold", "why": "there is no endpoint <cold>"}]
    comparison.write_html(tmp_path / "page.html")
    assert "there is no endpoint &lt;cold&gt;" in (tmp_path / "page.html").read_text()
    assert list(comparison.ranking["name"]) == ["name-A", "name-B"]


def test_a_metric_that_is_none_is_refused_from_python(tmp_path: Path) -> None:
    a = made_run(tmp_path / "a", {"S": [1.0]})
    with pytest.raises(ComparisonError, match="no row has a number of 's'; there are S, "):
        compare(a, a, rank_by="s")


def test_two_of_one_name_are_told_apart_by_their_labels(tmp_path: Path) -> None:
    a = made_run(tmp_path / "a", {"S": [1.0]})
    assert compare(a, a).findings.ranking.names == {"A": "A (a)", "B": "B (a)"}
