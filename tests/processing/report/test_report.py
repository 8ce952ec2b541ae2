"""evaluation.json holds the one verdict and everything behind it; the table shows the same."""

from __future__ import annotations

import copy
import json
import math
import re
from pathlib import Path
from typing import Any

import pytest
from judged_evaluation import judged_evaluation

from pipeline.executions.result_table import print_evaluation
from processing.config.gate import Slice, Threshold
from processing.dataset.rows import Row
from processing.endpoint.answers import Answer
from processing.endpoint.client import Call
from processing.endpoint.reply import Reply
from processing.mlflow_record.scores import Score, Scores
from processing.report.evaluation import Evaluation
from processing.report.evaluation_json import (
    METADATA_KEYS,
    evaluation_document,
    write_document,
)
from processing.report.rows_file import write_rows

TOPICS = ("heart", "first-aid / [bold]", "a.b")
THRESHOLDS = {
    "Correctness": Threshold(min=0.6, on="interval"),
    "a_scorer_with_quite_a_long_name_": Threshold(min=0.9, tier="soft"),
    "Nothing": Threshold(min=0.5, tier="monitor"),
    "latency_p95_ms": Threshold(min=1, max=2000),
}
ROWS = 40


def evaluation(wrong: int = 4) -> Evaluation:
    """40 rows, one unanswered, one on which a judge failed, `wrong` judged as wrong."""
    answers = [answer(i) for i in range(ROWS)]
    scores: Scores = {}
    for i, given in enumerate(answers[:-1]):
        right = Score(1.0, "yes", "fine", None) if i >= wrong else Score(0.0, "no", "wrong", None)
        scores[given.row.row_id] = {
            "Correctness": Score(None, "error", None, "throttled") if i == 20 else right,
            "a_scorer_with_quite_a_long_name_": Score(0.125 + i / 100, "0.1", None, None),
            "Nothing": Score(None, "error", None, "timed out"),
        }
    return judged_evaluation(
        answers,
        scores,
        THRESHOLDS,
        sliced=Slice(min_rows=10, thresholds={"Correctness": Threshold(min=0.5)}),
        against=("Correctness", 0.25, [(1.0, 1.0)] * 38 + [(None, 1.0), (0.0, 1.0)]),
        intervals={"Correctness": {"numbers": "monotone"}},
        number_rules={"Correctness": "yes = 1, no = 0"},
    )


def answer(i: int) -> Answer:
    row = Row(f"{i:016x}", f"question {i}", "expected", None, {"topic": TOPICS[i % 3]})
    reply = Reply("an answer", 10, 20 + i) if i < ROWS - 1 else None
    error = None if reply else "HTTP 503"
    return Answer(row, {}, Call(reply, error, 1, 100.0 + i, 0, 1))


@pytest.fixture
def document(tmp_path: Path) -> dict[str, Any]:
    return written(evaluation(), tmp_path)


def written(found: Evaluation, folder: Path) -> dict[str, Any]:
    write_rows(found, folder)
    write_document(evaluation_document(found), folder)

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    text = (folder / "evaluation.json").read_text()
    document: dict[str, Any] = json.loads(text, parse_constant=refuse)
    return document


def test_every_metric_says_what_it_rests_on(document: dict[str, Any]) -> None:
    metric = document["metrics"]["Correctness"]
    assert (metric["n"], metric["errors"], metric["coverage"]) == (38, 1, 0.95)
    assert metric["value"] == pytest.approx(34 / 38)
    assert metric["low"] < metric["value"] < metric["high"]
    assert metric["method"].startswith("Wilson")
    assert metric["higher_is_better"] is True
    assert document["metrics"]["Nothing"] == {
        "value": None, "n": 0, "errors": 39, "not_applicable": 0, "not_asked": 0,
        "coverage": 0.0, "frequent_error": None,
        "standard_deviation": None, "low": None, "high": None, "method": "",
        "higher_is_better": True, "calibrated": None, "load": "",
    }  # fmt: skip
    latency = document["metrics"]["latency_p95_ms"]
    assert (latency["higher_is_better"], latency["n"], latency["high"]) == (False, 39, None)


def test_the_verdict_says_what_blocks_and_what_warns(document: dict[str, Any]) -> None:
    assert document["gate"]["passed"] == 1
    [warning] = document["gate"]["warnings"]
    assert warning.startswith("a_scorer_with_quite_a_long_name_ 0.307")
    interval = document["thresholds"]["MinCorrectness"]
    assert (interval["on"], interval["tier"], interval["passed"]) == ("interval", "hard", 1)
    # both rows without a number count as wrong: the lower end of Wilson's interval for 34 of 40
    assert interval["compared"] == pytest.approx(0.7093, abs=5e-5)
    assert document["thresholds"]["MinNothing"]["tier"] == "monitor"
    assert document["thresholds"]["MinNothing"]["passed"] == 0


def test_slices_are_entries_whatever_their_values_are(document: dict[str, Any]) -> None:
    assert [found["slice"] for found in document["slices"]] == sorted(TOPICS)
    assert {found["rows"] for found in document["slices"]} == {13, 14}
    assert all(found["measured"]["low"] is not None for found in document["slices"])


def test_the_champion_s_comparison_is_kept(document: dict[str, Any]) -> None:
    champion = document["champion"]
    assert champion["state"] == "compared"
    assert champion["mlflow_run_id"] == "run-1"
    metric = champion["metrics"]["Correctness"]
    assert (metric["pairs"], metric["missing"], metric["passed"]) == (39, 1, 1)
    assert metric["compared"] < metric["low"] < metric["difference"] < 0


