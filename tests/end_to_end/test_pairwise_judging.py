"""`try`, `try` again, `compare`: which answers the judge prefers, paid for once and for all."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from pipelines import named
from running_aws import ConfigWriter, RunningAws
from test_compare_runs import compared, tried

pytestmark = pytest.mark.integration

JUDGE = "BEDROCK_RUNTIME"


def answers(folder: Path) -> dict[str, str]:
    lines = (folder / "rows.jsonl").read_text().splitlines()
    return {row["row_id"]: row["answer"] for row in map(json.loads, lines)}


@pytest.fixture
def config(aws: RunningAws, write_config: ConfigWriter) -> Path:
    aws.set_judge("pairwise-fair")
    aws.set_judge("pairwise-biased", prefers="first")
    return write_config(
        **named(
            "pairwise",
            mlflow={"tracking_uri": aws.mlflow, "experiment": "pairwise"},
            judge={"model": "bedrock:/pairwise-fair"},
            scorers=[
                "rougeL_fmeasure",
                {"preferred": {"kind": "pairwise", "with_expected_response": True}},
                {"biased": {"kind": "pairwise", "judge": {"model": "bedrock:/pairwise-biased"}}},
            ],
            thresholds={"rougeL_fmeasure": {"min": 0.35}},
            prices={"pairwise-fair": {"input_per_million": 3, "output_per_million": 15}},
        )
    )


def test_two_tried_models_are_compared_by_the_judge_and_nothing_is_paid_for_twice(
    aws: RunningAws, config: Path, tmp_path: Path
) -> None:
    before = aws.calls(JUDGE)
    checked = aws.type("check", "--config", str(config), folder=tmp_path)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "1 scorers and 2 more for `compare`" in checked.stdout
    good = tried(aws, tmp_path, config)
    worse = tried(aws, tmp_path, config, "--endpoint", "health-qa-worse")
    assert aws.calls(JUDGE) == before  # no evaluation asks them
    metrics = json.loads((good / "evaluation.json").read_text())["metrics"]
    assert not {"preferred", "biased"} & set(metrics)

    out, document = compared(aws, tmp_path, good.name, worse.name, "--mlflow")
    ours, theirs = answers(good), answers(worse)
    differ = sum(ours[row] != theirs[row] for row in ours)
    fair, biased = document["pairwise"]
    assert (fair["asked"], biased["asked"]) == (differ, differ)
    assert aws.calls(JUDGE) - before == 4 * differ
    assert (fair["state"], fair["missing"], fair["order_disagreement_share"]) == ("worse", 0, 0)
    assert fair["high"] < 0.5
    assert (biased["wins"], biased["losses"], biased["order_disagreement_share"]) == (0, 0, 1)
    worse_rows = [row for row in document["rows"] if "preferred" in row["worse"]]
    assert len(worse_rows) == fair["losses"]

    mlflow = MlflowClient(aws.mlflow)
    address = re.search(r"MLflow: +\S+/runs/(\w+)", out)
    assert address
    parent = mlflow.get_run(address[1]).data
    assert parent.metrics["preferred/B_against_A/win_rate"] == fair["win_rate"]
    assert parent.metrics["biased/B_against_A/order_disagreement_share"] == 1
    assert "preferred: B against A worse, win rate" in parent.tags["mlflow.note.content"]

    asked = aws.calls(JUDGE)
    mirrored = compared(aws, tmp_path, worse.name, good.name)[1]["pairwise"][0]
    assert (mirrored["wins"], mirrored["losses"]) == (fair["losses"], fair["wins"])
    assert mirrored["win_rate"] == pytest.approx(1 - fair["win_rate"])
    assert aws.calls(JUDGE) == asked


def test_another_machine_finds_in_s3_what_was_paid_for(
    aws: RunningAws, config: Path, tmp_path: Path
) -> None:
    good = tried(aws, tmp_path, config)
    worse = tried(aws, tmp_path, config, "--endpoint", "health-qa-worse")
    file = ("--config", str(config))
    out, first = compared(aws, tmp_path, good.name, worse.name, *file)
    assert "spent: " in out
    shutil.rmtree(tmp_path / ".runs" / "store")
    asked = aws.calls(JUDGE)
    second: dict[str, Any] = compared(aws, tmp_path, good.name, worse.name, *file)[1]
    assert aws.calls(JUDGE) == asked
    assert second["pairwise"] == first["pairwise"]
