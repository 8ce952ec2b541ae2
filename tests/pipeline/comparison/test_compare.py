"""`compare` on folders: what it says first, which differences are real, what is never hidden."""

from __future__ import annotations

import json
import random
import re
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_runs import Scores, made_document, made_row, made_rows, made_run, write_run

from pipeline.cli.main import main
from pipeline.comparison.compare import compare, findings_on
from pipeline.comparison.differences import Difference
from pipeline.comparison.findings import Findings
from pipeline.comparison.run import ComparedRun, ComparisonError, read_run

LEVELS = st.sampled_from([0.0, 0.25, 0.5, 1.0])
VERDICTS = st.one_of(st.sampled_from([0.0, 1.0]), st.none())


def of(findings: Findings, metric: str, run: str = "B") -> Difference:
    [found] = [d for d in findings.differences if (d.metric, d.run) == (metric, run)]
    return found


def run_of(label: str, scores: Scores, **changes: Any) -> ComparedRun:
    rows = made_rows(scores)
    document = made_document(scores, len(rows), **changes)
    text = "\n".join(json.dumps(row) for row in rows)
    return read_run(label, label, label, json.dumps(document), text)


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    good = {"Correctness": [1.0] * 40, "rouge": [i / 40 for i in range(40)]}
    worse = {"Correctness": [0.0] * 15 + [1.0] * 25, "rouge": [i / 41 for i in range(40)]}
    return made_run(tmp_path / "a", good), made_run(tmp_path / "b", worse)


def test_the_differences_with_interval_pairs_and_what_is_real(
    pair: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    a, b = pair
    page, told = a.parent / "compare.html", a.parent / "compare.json"
    arguments = [str(a), str(b), "--html", str(page), "--json", str(told)]
    assert main(["compare", *arguments]) == 0
    out = capsys.readouterr().out
    line = next(line for line in out.splitlines() if line.startswith(" Correctness"))
    assert re.search(r"1 +0\.625 +-0\.375 +-0\.5\S+\.\.-0\.2\S+ +40 +0 +15/0 +<\.001 +worse", line)
    assert "Holm's correction over 5 tests" in out
    assert "page:       file://" in out
    document = json.loads(told.read_text())
    [found] = [d for d in document["differences"] if d["metric"] == "Correctness"]
    assert (found["pairs"], found["worse"], found["real"]) == (40, 15, 1)
    assert found["method"] == "Tango: paired yes/no"
    assert [row["row_id"] for row in document["rows"] if "Correctness" in row["worse"]] == [
        f"row-{i:05}" for i in range(15)
    ]


@pytest.mark.parametrize(
    "expected",
    [
        ({"dataset_sha256": "other"}, "other rows", "the 40 that both have"),
        ({"code_sha256": "other"}, "other code", "different versions of processing/"),
        (
            {"thresholds": {"MinC": {"metric": "Correctness", "rule": "min", "bound": 0.7,
                                     "on": "mean", "tier": "hard"}}},
            "other thresholds",
            "Correctness none in A, min 0.7 in B",
        ),
        ({"counts": {"rows": 41, "answered": 40, "endpoint_errors": 0}}, "lost rows", "says 41"),
    ],
)  # fmt: skip
def test_what_may_not_be_compared_is_said_before_all_else(
    pair: tuple[Path, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    expected: tuple[dict[str, Any], str, str],
) -> None:
    changes, kind, text = expected
    a, b = pair
    document = json.loads((b / "evaluation.json").read_text()) | changes
    (b / "evaluation.json").write_text(json.dumps(document))
    main(["compare", str(a), str(b), "--html", str(tmp_path / "page.html")])
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith(f"{kind.upper()}: ")
    assert text in first
    page = (tmp_path / "page.html").read_text()
    assert page.index(kind) < page.index("<main>")


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({"definition": "x", "judge": "openai:/other"}, "other judge"),
        ({"definition": "x"}, "other scorer definition"),
        ({"repeats": 3}, "other scorer definition"),
    ],
)
def test_a_scorer_that_is_another_is_named_and_not_compared(
    pair: tuple[Path, Path], changed: dict[str, str], kind: str
) -> None:
    a, b = pair
    document = json.loads((b / "evaluation.json").read_text())
    document["scorers"]["Correctness"] |= changed
    (b / "evaluation.json").write_text(json.dumps(document))
    comparison = compare(a, b)
    [said] = comparison.findings.mismatches
    assert said.kind == kind
    assert said.scorers == ("Correctness",)
    assert of(comparison.findings, "Correctness").state == "not compared"
    assert of(comparison.findings, "rouge").pairs == 40
    assert all("Correctness" not in change.worse for change in comparison.findings.changes)


