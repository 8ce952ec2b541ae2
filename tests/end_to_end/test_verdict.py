"""Slices and the champion, through the whole pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pipelines import WITHOUT_JUDGE, evaluation, named, packages, run, start
from running_aws import ConfigWriter, RunningAws

pytestmark = pytest.mark.integration


def test_a_worse_model_is_stopped_by_the_champion_though_every_threshold_holds(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    config = write_config(**named("champion", **{**WITHOUT_JUDGE, **low_thresholds()}))
    first = run(aws, config, "ApprovalStatus=Approved")
    assert first.returncode == 0, first.stdout + first.stderr
    assert "no champion yet: champion-group has no approved model package" in first.stdout
    assert evaluation(aws, "champion", first.stdout)["champion"]["state"] == "no champion yet"
    [champion] = packages(aws, "champion")

    again = start(aws, config)
    assert again.returncode == 0, again.stdout + again.stderr
    compared = evaluation(aws, "champion", again.stdout)["champion"]
    assert compared["state"] == "compared"
    assert compared["model_package_arn"] == champion["ModelPackageArn"]
    assert compared["metrics"]["rougeL_fmeasure"]["difference"] == 0
    assert compared["metrics"]["rougeL_fmeasure"]["pairs"] == 40

    worse = start(aws, config, "EndpointName=health-qa-worse")
    assert worse.returncode == 1
    document = evaluation(aws, "champion", worse.stdout)
    assert all(threshold["passed"] for threshold in document["thresholds"].values())
    [reason] = document["gate"]["reasons"]
    assert reason.startswith("rougeL_fmeasure may be worse than the champion's by 0.")
    assert reason in worse.stdout
    assert len(packages(aws, "champion")) == 2


def test_a_slice_that_misses_its_threshold_stops_the_model(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    slices = {
        "kind": {"min_rows": 5, "thresholds": {"rougeL_fmeasure": {"min": 0.2, "on": "interval"}}},
        "audience": {"min_rows": 12, "thresholds": {"rougeL_fmeasure": {"min": 0.9}}},
    }
    config = write_config(**named("slices", **WITHOUT_JUDGE, slices=slices))
    ended = run(aws, config)
    assert ended.returncode == 1
    document = evaluation(aws, "slices", ended.stdout)
    judged = {(s["column"], s["slice"]): s["passed"] for s in document["slices"]}
    assert judged["kind", "fact"] == 1
    assert judged["audience", "adults"] == 0
    assert all("where audience is" in reason for reason in document["gate"]["reasons"])
    assert any("too few rows to judge" in warning for warning in document["gate"]["warnings"])


def test_another_judge_than_the_champion_s_is_refused_or_asked_about_its_answers_too(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    name = "other-judge"
    for model in ("first-judge", "second-judge"):
        aws.set_judge(model)

    def config(judge: str, **champion: Any) -> Path:
        return write_config(
            **named(
                name,
                judge={"model": f"bedrock:/{judge}"},
                scorers=["Correctness"],
                thresholds={"Correctness": {"min": 0.01}},
                champion={"metrics": {"Correctness": {"margin": 0.9}}, **champion},
            )
        )

    first = run(aws, config("first-judge"), "ApprovalStatus=Approved")
    assert first.returncode == 0, first.stdout + first.stderr

    other = run(aws, config("second-judge"), "EndpointName=health-qa-worse")
    assert other.returncode == 1
    [reason] = evaluation(aws, name, other.stdout)["gate"]["reasons"]
    assert reason.startswith(
        "Correctness cannot be compared: the champion was judged by bedrock:/first-judge, this "
        "model by bedrock:/second-judge; champion.rejudge: true asks today's judge"
    )
    asked = aws.judge_calls("second-judge")["answered"]
    assert asked == 40

    mended = run(aws, config("second-judge", rejudge=True), "EndpointName=health-qa-worse")
    assert mended.returncode == 0, mended.stdout + mended.stderr
    calls = aws.judge_calls("second-judge")["answered"] - asked
    assert 0 < calls <= 40  # answers that both models gave have a verdict already
    document = evaluation(aws, name, mended.stdout)
    words = f"re-judged on 40 kept answers by bedrock:/second-judge (Correctness); {calls} calls"
    assert document["champion"]["rejudged"] == words
    assert words in " ".join(mended.stdout.split())
    [spent] = [each for each in document["spend"] if each["service"] == "second-judge"]
    assert spent["calls"] == calls
    compared = document["champion"]["metrics"]["Correctness"]
    assert (compared["pairs"], compared["champion_missing"]) == (40, 0)
    assert compared["difference"] < 0

    again = start(aws, config("second-judge", rejudge=True), "EndpointName=health-qa-worse")
    assert evaluation(aws, name, again.stdout)["champion"]["rejudged"].endswith("; 0 calls")


def low_thresholds() -> dict[str, Any]:
    return {
        "thresholds": {"rougeL_fmeasure": {"min": 0.01, "on": "interval"}},
        "champion": {"metrics": {"rougeL_fmeasure": {"margin": 0.15}}},
    }
