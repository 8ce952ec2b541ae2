"""`try --variants`: one after the other, each paid answer once, compared and ranked at the end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from pipelines import WITHOUT_JUDGE, named
from running_aws import ConfigWriter, RunningAws
from test_try import in_folder

pytestmark = pytest.mark.integration

VARIANTS = {
    "again": {"budgets.min_rows": 5},
    "base": {},
    "gone": {"endpoint.name": "no-such-endpoint"},
    "worse": {"endpoint.name": "health-qa-worse"},
}


def test_they_share_what_is_paid_and_one_that_breaks_stops_none(
    aws: RunningAws, write_config: ConfigWriter, tmp_path: Path
) -> None:
    tracking = {"tracking_uri": aws.mlflow, "experiment": "tried-variants"}
    config = write_config(
        **named("tried-variants", mlflow=tracking, variants=VARIANTS, **WITHOUT_JUDGE)
    )
    asked = aws.calls("SAGEMAKER_RUNTIME")
    names = ("base", "again", "gone", "worse")
    options = ("--rows", "40", "--variants", *names, "--rank-by", "rougeL_fmeasure")
    done = aws.type("try", "--config", str(config), *options, folder=tmp_path)
    assert done.returncode == 3, done.stdout + done.stderr
    assert aws.calls("SAGEMAKER_RUNTIME") - asked == 80  # base and again have one set of answers
    assert "variant again (2 of 4): budgets.min_rows=5" in done.stdout
    assert "variant gone has no verdict: " in done.stderr
    assert "NO VERDICT: gone: " in done.stdout
    assert "no-such-endpoint" in done.stdout
    assert "ranking by rougeL_fmeasure (higher is better)" in done.stdout
    assert "again and base cannot be told apart: difference 0, " in done.stdout
    assert "again is better than worse: difference " in done.stdout

    [told] = (tmp_path / ".runs").glob("2*-variants/compare.json")
    document: dict[str, Any] = json.loads(told.read_text())
    assert [run["name"] for run in document["runs"]] == ["base", "again", "worse"]
    assert [absent["name"] for absent in document["absent"]] == ["gone"]
    assert [(place["name"], place["rank"]) for place in document["ranking"]["places"]] == [
        ("again", 1),
        ("base", 1),
        ("worse", 3),
    ]
    again = json.loads((told.parent / "again" / "evaluation.json").read_text())
    assert again["varied"] == {"variant": "again", "budgets.min_rows": "5"}
    page = (told.parent / "compare.html").read_text()
    assert "again is better than worse" in page
    assert "no-such-endpoint" in page

    client = MlflowClient(aws.mlflow)
    parents = {
        client.get_run(run["mlflow"]["run_id"]).data.tags["mlflow.parentRunId"]
        for run in document["runs"]
    }
    [parent] = parents
    names = [client.get_run(run["mlflow"]["run_id"]).info.run_name for run in document["runs"]]
    assert [str(name).partition(":")[0] for name in names] == ["✓ base", "✓ again", "✗ worse"]
    assert "again is better than worse" in client.get_run(parent).data.tags["mlflow.note.content"]


SCRIPT = """
from pipeline_definition import evaluate_variants
found = evaluate_variants({config!r}, rows=4, mlflow=False, rank_by="is_brief", variants={{
    "good": {{}},
    "worse": {{"endpoint.name": "health-qa-worse"}},
    "gone": {{"endpoint.name": "x"}},
}})
assert list(found.results) == ["good", "worse"] and list(found.broken) == ["gone"]
assert set(found.ranking["name"]) == {{"good", "worse"}}
assert found.comparison.findings.ranking.metric == "is_brief"
assert "gone has no verdict" in found._repr_html_()
one = evaluate_variants({config!r}, rows=4, mlflow=False, variants={{"good": {{}}}})
assert one.comparison is None and one.ranking is None and not one.broken
print("all said")
"""


def test_from_python_with_variants_of_its_own(
    aws: RunningAws, write_config: ConfigWriter, tmp_path: Path
) -> None:
    config = write_config(**named("variants-in-python", **WITHOUT_JUDGE))
    done = in_folder(aws, tmp_path, "-c", SCRIPT.format(config=str(config)))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all said" in done.stdout