def test_another_number_rule_or_direction_is_another_scorer() -> None:
    scores = {"S": [1.0, 0.0, 1.0]}
    for changes in (
        {"number_rules": {"S": "good = 2, bad = 0"}},
        {"metrics": {"S": {"value": 0.5, "higher_is_better": False}}},
    ):
        findings = findings_on([run_of("A", scores), run_of("B", scores, **changes)])
        assert "other number rules" in {found.kind for found in findings.mismatches}
        assert of(findings, "S").state == "not compared"


def test_a_file_of_an_earlier_version_is_compared_and_said_not_to_tell(tmp_path: Path) -> None:
    scores = {"S": [1.0, 0.0, 1.0, None]}
    old = made_document(scores, 4, config_sha256="another", fingerprint="g")
    del old["scorers"], old["code_sha256"], old["varied"]
    a = write_run(tmp_path / "old", old, made_rows(scores))
    findings = compare(a, made_run(tmp_path / "new", scores)).findings
    [said] = findings.mismatches
    assert said.kind == "not known"
    assert said.text.startswith("A was written by an earlier version")
    found = of(findings, "S")
    # where its scale ends is not known either, so nothing is known of the failed verdict
    assert (found.pairs, found.missing, found.p, found.worst_low) == (3, 1, 1.0, None)


def test_rows_without_a_number_are_counted_and_can_undo_a_difference() -> None:
    a, b = {"S": [1.0] * 30}, {"S": [0.0] * 8 + [None] * 10 + [1.0] * 12}
    findings = findings_on([run_of("A", a), run_of("B", b)])
    found = of(findings, "S")
    assert (found.pairs, found.missing, found.worse, found.state) == (20, 10, 8, "worse")
    better = findings_on([run_of("A", b), run_of("B", {"S": [0.0] * 8 + [1.0] * 22})])
    assert of(better, "S").state == "not shown"
    flipped = {"S": [1.0] * 8 + [None] * 10 + [1.0] * 12}
    lost = of(findings_on([run_of("A", {"S": [0.0] * 8 + [1.0] * 22}), run_of("B", flipped)]), "S")
    assert lost.state == "not shown"
    assert lost.reason == "10 rows without a number could undo it"
    assert lost.low is not None
    assert lost.worst_low is not None
    assert lost.worst_low < 0 < lost.low


def test_a_row_that_the_scorer_has_nothing_to_look_for_in_is_no_loss(tmp_path: Path) -> None:
    scores = {"S": [1.0, 0.0, 1.0]}
    rows = made_rows(scores)
    for row in rows[:2]:
        row["scores"]["S"] = {"value": None, "shown": "not applicable", "rationale": None,
                              "error": None}  # fmt: skip
    a = write_run(tmp_path / "a", made_document(scores, 3), rows)
    rows[1] = made_row(1, {}, answer="", error="timed out")
    b = write_run(tmp_path / "b", made_document(scores, 3), rows)
    found = of(compare(a, b).findings, "S")
    assert (found.pairs, found.missing, found.not_applicable) == (1, 0, 2)
    assert of(compare(a, b).findings, "latency_mean_ms").missing == 1


@pytest.mark.slow
@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(VERDICTS, VERDICTS, LEVELS, LEVELS), min_size=1, max_size=10))
def test_the_other_way_round_each_number_is_the_opposite(rows: list[tuple[Any, ...]]) -> None:
    yes_a, yes_b, graded_a, graded_b = map(list, zip(*rows, strict=True))
    a, b = {"S": yes_a, "G": graded_a}, {"S": yes_b, "G": graded_b}
    forth = findings_on([run_of("A", a), run_of("B", b)])
    back = findings_on([run_of("A", b), run_of("B", a)])
    opposite = {"better": "worse", "worse": "better"}
    for ours, theirs in zip(forth.differences, back.differences, strict=True):
        assert ours.difference == (
            None if theirs.difference is None else pytest.approx(-theirs.difference)
        )
        for low, high in (("low", "high"), ("worst_low", "worst_high")):
            ends = getattr(ours, low), getattr(theirs, high)
            assert ends[0] == (None if ends[1] is None else pytest.approx(-ends[1], abs=1e-9))
        assert (ours.pairs, ours.missing) == (theirs.pairs, theirs.missing)
        assert (ours.better, ours.worse) == (theirs.worse, theirs.better)
        assert ours.p == (None if theirs.p is None else pytest.approx(theirs.p))
        assert ours.state == opposite.get(theirs.state, theirs.state)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(VERDICTS, LEVELS), min_size=1, max_size=40))
