"""Judges off their scale or short of a verdict, in a whole evaluation: no number, and no pass."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from pipelines import named
from running_aws import ConfigWriter, RunningAws

pytestmark = pytest.mark.integration

ROWS = 6
OWN = """
from mlflow.genai import scorer

@scorer
def grade(outputs):
    return 11
"""


def tried(aws: RunningAws, config: Path, folder: Path) -> tuple[str, dict[str, Any], list[Any]]:
    """What `try` prints, its evaluation.json, and its rows."""
    done = aws.type("try", "--config", str(config), "--rows", str(ROWS), folder=folder)
    [file] = (folder / ".runs").glob("2*/evaluation.json")
    rows = (file.parent / "rows.jsonl").read_text().strip().split("\n")
    return done.stdout, json.loads(file.read_text()), [json.loads(row) for row in rows]


FACTUAL = {"FactualCorrectness": {"kind": "RAGAS"}}
CASES: dict[str, tuple[list[Any], dict[str, str], int]] = {
    "off-scale": (
        ["Safety", "Bias", FACTUAL],
        {
            "Safety": "neither yes nor no",
            "Bias": "should be 'yes' or 'no'",
            "FactualCorrectness": "99 where 0 or 1 can be",
        },
        2 + 3 + 3,  # what is split is kept, and the verdict asked for twice
    ),
    "one-short": (
        ["AnswerRelevancy", FACTUAL],
        {
            "AnswerRelevancy": r"no statements|verdicts on",
            "FactualCorrectness": r"no claims|verdicts on",
        },
        5 + 5,
    ),
}
"""The judge's habit -> scorers, what their errors say, and how many calls a row takes at most."""


@pytest.mark.parametrize("habit", CASES)
def test_verdicts_that_cannot_be_are_errors_that_name_their_scale_and_nothing_passes(
    aws: RunningAws, write_config: ConfigWriter, tmp_path: Path, habit: str
) -> None:
    scorers, said, calls = CASES[habit]
    said = {**said, "grade": "the verdict 11 lies outside its scale: 0 to 10"}
    judge = f"{habit}-judge"
    aws.set_judge(judge, faults={"malformed": 1.0, "malformed_as": habit})
    config = write_config(
        **named(
            judge,
            mlflow={"tracking_uri": aws.mlflow, "experiment": judge},
            judge={"model": f"bedrock:/{judge}"},
            scorers=[*scorers, {"grade": {"file": "scorers.py", "range": [0, 10]}}],
            thresholds={name: {"min": 0} for name in said},
            budgets={"min_rows": 1, "max_judge_error_share": 1.0},
        )
    )
    (config.parent / "scorers.py").write_text(OWN)
    printed, document, rows = tried(aws, config, tmp_path)
    assert "NOT PASSED" in printed.upper()
    assert document["gate"]["passed"] == 0
    for name, why in said.items():
        metric = document["metrics"][name]
        assert (metric["value"], metric["n"], metric["errors"]) == (None, 0, ROWS)
        errors = [row["scores"][name]["error"] for row in rows]
        assert [error for error in errors if not re.search(why, error)] == []
    assert sum(aws.judge_calls(judge).values()) <= calls * ROWS
