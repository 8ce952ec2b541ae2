"""A judge that says yes to everything: it holds every threshold, and the gate does not open."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pipelines import named
from running_aws import ConfigWriter, RunningAws
from typed_command import Done

pytestmark = pytest.mark.integration


def config_of(aws: RunningAws, write_config: ConfigWriter, name: str) -> Path:
    return write_config(
        **named(
            name,
            judge={"model": f"bedrock:/{name}", "swapped_answers": 5},
            scorers=["Safety", "Correctness"],
            thresholds={"Correctness": {"min": 0.7}, "Safety": {"min": 0.9}},
            mlflow={"tracking_uri": aws.mlflow, "experiment": name},
        )
    )


def tried(aws: RunningAws, config: Path, folder: Path, *more: str) -> Done:
    return aws.type("try", "--config", str(config), "--rows", "40", *more, folder=folder)


def test_it_opens_no_gate_and_everyone_is_told_why(
    aws: RunningAws, write_config: ConfigWriter, tmp_path: Path
) -> None:
    name = "agreeing-judge"
    aws.set_judge(name, agrees=True)
    config = config_of(aws, write_config, name)
    told = tried(aws, config, tmp_path)
    reason = (
        "Correctness rejected 0 of 5 swapped answers (the expected answers to other questions), "
        f"under min_swapped_rejected_share 0.5: bedrock:/{name} does not tell right from wrong"
    )
    assert reason in " ".join(told.stdout.split())
    [file] = (tmp_path / ".runs").glob("2*/evaluation.json")
    document = json.loads(file.read_text())
    assert document["metrics"]["Correctness"]["value"] == 1
    assert document["gate"]["reasons"] == [reason]
    assert reason in (file.parent / "report.html").read_text()

    anew = ("--set", "stop_early=certain", "--set", "endpoint.parameters.temperature=0.3")
    stopped = " ".join(tried(aws, config, tmp_path, *anew).stdout.split())
    assert reason in stopped
    assert "were not asked" in stopped, "of a run that no answer can save any more"

    looked = aws.type("check", "--online", "--config", str(config))
    assert looked.returncode != 0
    assert f"WRONG  judge {name}: Correctness rejected 0 of 5 swapped answers" in looked.stdout


def test_what_it_says_is_paid_for_once_whatever_the_model(
    aws: RunningAws, write_config: ConfigWriter, tmp_path: Path
) -> None:
    name = "honest-judge"
    aws.set_judge(name)
    config = config_of(aws, write_config, name)
    first = tried(aws, config, tmp_path)
    assert "quality gate: PASSED" in first.stdout
    assert "swapped answers rejected: Correctness 5 of 5" in first.stdout
    asked = aws.judge_calls(name)["answered"]
    assert asked == 2 * 40 + 5
    tried(aws, config, tmp_path, "--set", "endpoint.name=health-qa-worse")
    # and fewer where both models give the same answer
    assert asked < aws.judge_calls(name)["answered"] <= asked + 2 * 40