def test_a_run_against_itself_is_nought_everywhere_and_nothing_is_real(
    rows: list[tuple[float | None, float]],
) -> None:
    yes, graded = map(list, zip(*rows, strict=True))
    scores = {"S": yes, "G": graded}
    findings = findings_on([run_of("A", scores), run_of("B", scores)])
    assert findings.mismatches == ()
    assert {d.difference for d in findings.differences} <= {0.0, None}
    assert not any(d.real for d in findings.differences)
    assert {change.state for change in findings.changes} == {"same"}


@pytest.mark.slow
@settings(deadline=None, max_examples=80)
@given(
    st.lists(st.tuples(VERDICTS, VERDICTS), min_size=2, max_size=30),
    st.data(),
)
def test_losing_rows_never_makes_a_difference_look_surer(
    rows: list[tuple[float | None, float | None]], data: st.DataObject
) -> None:
    """A failed verdict, a row that is not in the file any more: in either run, or both."""
    ours, theirs = map(list, zip(*rows, strict=True))
    before = of(findings_on([run_of("A", {"S": ours}), run_of("B", {"S": theirs})]), "S")
    lost = data.draw(st.sets(st.integers(0, len(rows) - 1), min_size=1, max_size=5))
    runs = []
    for label, scores in (("A", ours), ("B", theirs)):
        made = made_rows({"S": scores})
        how = data.draw(st.sampled_from(["verdict", "answer", "row", "none"]), label=label)
        for i in sorted(lost, reverse=True):
            if how == "verdict":
                made[i] = made_row(i, {"S": None})
            elif how == "answer":
                made[i] = made_row(i, {}, error="timed out")
            elif how == "row":
                del made[i]
        document = made_document({"S": scores}, len(rows))
        text = "\n".join(map(json.dumps, made))
        runs.append(read_run(label, label, label, json.dumps(document), text))
    after = of(findings_on(runs), "S")
    assert after.missing >= before.missing
    if before.p is not None and after.p is not None:
        assert after.p >= before.p - 1e-12
        if before.worst_low is not None and after.worst_low is not None:
            assert after.worst_low <= before.worst_low + 1e-9
            assert before.worst_high is not None
            assert after.worst_high is not None
            assert after.worst_high >= before.worst_high - 1e-9
    if before.state not in ("better", "worse"):
        assert after.state not in ("better", "worse")


@pytest.mark.slow
@settings(deadline=None, max_examples=40)
@given(st.lists(st.lists(LEVELS, min_size=8, max_size=8), min_size=2, max_size=8))
def test_holm_never_marks_more_than_without_it(columns: list[list[float]]) -> None:
    a = {f"s{i}": [0.5] * 8 for i in range(len(columns))}
    b = {f"s{i}": column for i, column in enumerate(columns)}
    findings = findings_on([run_of("A", a), run_of("B", b)])
    for found in findings.differences:
        assert found.p is not None
        assert found.p_holm is not None
        assert found.p_holm >= found.p
        assert not found.real or found.p <= 0.05


@pytest.mark.parametrize("levels", [[0.0, 1.0], [0.0, 0.25, 0.5]])
def test_copies_of_rows_make_no_difference_surer(levels: list[float]) -> None:
    """Ten questions on one document are one observation, where the files say so."""
    drawn = random.Random(3)
    ours = [drawn.choice(levels) for _ in range(12)]
    theirs = [drawn.choice(levels) + 0.0 for _ in range(12)]

    def found(copies: int, *, clustered: bool) -> Difference:
        runs = []
        for label, numbers in (("A", ours), ("B", theirs)):
            scores = {"S": [number for number in numbers for _ in range(copies)]}
            rows = made_rows(scores)
            if clustered:
                rows = [row | {"cluster": f"doc {i // copies}"} for i, row in enumerate(rows)]
            document = json.dumps(made_document(scores, len(rows)))
            runs.append(read_run(label, label, label, document, "\n".join(map(json.dumps, rows))))
        return of(findings_on(runs), "S")

    once, copied, naive = (
        found(1, clustered=False),
        found(5, clustered=True),
        found(5, clustered=False),
    )
    assert copied.p == pytest.approx(once.p, abs=0.02)
    assert copied.difference == pytest.approx(once.difference)
    assert copied.method == "sign flips: paired differences, 12 clusters"
    assert naive.high is not None
    assert naive.low is not None
    assert copied.high is not None
    assert copied.low is not None
    assert copied.high - copied.low > 1.5 * (naive.high - naive.low)


