"""`judge.panel`: three judges, each planned for, tried, asked, told of, and voted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from mlflow import MlflowClient
from pipelines import named
from running_aws import ConfigWriter, RunningAws

pytestmark = pytest.mark.integration

ROWS, SWAPPED = 40, 3
PRICE = {"input_per_million": 1.0, "output_per_million": 2.0}


def test_three_judges_vote_and_each_is_told_of(
    aws: RunningAws, write_config: ConfigWriter, tmp_path: Path
) -> None:
    names = [f"panel-{number}" for number in range(3)]
    for name, wavers in zip(names, (0.0, 0.2, 0.2), strict=True):
        aws.set_judge(name, wavers=wavers)
    config = write_config(
        **named(
            "panel",
            judge={"panel": [f"bedrock:/{name}" for name in names], "swapped_answers": SWAPPED},
            scorers=["Correctness", "is_brief"],
            thresholds={"Correctness": {"min": 0.3}},
            prices=dict.fromkeys(names, PRICE),
            mlflow={"tracking_uri": aws.mlflow, "experiment": "panel"},
        )
    )
    planned = json.loads(
        aws.type("plan", "--rows", str(ROWS), "--json", "--config", str(config)).stdout
    )
    asked = {each["service"]: each["calls"] for each in planned["services"]}
    assert [asked[name] for name in names] == [ROWS + SWAPPED] * 3
    assert {each["service"] for each in planned["scorers"]} == set(names)

    options = ("--rows", str(ROWS), "--config", str(config))
    told = aws.type("try", *options, folder=tmp_path).stdout
    assert [aws.judge_calls(name)["answered"] for name in names] == [ROWS + SWAPPED] * 3

    [file] = (tmp_path / ".runs").glob("2*/evaluation.json")
    document = json.loads(file.read_text())
    rows = [json.loads(line) for line in (file.parent / "rows.jsonl").read_text().splitlines()]
    scores = [row["scores"]["Correctness"] for row in rows]
    for score in scores:
        said = [each["shown"] for each in score["panel"]]
        assert score["value"] == (said.count("yes") >= 2)
    differ = sum(len({each["value"] for each in score["panel"]}) > 1 for score in scores)
    assert 0 < differ < ROWS
    found = document["panels"]["Correctness"]
    assert (found["differ"], found["n"]) == (differ, ROWS)
    assert 0 < found["alpha"]["low"] < found["alpha"]["value"] < found["alpha"]["high"] <= 1
    for place, judge in enumerate(found["judges"]):
        values = [score["panel"][place]["value"] for score in scores]
        assert judge == {
            "judge": f"bedrock:/{names[place]}",
            "mean": pytest.approx(sum(values) / ROWS),
            "n": ROWS,
            "errors": 0,
        }
    assert f"panel: {found['words']}" in told
    assert f"its judges differ on {differ} of {ROWS} rows" in (
        (file.parent / "report.html").read_text()
    )
    assert found["words"] in document["model_card"]
    assert document["scorers"]["Correctness"]["panel"] == [f"bedrock:/{name}" for name in names]
    assert len(document["swapped_answers"]) == 3
    assert document["judges"]["Correctness"]["cost"] > 0
    assert "panel" not in rows[0]["scores"]["is_brief"]

    client = MlflowClient(document["mlflow"]["tracking_uri"])
    metrics = client.get_run(document["mlflow"]["run_id"]).data.metrics
    assert metrics["details/Correctness.panel_alpha"] == pytest.approx(found["alpha"]["value"])
    for judge in found["judges"]:
        of = f"details/Correctness.judge.{judge['judge'].removeprefix('bedrock:/')}"
        assert metrics[f"{of}.mean"] == pytest.approx(judge["mean"])
        assert metrics[f"{of}.n"] == ROWS
