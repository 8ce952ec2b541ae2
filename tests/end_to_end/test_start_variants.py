"""`start --variants`: an execution for each, compared and ranked when all of them have ended."""

from __future__ import annotations

import json
import re
import shlex
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from pipelines import WITHOUT_JUDGE, named, packages, read_s3, start_arguments
from running_aws import REPOSITORY, ConfigWriter, RunningAws

pytestmark = pytest.mark.integration

NAME = "start-variants"
VARIANTS = {
    "again": {"thresholds.is_brief.min": 0.5},
    "base": {},
    "gone": {"endpoint.name": "no-such-endpoint"},
    "worse": {"endpoint.name": "health-qa-worse"},
}


@pytest.fixture
def upserted(aws: RunningAws, write_config: ConfigWriter) -> Path:
    config = write_config(**named(NAME, variants=VARIANTS, **WITHOUT_JUDGE))
    done = aws.type("upsert", "--config", str(config))
    assert done.returncode == 0, done.stderr
    return config


@pytest.fixture
def told() -> Iterator[Any]:
    """What the newest comparison's compare.json says; what the test left below .runs/ goes."""
    folder = REPOSITORY / ".runs"
    before = set(folder.glob("compare-*"))

    def read() -> Any:
        [made] = set(folder.glob("compare-*")) - before
        assert (made / "compare.html").is_file()
        return json.loads((made / "compare.json").read_text())

    yield read
    for made in set(folder.glob("compare-*")) - before:
        for file in made.iterdir():
            file.unlink()
        made.rmdir()


def started(output: str) -> list[str]:
    return re.findall(r"^started \S+/execution/(\S+)$", output, re.MULTILINE)


def test_each_has_its_verdict_and_one_that_breaks_stops_none(
    aws: RunningAws, upserted: Path, told: Any
) -> None:
    asked, there = aws.calls("SAGEMAKER_RUNTIME"), len(packages(aws, NAME))
    arguments = start_arguments(aws, upserted)
    done = aws.type(*arguments, "--variants", "--one-by-one", "--rank-by", "rougeL_fmeasure")
    assert done.returncode == 3, done.stdout + done.stderr
    assert aws.calls("SAGEMAKER_RUNTIME") - asked == 80  # base and again have one set of answers
    ids = started(done.stdout)
    assert len(ids) == 4
    assert re.search(r"^as base-health-qa-good-\d{4}-", done.stdout, re.MULTILINE)
    assert re.search(r"^gone +EvaluateModel +Failed", done.stdout, re.MULTILINE)
    assert "NO VERDICT: gone: execution " in done.stdout
    assert "again is better than worse: difference " in done.stdout
    document = told()
    places = {place["name"]: place for place in document["ranking"]["places"]}
    assert {name: place["rank"] for name, place in places.items()} == {
        "again": 1,
        "base": 1,
        "worse": 3,
    }
    assert [absent["name"] for absent in document["absent"]] == ["gone"]
    assert "no-such-endpoint" in document["absent"][0]["why"]
    assert "other thresholds" in {found["kind"] for found in document["mismatches"]}
    by_name = dict(zip(sorted(VARIANTS), ids, strict=True))
    folder = f"s3://llm-evaluation-demo/{NAME}/runs/{by_name['again']}/evaluation"
    again = json.loads(read_s3(aws, f"{folder}/evaluation.json"))
    assert again["varied"] == {"variant": "again", "thresholds.is_brief.min": "0.5"}
    assert again["thresholds"]["MinIsBrief"]["bound"] == 0.5
    assert len(packages(aws, NAME)) - there == 2  # again and base passed
    client = MlflowClient(aws.mlflow)
    parents = {
        client.get_run(run["mlflow"]["run_id"]).data.tags["mlflow.parentRunId"]
        for run in document["runs"]
    }
    assert len(parents) == 1


def test_one_that_is_not_passed_makes_the_exit_code_1(
    aws: RunningAws, upserted: Path, told: Any
) -> None:
    arguments = start_arguments(aws, upserted)
    done = aws.type(*arguments, "--variants", "base", "worse")
    assert done.returncode == 1, done.stdout + done.stderr
    assert [run["verdict"] for run in told()["runs"]] == ["passed", "not passed"]


def test_without_wait_it_says_how_to_compare_them(aws: RunningAws, upserted: Path) -> None:
    arguments = [part for part in start_arguments(aws, upserted) if part != "--wait"]
    done = aws.type(*arguments, "--variants", "base", "again")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "note: base and again ask the endpoint the same" in done.stderr
    line = re.search(r"^  python pipeline_definition\.py (compare .+)$", done.stdout, re.MULTILINE)
    assert line
    ids = started(done.stdout)
    assert line[1].split()[1:3] == ids
    sagemaker = aws.client("sagemaker")
    account = "arn:aws:sagemaker:us-east-1:123456789012"
    for execution in ids:
        arn = f"{account}:pipeline/{NAME}/execution/{execution}"
        while (
            sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)[
                "PipelineExecutionStatus"
            ]
            == "Executing"
        ):
            time.sleep(0.3)
    page = upserted.parent / "page.html"
    compared = aws.type(*shlex.split(line[1]), "--html", str(page))
    assert compared.returncode == 0, compared.stderr
    assert f"A: base ({ids[0]})" in compared.stdout
    assert f"again ({ids[1]})" in compared.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--one-by-one"], "--one-by-one starts variants after one another"),
        (["--rank-by", "is_brief"], "--rank-by ranks variants"),
        (["--variants", "bass"], "has no variant 'bass', did you mean 'base'"),
        (["--variants", "--rank-by", "latency_p95_ms"], "no row has a number of"),
        (["--variants", "--set", "endpoint.name=x"], "--set endpoint.name: is a parameter"),
        (
            ["--variants", "-p",
             "ModelPackageArn=arn:aws:sagemaker:us-east-1:123456789012:model-package/g/1"],
            "gone, worse override the endpoint",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_started_is_refused_before_anything_is(
    aws: RunningAws, upserted: Path, arguments: list[str], said: str
) -> None:
    done = aws.type("start", "--config", str(upserted), *arguments)
    assert done.returncode == 2, done.stdout
    assert said in done.stderr
    assert "started" not in done.stdout


def test_a_file_that_was_changed_since_is_to_be_upserted_first(
    aws: RunningAws, upserted: Path
) -> None:
    upserted.write_text(upserted.read_text() + "\n# changed\n")
    done = aws.type("start", "--config", str(upserted), "--variants")
    assert done.returncode == 2, done.stdout
    assert "--variants varies the file that was upserted" in done.stderr
