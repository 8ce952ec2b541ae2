"""The workflows of examples/ci, command by command, and what `start --wait` tells CI."""

from __future__ import annotations

import json
import os
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
import yaml
from pipelines import WITHOUT_JUDGE, named, start_arguments
from running_aws import REPOSITORY, ConfigWriter, RunningAws

pytestmark = pytest.mark.integration

EXAMPLES = REPOSITORY / "examples" / "ci"
HEAD = ["git", "-c", "user.name=x", "-c", "user.email=x@example.com"]


@pytest.fixture
def checkout(
    aws: RunningAws, write_config: ConfigWriter, tmp_path: Path, request: pytest.FixtureRequest
) -> Path:
    """What a runner has after the checkout of a change to the prompt, and this code."""
    name = request.node.name.replace("_", "-")[:40].strip("-")
    aws.add_endpoint(name)
    mlflow = {"tracking_uri": aws.mlflow, "experiment": name}
    config = write_config(**named("in-ci", endpoint={"name": name}, mlflow=mlflow, **WITHOUT_JUDGE))
    folder = tmp_path / "checkout"
    (folder / "prompts").mkdir(parents=True)
    (folder / "my.yaml").write_text(config.read_text())
    prompt = folder / "prompts" / "system.txt"
    prompt.write_text("Answer.")
    for command in (
        ["git", "init", "--quiet", "."],
        ["git", "add", "."],
        [*HEAD, "commit", "--quiet", "-m", "main"],
        ["git", "update-ref", "refs/remotes/origin/main", "HEAD"],
    ):
        subprocess.run(command, cwd=folder, check=True)
    prompt.write_text("Answer in one sentence.")
    (folder / ".venv").symlink_to(REPOSITORY / ".venv")
    (folder / "pipeline_definition.py").symlink_to(REPOSITORY / "pipeline_definition.py")
    return folder


def in_shell(aws: RunningAws, folder: Path, script: str, **environment: str) -> str:
    """As a runner has it: bash that ends at the first command that fails."""
    user = aws.as_user()
    user["env"] = {**user["env"], **environment}
    user["cwd"] = folder
    done = subprocess.run(["bash", "-eo", "pipefail", "-c", script], **user, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return str(done.stdout)


def test_the_github_workflow_comments_with_the_comparison(aws: RunningAws, checkout: Path) -> None:
    workflow = yaml.safe_load((EXAMPLES / "github-evaluate-prompt.yml").read_text())
    commands = {
        step["name"]: step["run"] for step in workflow["jobs"]["evaluate"]["steps"] if "run" in step
    }
    del commands["Install"]  # this checkout has its .venv
    gh = checkout / "bin" / "gh"
    gh.parent.mkdir()
    gh.write_text('#!/bin/sh\necho "$@" > commented.txt\n')
    gh.chmod(0o755)
    environment = {
        "ROWS": "40",
        "GITHUB_BASE_REF": "main",
        "GITHUB_STEP_SUMMARY": str(checkout / "summary.md"),
        "PULL_REQUEST": "7",
        "PATH": f"{gh.parent}:{os.environ['PATH']}",
    }
    for script in commands.values():
        in_shell(aws, checkout, script, **environment)

    assert "7 --body-file comment.md" in (checkout / "commented.txt").read_text()
    comment = (checkout / "comment.md").read_text()
    assert comment.startswith("```text\n")
    assert "rougeL_fmeasure" in comment
    head = json.loads((checkout / "head.json").read_text())
    assert head["verdict"] == "passed"
    assert head["evaluation"]["varied"] == {"endpoint.system_prompt": "Answer in one sentence."}
    cases = [case.get("name") for case in ET.parse(checkout / "results.xml").iter("testcase")]
    assert "rougeL_fmeasure min 0.35" in cases
    assert (checkout / "summary.md").read_text().count("## ✅") == 2


def test_the_gitlab_job_ends_with_the_gate(aws: RunningAws, checkout: Path) -> None:
    job = yaml.safe_load((EXAMPLES / "gitlab-evaluate-prompt.yml").read_text())["evaluate-prompt"]
    script = "\n".join(job["script"])
    in_shell(aws, checkout, script, ROWS="40", CI_MERGE_REQUEST_TARGET_BRANCH_NAME="main")
    assert ET.parse(checkout / "results.xml").getroot().get("failures") == "0"
    assert (checkout / "compare.html").is_file()


def test_a_shut_gate_is_told_to_ci_in_all_three_ways(
    aws: RunningAws, write_config: ConfigWriter, tmp_path: Path
) -> None:
    config = write_config(
        **named("ci-shut", **{**WITHOUT_JUDGE, "thresholds": {"rougeL_fmeasure": {"min": 0.99}}})
    )
    assert aws.type("upsert", "--config", str(config)).returncode == 0
    results, summary = tmp_path / "results.xml", tmp_path / "summary.md"
    user: dict[str, Any] = aws.as_user()
    user["env"] = {**user["env"], "GITHUB_STEP_SUMMARY": str(summary)}
    arguments = [*start_arguments(aws, config), "--json", "--junit", str(results)]
    done = subprocess.run(aws.command(*arguments), **user, check=False)
    assert done.returncode == 1, done.stderr
    told = json.loads(done.stdout)
    assert told["verdict"] == "not passed"
    assert next(step["name"] for step in told["steps"]) == "PrepareDataset"
    assert told["evaluation"]["gate"]["passed"] == 0
    [failure] = ET.parse(results).iter("failure")
    assert "< min 0.99" in str(failure.get("message"))
    assert "❌ ci-shut: not passed" in summary.read_text()
    assert "quality gate: NOT PASSED" in done.stderr  # people still see it in the log


def test_an_error_before_any_verdict_is_told_too(
    aws: RunningAws, write_config: ConfigWriter, tmp_path: Path
) -> None:
    config = write_config(**named("ci-broken", endpoint={"name": "nobody"}, **WITHOUT_JUDGE))
    results = tmp_path / "results.xml"
    done = aws.type("try", "--config", str(config), "--json", "--junit", str(results))
    assert done.returncode == 2
    [error] = ET.parse(results).iter("error")
    assert "nobody" in str(error.get("message"))
    assert json.loads(done.stdout)["verdict"] == "no verdict"
