"""stop_early: a bad model is refused for a part of the money, with the verdict of the whole run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from pipelines import evaluation, named, packages, run, step_reason
from running_aws import ConfigWriter, RunningAws
from test_spending_caps import calls, rows_of
from test_try import in_folder

pytestmark = pytest.mark.integration

ROWS = 120
SCORERS: dict[str, Any] = {
    "scorers": ["rougeL_fmeasure", "Safety", "Correctness"],
    "thresholds": {"Safety": {"min": 0.5}, "Correctness": {"min": 0.9}},
    "dataset": {"sample_size": ROWS},
}


def test_a_model_that_cannot_pass_any_more_is_not_asked_further(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    name, before = "decided", calls(aws)
    config = write_config(**named(name, **SCORERS, stop_early="certain"))
    done = run(aws, config, "EndpointName=health-qa-worse")
    assert done.returncode == 1, done.stdout + done.stderr
    document = evaluation(aws, name, done.stdout)
    counts, stopped = document["counts"], document["stopped"]
    left = counts["not_asked"]
    assert stopped["rule"] == "certain"
    assert 0 < left < ROWS
    assert calls(aws) - before < 2 * ROWS, "of three calls a row"
    words = f"decided after {ROWS - left} of {ROWS} rows; {left} were not asked"
    assert stopped["words"].startswith(words)
    reason = document["gate"]["reasons"][0]
    assert reason.startswith("Correctness cannot reach 0.9 any more")
    assert words in reason
    assert "count as the worst" not in document["gate"]["summary"]
    assert document["metrics"]["Correctness"]["errors"] == 0
    assert document["thresholds"]["MinSafety"]["undecided"]

    # wherever a verdict stands
    execution = document["execution_arn"].rpartition("/")[2]
    assert words in step_reason(aws, name, execution, "GateFailed")
    assert words in done.stdout
    assert words in document["model_card"]
    rows = rows_of(aws, name, document)
    assert [row["asked"] for row in rows].count(False) == left
    assert packages(aws, name) == []
    mlflow = MlflowClient(aws.mlflow)
    recorded = mlflow.get_run(document["mlflow"]["run_id"])
    assert recorded.data.tags["stopped"] == stopped["words"]
    assert words in recorded.data.tags["reason"]
    assert words in recorded.data.tags["mlflow.note.content"]
    assert recorded.data.metrics["details/saved.calls"] > 0
    assert recorded.data.metrics["rows_not_asked"] == left
    assert recorded.data.metrics["Correctness/mean"] == document["metrics"]["Correctness"]["value"]


CASES = """
import json, sys
from pipeline_definition import evaluate
config, found = sys.argv[1], []
for number, endpoint in enumerate(["health-qa-good", "health-qa-worse"]):
    for bound in (0.6, 0.9):
        both = {}
        for mode in ("certain", "none"):
            vary = {"stop_early": mode, "thresholds.Correctness.min": bound}
            vary["endpoint.parameters.temperature"] = 0.01 * len(found)  # paid anew
            vary["judge.parameters.top_p"] = 0.9 + 0.001 * len(found)
            result = evaluate(config, rows=60, endpoint=endpoint, vary=vary)
            both[mode] = result.document
        found.append({
            "case": f"{endpoint} {bound}",
            "passed": [both[mode]["gate"]["passed"] for mode in ("certain", "none")],
            "stopped": both["certain"]["stopped"] and both["certain"]["stopped"]["rule"],
            "left": both["certain"]["counts"]["not_asked"],
            "whole": both["none"]["stopped"] is None,
        })
print("FOUND", json.dumps(found))
"""


def test_what_is_certain_is_what_the_whole_run_says(
    aws: RunningAws, write_config: ConfigWriter, tmp_path: Path
) -> None:
    """Four pairs of runs; the second of each pays only for what the first has left."""
    config = write_config(
        **named(
            "same-verdict",
            **SCORERS,
            mlflow={"tracking_uri": aws.mlflow, "experiment": "same-verdict"},
        )
    )
    done = in_folder(aws, tmp_path, "-c", CASES, str(config))
    assert "FOUND " in done.stdout, done.stdout + done.stderr
    found = json.loads(done.stdout.partition("FOUND ")[2].splitlines()[0])
    assert len(found) == 4
    for case in found:
        certain, whole = case["passed"]
        assert certain == whole, case
        assert case["whole"], case
        assert (case["stopped"] is None) or not certain, case
    assert any(case["left"] for case in found), found
    assert any(case["passed"][0] for case in found), found


def test_confident_says_by_which_rule_and_with_which_error(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    name = "confident"
    early = {"mode": "confident", "error": 0.1}
    changes = named(name, **SCORERS, stop_early=early)
    changes["thresholds"] = {"Correctness": {"min": 0.75}}
    done = run(aws, write_config(**changes), "EndpointName=health-qa-worse")
    assert done.returncode == 1, done.stdout + done.stderr
    document = evaluation(aws, name, done.stdout)
    assert document["stopped"]["rule"] == "confident"
    assert document["gate"]["passed"] == 0
    assert "by a sequential test (error 0.1)" in document["gate"]["reasons"][0]
    assert document["counts"]["not_asked"] > 0


def test_a_good_model_passes_early_and_its_package_says_so(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    name, before = "passed-early", calls(aws)
    early = {"mode": "confident", "for": "both", "error": 0.2}
    changes = named(name, **SCORERS, stop_early=early)
    changes["thresholds"] = {"Correctness": {"min": 0.5}}
    changes["budgets"] = {"min_rows": 20, "max_endpoint_error_share": 0.2}
    done = run(aws, write_config(**changes))
    assert done.returncode == 0, done.stdout + done.stderr
    document = evaluation(aws, name, done.stdout)
    stopped, left = document["stopped"], document["counts"]["not_asked"]
    assert stopped["kept"] == ["Correctness min 0.5"]
    assert 0 < left < ROWS
    assert calls(aws) - before < 2 * ROWS, "of three calls a row"
    words = f"decided as passed after {ROWS - left} of {ROWS} rows; {left} were not asked"
    assert words in done.stdout
    assert words in document["gate"]["summary"]
    assert words in document["model_card"]
    [package] = packages(aws, name)
    said = package["CustomerMetadataProperties"]["rows"]
    assert said == f"{ROWS - left} answered of {ROWS} {left} not asked - decided early"
    recorded = MlflowClient(aws.mlflow).get_run(document["mlflow"]["run_id"])
    assert recorded.data.tags["stopped"].startswith(words)
    assert words in recorded.data.tags["mlflow.note.content"]


def test_try_asks_all_of_its_rows_unless_the_file_says_otherwise(
    aws: RunningAws, write_config: ConfigWriter, tmp_path: Path
) -> None:
    changes = named("tried-whole", **SCORERS)
    changes["mlflow"] = {"tracking_uri": aws.mlflow, "experiment": "tried-whole"}
    config = write_config(**changes)
    text = config.read_text()
    config.write_text("\n".join(x for x in text.splitlines() if not x.startswith("stop_early")))
    for more, whole in ((), True), (("--set", "stop_early=certain"), False):
        arguments = ("--config", str(config), "--rows", "80", "--endpoint", "health-qa-worse")
        # another request for each, so that nothing is kept
        paid = ("--set", f"endpoint.parameters.temperature={0.1 + whole / 10}")
        fresh = ("--set", f"judge.parameters.top_p={0.8 + whole / 10}")
        done = aws.type("try", *arguments, *paid, *fresh, *more, folder=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        assert ("were not asked" in done.stdout) is not whole, done.stdout
