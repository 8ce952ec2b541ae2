"""`judge.repeats`: a judge that contradicts itself, and who is told of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from mlflow import MlflowClient
from pipelines import named
from running_aws import ConfigWriter, RunningAws

pytestmark = pytest.mark.integration


def test_a_judge_that_wavers_is_told_of_and_its_majority_decides(
    aws: RunningAws, write_config: ConfigWriter, tmp_path: Path
) -> None:
    name = "wavering-judge"
    aws.set_judge(name, wavers=0.15)
    config = write_config(
        **named(
            name,
            judge={"model": f"bedrock:/{name}", "swapped_answers": 2, "repeats": 3},
            scorers=["Correctness", "is_brief"],
            thresholds={"Correctness": {"min": 0.3}},
            mlflow={"tracking_uri": aws.mlflow, "experiment": name},
        )
    )
    planned = " ".join(aws.type("plan", "--rows", "40", "--config", str(config)).stdout.split())
    assert "one call, 3 times" in planned

    told = aws.type("try", "--rows", "40", "--config", str(config), folder=tmp_path).stdout
    assert aws.judge_calls(name)["answered"] == 3 * (40 + 2)

    [file] = (tmp_path / ".runs").glob("2*/evaluation.json")
    document = json.loads(file.read_text())
    rows = [json.loads(line) for line in (file.parent / "rows.jsonl").read_text().splitlines()]
    scores = [row["scores"]["Correctness"] for row in rows]
    assert all(len(score["verdicts"]) == 3 for score in scores)
    for score in scores:
        assert score["contradicted"] == (len(set(score["verdicts"])) > 1)
        assert score["value"] == (score["verdicts"].count("yes") >= 2)
    differing = sum(score["contradicted"] for score in scores)
    assert 0 < differing < 40
    found = document["repeats"]
    assert list(found) == ["Correctness"]
    assert (found["Correctness"]["contradicted"], found["Correctness"]["n"]) == (differing, 40)
    assert f"judges contradict themselves: Correctness {differing} of 40 rows" in told
    words = f"asked 3 times, contradicts itself on {differing} of 40 rows"
    assert words in (file.parent / "report.html").read_text()
    assert "verdicts" not in rows[0]["scores"]["is_brief"]

    client = MlflowClient(document["mlflow"]["tracking_uri"])
    metrics = client.get_run(document["mlflow"]["run_id"]).data.metrics
    assert metrics["details/Correctness.contradicted"] == pytest.approx(differing / 40)
    assert metrics["details/Correctness.contradicted_n"] == 40
