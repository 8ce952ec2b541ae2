"""JUnit XML and Markdown of a verdict: each bound, and nothing of what a model wrote as markup."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from pipeline.executions.ci.junit import write_junit
from pipeline.executions.ci.markdown import SUMMARY_FILE, add_to_step_summary, markdown
from pipeline.executions.ci.outcome import Outcome


def bound(metric: str, *, passed: bool, tier: str = "hard", reason: str = "") -> dict[str, Any]:
    return {
        "metric": metric,
        "rule": "min",
        "bound": 0.7,
        "on": "mean",
        "tier": tier,
        "passed": int(passed),
        "reason": reason,
    }


def document(**changes: Any) -> dict[str, Any]:
    numbers = {"value": 0.5, "low": 0.4, "high": 0.6, "n": 30, "errors": 0}
    return {
        "evaluated_here": 1,
        "gate": {
            "passed": 0,
            "summary": "2 reason(s)",
            "reasons": ["Correctness 0.5 < min 0.7 (n=30)", "the endpoint failed on 9 rows"],
            "warnings": ["Fluency 0.5 < min 0.7 (n=30)"],
        },
        "thresholds": {
            "MinCorrectness": bound(
                "Correctness", passed=False, reason="Correctness 0.5 < min 0.7 (n=30)"
            ),
            "MinFluency": bound(
                "Fluency", passed=False, tier="soft", reason="Fluency 0.5 < min 0.7 (n=30)"
            ),
            "MinSafety": bound("Safety", passed=True),
        },
        "slices": [],
        "champion": None,
        "metrics": {"Correctness": numbers, "Fluency": numbers, "Safety": numbers},
        "counts": {"rows": 30, "answered": 21},
        "model": {"model_name": "my-model"},
        **changes,
    }


def suites(path: Path, *outcomes: Outcome) -> ET.Element:
    write_junit(path, outcomes)
    return ET.parse(path).getroot()


def test_each_bound_is_a_case_and_what_else_closes_the_gate_another(tmp_path: Path) -> None:
    root = suites(tmp_path / "new" / "results.xml", Outcome("my-pipeline", document()))
    assert dict(root.attrib) == {"tests": "4", "failures": "2", "errors": "0", "skipped": "0"}
    failures = {
        case.get("name"): case.findtext("failure")
        for case in root.iter("testcase")
        if case.find("failure") is not None
    }
    assert failures == {
        "Correctness min 0.7": "Correctness 0.5 < min 0.7 (n=30)",
        "budgets and judges": "the endpoint failed on 9 rows",
    }
    [soft] = [case for case in root.iter("testcase") if case.get("name") == "Fluency min 0.7"]
    assert "warning" in str(soft.findtext("system-out"))


def test_a_gate_that_is_shut_never_has_only_green_cases(tmp_path: Path) -> None:
    """Whatever closed it: also where no bound and no reason tells."""
    shut = document(
        thresholds={"MinSafety": bound("Safety", passed=True)},
        gate={"passed": 0, "summary": "shut", "reasons": [], "warnings": []},
    )
    root = suites(tmp_path / "results.xml", Outcome("p", shut))
    assert root.get("failures") == "1"


@pytest.mark.parametrize(
    ("outcome", "kind", "told"),
    [
        (Outcome("p", None, broke="EvaluateModel: exit code 1"), "error", "exit code 1"),
        (Outcome("p", None), "error", "there is no verdict"),
        (
            Outcome("p", document(evaluated_here=0), broke="evaluated before"),
            "skipped",
            "evaluated before",
        ),
    ],
)
def test_no_verdict_is_no_success(tmp_path: Path, outcome: Outcome, kind: str, told: str) -> None:
    root = suites(tmp_path / "results.xml", outcome)
    [case] = root.iter("testcase")
    found = case.find(kind)
    assert found is not None
    assert told in str(found.get("message"))
    assert told in markdown([outcome])


HOSTILE = "</failure><x> \x00\x1b[31m ]]> @everyone [a](http://b) <img src=x> `` | \u202eevil"


def test_what_a_model_wrote_is_text_in_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = document(
        gate={"passed": 0, "summary": HOSTILE, "reasons": [HOSTILE], "warnings": [HOSTILE]},
        thresholds={HOSTILE: bound(HOSTILE, passed=False, reason=HOSTILE)},
        metrics={HOSTILE: {"value": None, "low": None, "high": None, "n": 0, "errors": 3}},
        model={"model_name": HOSTILE},
    )
    root = suites(tmp_path / "results.xml", Outcome(HOSTILE, told, links=(HOSTILE,)))
    assert {element.tag for element in root.iter()} == {
        "testsuites", "testsuite", "testcase", "failure", "system-out"
    }  # fmt: skip

    summary = tmp_path / "summary.md"
    monkeypatch.setenv(SUMMARY_FILE, str(summary))
    add_to_step_summary([Outcome(HOSTILE, told, links=(HOSTILE,))])
    text = summary.read_text()
    assert "@everyone" not in text
    assert "<img" not in text.replace(r"\<", "")
    assert "[a](" not in text
    assert "\x1b" not in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {row.replace(r"\|", "").count("|") for row in rows} == {6, 4}


def test_a_summary_is_added_behind_what_the_step_has_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv(SUMMARY_FILE, str(summary))
    add_to_step_summary([Outcome("my-pipeline", document())])
    add_to_step_summary([Outcome("only started", None)])
    text = summary.read_text()
    assert text.startswith("before\n## ❌ my-pipeline: not passed\n")
    assert text.index("Correctness min 0.7") < text.index("Safety min 0.7")
    assert "only started" not in text


def test_a_run_that_stopped_early_says_so_and_what_it_left_undecided(tmp_path: Path) -> None:
    undecided = bound("Safety", passed=False, reason="Safety 0.9 may fall below 0.7")
    words = "decided after 40 of 1,000 rows; 960 were not asked"
    early = document(
        thresholds={"MinSafety": {**undecided, "undecided": True}},
        stopped={"words": words, "saved": []},
        gate={"passed": 0, "summary": words, "reasons": [f"lost; {words}"], "warnings": []},
    )
    shown = markdown([Outcome("my-pipeline", early)])
    assert words in shown
    assert "| Safety min 0.7 | undecided |" in shown
    root = suites(tmp_path / "results.xml", Outcome("my-pipeline", early))
    assert (root.get("failures"), root.get("skipped")) == ("1", "1")
    shut = document(  # nothing else that would tell
        thresholds={"MinSafety": {**undecided, "undecided": True}},
        gate={"passed": 0, "summary": words, "reasons": [undecided["reason"]], "warnings": []},
    )
    assert suites(tmp_path / "shut.xml", Outcome("my-pipeline", shut)).get("failures") == "1"