def test_a_metric_that_loses_all_its_numbers_stays_a_test() -> None:
    """Else the others would be corrected for one test fewer, and look surer."""
    better = [0.0] * 6, [1.0] * 6
    whole = {"S": better[0], "other": [0.5] * 6}, {"S": better[1], "other": [0.5] * 6}
    lost = {"S": better[0], "other": [0.5] * 6}, {"S": better[1], "other": [None] * 6}
    before, after = (
        of(findings_on([run_of("A", a), run_of("B", b)]), "S") for a, b in (whole, lost)
    )
    assert before.p_holm == after.p_holm


def test_more_than_two_are_each_held_against_the_first() -> None:
    scores = {"S": [1.0] * 12}
    findings = findings_on(
        [run_of("A", scores), run_of("B", {"S": [0.0] * 12}), run_of("C", scores)]
    )
    assert findings.tests == 8
    assert of(findings, "S", "B").state == "worse"
    assert of(findings, "S", "C").difference == 0


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nothing-there", r"no folder nothing-there or .runs/nothing-there is there"),
        (".", r"has no evaluation.json and no rows.jsonl"),
    ],
)
def test_a_name_that_means_nothing_is_told_what_was_looked_for(
    name: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ComparisonError, match=said) as raised:
        compare(name, name)
    assert "an MLflow run's id" in str(raised.value)


def test_runs_on_different_servers_get_no_parent_run(
    pair: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = json.loads((pair[1] / "evaluation.json").read_text())
    document["mlflow"]["tracking_uri"] = "sqlite:///elsewhere.db"
    (pair[1] / "evaluation.json").write_text(json.dumps(document))
    arguments = [*map(str, pair), "--html", str(tmp_path / "page.html"), "--mlflow"]
    assert main(["compare", *arguments]) == 2
    captured = capsys.readouterr()
    assert "Correctness" in captured.out
    assert "A on http://127.0.0.1:1, B on sqlite:///elsewhere.db" in captured.err


def test_one_is_nothing_to_compare(pair: tuple[Path, Path]) -> None:
    with pytest.raises(ComparisonError, match="2 to 26 evaluations, not 1"):
        compare(pair[0])


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("rows.jsonl", "{", "rows.jsonl is not what .*: line 1: Expecting property name"),
        ("rows.jsonl", '{"row_id": "r"}', "is not what .*: line 1: question: field required"),
        ("evaluation.json", "3", "not what this version"),
        ("evaluation.json", "{}", "evaluation.json is not .*: metrics: field required"),
    ],
)
def test_files_that_no_evaluation_leaves_are_named(
    pair: tuple[Path, Path], file: str, text: str, said: str
) -> None:
    (pair[1] / file).write_text(text)
    with pytest.raises(ComparisonError, match=said):
        compare(*pair)


def test_from_python_it_gives_data_frames_and_shows_itself(tmp_path: Path) -> None:
    scores = {"S": [1.0, 0.0, 1.0]}
    a = made_run(tmp_path / "a", scores)
    b = made_run(tmp_path / "b", {"S": [0.0, 0.0, 1.0]},
                 model={"endpoint_name": "e", "model_name": "<script>alert(1)"})  # fmt: skip
    comparison = compare(a, b)
    assert comparison.differences.loc[("B", "S"), "difference"] == pytest.approx(-1 / 3)
    assert list(comparison.rows["state"]) == ["worse", "same", "same"]
    assert comparison.rows.loc[0, "S.A"] == 1.0
    shown = comparison._repr_html_()
    assert "<script>" not in shown
    assert "-0.3333" in shown


@pytest.mark.slow
def test_two_runs_of_a_thousand_rows_take_seconds(tmp_path: Path) -> None:
    graded = {f"graded{i}": [(row * (i + 3) % 97) / 97 for row in range(1_000)] for i in range(6)}
    yes_no = {f"yes{i}": [float(row % (i + 2) == 0) for row in range(1_000)] for i in range(13)}
    a = made_run(tmp_path / "a", graded | yes_no)
    worse = {name: [max(n - 0.01, 0.0) for n in numbers] for name, numbers in graded.items()}
    b = made_run(tmp_path / "b", worse | yes_no)
    begun = time.monotonic()
    compare(a, b).write_html(tmp_path / "page.html")
    assert time.monotonic() - begun < 30  # 2 s on an idle machine; this one may be busy
    assert (tmp_path / "page.html").stat().st_size < 2_000_000