def test_what_others_read_has_the_shape_that_they_read(document: dict[str, Any]) -> None:
    """JsonGet's paths, Model Monitor's statistics, the registry's metadata."""
    for key in [*document["thresholds"], *document["metadata"]]:
        assert re.fullmatch(r"[A-Za-z0-9_\-]+", key)
    for block in document["thresholds"].values():
        assert math.isfinite(block["compared"])
    measured = document["regression_metrics"]["Correctness"]
    assert measured.keys() == {"value", "standard_deviation"}
    assert "Nothing" not in document["regression_metrics"]
    assert tuple(document["metadata"])[: len(METADATA_KEYS)] == METADATA_KEYS
    for value in document["metadata"].values():
        assert re.fullmatch(r"[\w .:/=+\-@]{1,256}", value)


def test_the_model_card_has_the_sdk_s_shape_and_the_report_s_numbers(
    document: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")  # the SDK's import wants one
    from sagemaker.core.shapes.model_card_shapes import ModelCardContent

    card = json.loads(document["model_card"])
    assert len(document["model_card"]) < 100_000
    held = ModelCardContent.model_validate(card).model_dump(exclude_none=True)
    assert held == card, "a key that the schema does not have is dropped"
    assert card["model_overview"].keys() == {"model_creator", "model_artifact"}
    [details] = card["evaluation_details"]
    groups = {group["name"]: group["metric_data"] for group in details["metric_groups"]}
    assert groups.keys() == {"Quality", "Latency and tokens", "Slices"}
    shown = {metric["name"]: metric for group in groups.values() for metric in group}
    for name, metric in document["metrics"].items():
        assert shown[name]["value"] == (metric["value"] if metric["value"] is not None else "none")
    assert "errors=1; 95 % interval 0.7587 to 0.9583" in shown["Correctness"]["notes"]
    assert "threshold min 0.6 (hard) holds" in shown["Correctness"]["notes"]
    assert details["metadata"]["evaluation_fingerprint"] == document["fingerprint"]


def test_the_rule_that_makes_numbers_is_told(document: dict[str, Any]) -> None:
    assert "unknown included, is an error" in document["number_rule"]
    assert document["number_rules"] == {"Correctness": "yes = 1, no = 0"}


def test_the_table_fits_into_a_log_and_says_what_the_file_says(
    document: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    print_evaluation(document)
    lines = capsys.readouterr().out.splitlines()
    told = [line for line in lines if line.startswith(("quality gate:", "warning:", "champion:"))]
    assert max(len(line) for line in lines if line not in told) <= 100
    text = "\n".join(lines)
    assert re.search(
        r"Correctness +0\.8947 +0\.7587\.\.0\.9583 +38 +1 +min 0\.6\* +hard +holds", text
    )
    assert re.search(r"latency_p95_ms .* min 1 +hard +holds *\n +max 2000 +hard +holds", text)
    assert re.search(r"a_scorer_with_quite_a_long.* min 0\.9 +soft +missed", text)
    assert re.search(r"Nothing +none +- +0 +39 +min 0\.5 +monitor +missed", text)
    assert "topic=first-aid / [bold]:" in text
    assert any(line.startswith("champion: Correctness -0.02564 (") for line in lines)
    assert f"quality gate: PASSED: {document['gate']['summary']}" in lines


def test_nothing_in_the_table_commands_the_terminal(
    document: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """`try` prints what it has just made, as `status` prints what a job has left."""
    evil = "x\x1b[2J\u202e\u2028\r\x9b\nquality gate: PASSED"
    changed = copy.deepcopy(document)
    changed["model"]["model_name"] = changed["gate"]["summary"] = evil
    changed["gate"]["warnings"] = [evil]
    changed["metrics"][evil] = {**changed["metrics"]["Nothing"], "errors": 1,
                                "frequent_error": {"count": 1, "text": evil}}  # fmt: skip
    changed["champion"]["metrics"] = {evil: next(iter(document["champion"]["metrics"].values()))}
    for found in changed["slices"]:
        found["slice"] = evil
    print_evaluation(changed)
    out = capsys.readouterr().out
    assert all(line.isprintable() for line in out.split("\n"))
    verdicts = [line for line in out.splitlines() if line.startswith("quality gate:")]
    assert len(verdicts) == 1
    assert r"x\x1b[2J\u202e\u2028\r\x9b\nquality gate" in verdicts[0]


def test_the_table_says_what_is_too_little_to_tell(
    document: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    swapped = {"scorer": "Correctness", "rejected": 0, "asked": 0, "errors": 0}
    change = {"change": None, "low": None, "high": None, "unknown": "few", "worse": False}
    drift = {"failure": "", "runs": ["one"], "metrics": {"Correctness": change}}
    print_evaluation({**document, "swapped_answers": [swapped], "drift": drift})
    lines = capsys.readouterr().out.splitlines()
    assert "drift: 1 earlier run to hold the metrics against, and a change shows from 2 on" in lines
    assert "swapped answers rejected: Correctness had none to reject" in lines


def test_a_missed_hard_threshold_is_missed_everywhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = written(evaluation(wrong=16), tmp_path)
    assert document["gate"]["passed"] == 0
    assert "lower end of the 95 % interval, 0.3983 < min 0.6" in document["gate"]["summary"]
    bound = document["thresholds"]["MinCorrectness"]
    assert bound["compared"] < bound["bound"]
    print_evaluation(document)
    text = capsys.readouterr().out
    assert re.search(r"Correctness .* MISSED", text)
    assert f"quality gate: NOT PASSED: {document['gate']['summary']}" in text
