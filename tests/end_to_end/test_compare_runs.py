"""`compare` of what `try`, an execution, MLflow and the registry have: a good model and a worse."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from pipelines import WITHOUT_JUDGE, execution_id, named, packages, run
from running_aws import ConfigWriter, RunningAws
from test_try import in_folder
from typed_command import Done

pytestmark = pytest.mark.integration


def tried(aws: RunningAws, folder: Path, config: Path, *options: str) -> Path:
    before = set((folder / ".runs").glob("2*"))
    done = aws.type("try", "--config", str(config), "--rows", "40", *options, folder=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    [made] = set((folder / ".runs").glob("2*")) - before
    return made


def compared(aws: RunningAws, folder: Path, *arguments: str) -> tuple[str, dict[str, Any]]:
    told = folder / "told.json"
    done = aws.type("compare", *arguments, "--json", str(told), folder=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    document: dict[str, Any] = json.loads(told.read_text())
    return done.stdout, document


def states(document: dict[str, Any]) -> dict[str, str]:
    return {found["metric"]: found["state"] for found in document["differences"]}


def test_a_worse_model_is_told_from_a_good_one_wherever_their_runs_are(
    aws: RunningAws, write_config: ConfigWriter, tmp_path: Path
) -> None:
    tracking = {"tracking_uri": aws.mlflow, "experiment": "compared"}
    config = write_config(**named("compared", mlflow=tracking, **WITHOUT_JUDGE))
    good = tried(aws, tmp_path, config)
    worse = tried(aws, tmp_path, config, "--endpoint", "health-qa-worse")

    out, document = compared(aws, tmp_path, good.name, worse.name, "--mlflow")
    assert document["mismatches"] == []
    assert states(document)["rougeL_fmeasure"] == "worse"
    [found] = [d for d in document["differences"] if d["metric"] == "rougeL_fmeasure"]
    assert (found["pairs"], found["missing"]) == (40, 0)
    assert found["low"] <= found["difference"] <= found["high"] < 0
    page = next((tmp_path / ".runs").glob("compare-2*/compare.html")).read_text()
    assert "health-qa-worse" in page

    address = re.search(r"MLflow: +\S+/runs/(\w{32})", out)
    assert address
    parent = address[1]
    client = MlflowClient(aws.mlflow)
    assert {file.path for file in client.list_artifacts(parent, "comparison")} == {
        "comparison/compare.html",
        "comparison/compare.json",
    }
    for folder in (good, worse):
        run_id = json.loads((folder / "evaluation.json").read_text())["mlflow"]["run_id"]
        assert client.get_run(run_id).data.tags["mlflow.parentRunId"] == parent

    done = run(aws, config)
    assert done.returncode == 0, done.stdout + done.stderr
    execution = execution_id(done.stdout)
    [package] = packages(aws, "compared")
    worse_run = json.loads((worse / "evaluation.json").read_text())["mlflow"]["run_id"]
    names = [execution, worse_run, package["ModelPackageArn"], str(good)]
    _, of_all = compared(aws, tmp_path, *names, "--config", str(config))
    assert of_all["runs"][0]["name"] == execution
    assert of_all["mismatches"] == []
    by_run = {(d["run"], d["metric"]): d for d in of_all["differences"]}
    assert by_run["B", "rougeL_fmeasure"]["difference"] == pytest.approx(found["difference"])
    assert by_run["C", "rougeL_fmeasure"]["difference"] == 0
    assert by_run["D", "rougeL_fmeasure"]["difference"] == 0

    def compare(*names: str) -> Done:
        return aws.type("compare", *names, "--config", str(config), folder=tmp_path)

    gone = compare("abcdefghijkl", str(good))
    assert gone.returncode == 2
    assert "abcdefghijkl: pipeline compared has left no s3://" in gone.stderr
    gone = compare("0" * 32, str(good))
    assert gone.returncode == 2
    assert f"MLflow run {'0' * 32} on {aws.mlflow} has no evaluation/evaluation.json" in gone.stderr
    gone = compare(package["ModelPackageArn"][:-1] + "99", str(good))
    assert gone.returncode == 2
    assert "there is no model package" in gone.stderr


SCRIPT = """
from pipeline_definition import compare, evaluate
runs = [evaluate({config!r}, rows=20, endpoint=name, mlflow=False)
        for name in ("health-qa-good", "health-qa-worse")]
found = compare(*runs)
print(found.differences.loc[("B", "rougeL_fmeasure"), "pairs"], "pairs")
assert len(found.rows) == 20 and "difference" in found._repr_html_()
"""


def test_from_python_what_evaluate_gives_is_compared(
    aws: RunningAws, write_config: ConfigWriter, tmp_path: Path
) -> None:
    config = write_config(**named("compared-in-python", **WITHOUT_JUDGE))
    done = in_folder(aws, tmp_path, "-c", SCRIPT.format(config=str(config)))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "20 pairs" in done.stdout
