"""The result in a terminal of 80 columns: what decides stands first, and no number is lost."""

from __future__ import annotations

import copy
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from html_report import evaluation
from running_aws import REPOSITORY
from terminal_screen import on_terminal

from pipeline.executions.result_table import print_evaluation
from processing.report.evaluation_json import evaluation_document

PRINT = (
    "import json, sys; from pipeline.executions.result_table import print_evaluation; "
    "print_evaluation(json.load(open(sys.argv[1])))"
)


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return evaluation_document(evaluation(good=0.7))


def test_missed_thresholds_come_first_and_those_without_any_last(
    document: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    print_evaluation(document)
    table = capsys.readouterr().out.partition("Slices")[0].splitlines()
    words = [line.split()[-1] for line in table if line.startswith(" ") and line.split()][2:]
    assert words[:3] == ["MISSED", "MISSED", "MISSED"]
    assert words == sorted(words, key=["MISSED", "missed", "holds", "-"].index)


def test_long_numbers_leave_room_for_names_and_for_each_other(
    document: dict[str, Any], tmp_path: Path
) -> None:
    file, document = tmp_path / "evaluation.json", copy.deepcopy(document)
    long = {"value": 123456.7, "low": 112345.6, "high": 234567.8, "n": 100000, "errors": 12345}
    document["metrics"]["latency_p99_ms"] |= long
    document["metrics"]["Bias"] |= {"value": -1.2345e-05, "low": -0.000234567, "high": 0.000123456}
    file.write_text(json.dumps(document))
    command = [sys.executable, "-c", PRINT, str(file)]
    screen = on_terminal(command, dict(os.environ), REPOSITORY, columns=80).screen
    for number in ("1.235e+05", "1.123e+05", "2.346e+05", "100000", "12345 err"):
        assert number in screen.text
    for number in ("-1.234e-05", "-0.0002346", "0.0001235"):
        assert number in screen.text
    assert "\N{HORIZONTAL ELLIPSIS}" not in screen.text
    lines = [line.split()[0] for line in screen.lines if line.split()]
    assert {"Correctness", "Safety", "latency_p99"} <= {line[:11] for line in lines}


def test_which_way_is_better_is_told(
    document: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    print_evaluation(document)
    out = capsys.readouterr().out
    assert "latency_p95_ms (low)" in out
    assert "(low): lower is better; of all other metrics, higher" in out


@pytest.mark.slow
def test_check_breaks_its_lines_between_words() -> None:
    command = [sys.executable, "pipeline_definition.py", "check"]
    done = on_terminal(command, dict(os.environ), REPOSITORY, columns=80)
    assert done.exit_code == 0
    told = " ".join(line.strip() for line in done.screen.lines)
    for words in ("RelevanceToQuery, Correctness", "a model 0.05 better than", "threshold errs in"):
        assert words in told
