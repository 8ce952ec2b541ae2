"""examples/python: the scripts and the notebook's cells, as a reader runs them on the local AWS."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from running_aws import REPOSITORY, ConfigWriter, RunningAws

pytestmark = pytest.mark.integration

FOLDER = REPOSITORY / "examples" / "python"
ARN = r"arn:aws:sagemaker:us-east-1:123456789012:"


def own(name: str) -> dict[str, Any]:
    """Changes to the example that keep a test's pipeline apart from the others', and quick."""
    return {
        "pipeline": {"name": name},
        "registration": {"model_package_group": f"{name}-approved"},
        "mlflow": {"experiment": name},
        "infrastructure": {"prefix": name},
        "trigger": {"candidates_group": f"{name}-candidates"},
        "scorers": [{"is_brief": {"max_words": 80}}, "RelevanceToQuery", "Correctness"],
        "thresholds": {"is_brief": {"min": 0.9}, "Correctness": {"min": 0.7}},
    }


def run(aws: RunningAws, *command: str, cwd: Path = REPOSITORY, **environment: str) -> str:
    """What Python printed, with the environment that examples/python/README.md names."""
    settings = {"MLFLOW_TRACKING_URI": aws.mlflow, "POLL_SECONDS": "1", **environment}
    done = subprocess.run(
        [sys.executable, *command],
        cwd=cwd,
        env={**os.environ, **aws.environment, **settings},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_an_evaluation_is_run_its_verdict_read_and_its_worst_rows_found(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    name = "python-ways"
    config = write_config(**own(name))
    ran = run(
        aws,
        *("-m", "examples.python.run_pipeline"),
        EVALUATION_CONFIG=str(config),
        ENDPOINT_NAME="health-qa-good",
    )
    assert re.match(rf"started {ARN}pipeline/{name}/execution/\S+\n", ran)
    assert re.search(r"RegisterModel +Succeeded", ran)
    assert ran.endswith("\nSucceeded\n")

    read = run(
        aws,
        *("-m", "examples.python.read_verdict"),
        PIPELINE_NAME=name,
        ENDPOINT_NAME="health-qa-worse",
    )
    assert read.startswith("Failed ")
    assert re.search(r"^MISSED MinCorrectness 0\.\d+$", read, re.MULTILINE), read
    assert "reason(s): " in read
    assert "registered" not in read

    found = run(aws, "-m", "examples.python.read_mlflow", MLFLOW_EXPERIMENT_NAME=name)
    means = re.search(r"^Correctness +(\S+) +(\S+)$", found, re.MULTILINE)
    assert means, found
    assert float(means[1]) < 0.7 <= float(means[2]), (
        "the newest run, the worse model's, comes first"
    )
    assert "45 rows, 135 verdicts" in found
    assert re.search(r"^3 scorers: .+\? \(.*is_brief.*\)$", found, re.MULTILINE), found
    assert re.search(r"^- is_brief: \d+ words, at most 80 allowed$", found, re.MULTILINE), found


def test_a_registered_candidate_starts_an_execution_that_is_found(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    name = "python-ways-trigger"
    config = write_config(**own(name))
    upserted = aws.type("upsert", "--config", str(config))
    assert upserted.returncode == 0, upserted.stderr
    try:
        printed = run(
            aws,
            *("-m", "examples.python.register_candidate"),
            EVALUATION_CONFIG=str(config),
            MODEL_IMAGE="demo-endpoint:not-a-model",
            MODEL_DATA="s3://llm-evaluation-demo/models/m.tar.gz",
        )
    finally:
        aws.type("trigger", "remove", "--config", str(config))
        aws.type("stop", "--config", str(config))
    candidate = re.search(rf"^registered ({ARN}model-package/{name}-candidates/1)$", printed, re.M)
    execution = re.search(rf"^started ({ARN}pipeline/{name}/execution/\S+)$", printed, re.M)
    assert candidate, printed
    assert execution, printed
    listed = aws.client("sagemaker").list_pipeline_parameters_for_execution(
        PipelineExecutionArn=execution[1]
    )
    assert {"Name": "ModelPackageArn", "Value": candidate[1]} in listed["PipelineParameters"]


def test_the_notebook_s_cells_run_from_top_to_bottom(
    aws: RunningAws, write_config: ConfigWriter, tmp_path: Path
) -> None:
    """In the notebook's own folder, where Jupyter would start them; without Jupyter, which is a
    hundred packages. The cells hold plain Python, no magics."""
    notebook = json.loads((FOLDER / "evaluation.ipynb").read_text("utf-8"))
    cells = ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]
    assert len(cells) >= 5
    code = tmp_path / "cells.py"
    code.write_text("\n\n".join(cells) + "\nprint(worst, why, sep='\\n')\n", "utf-8")
    config = write_config(**own("notebook"))
    printed = run(aws, str(code), cwd=FOLDER, EVALUATION_CONFIG=str(config))
    assert "Quality gate not passed" in printed
    assert re.search(r"GateFailed +Failed", printed)
    assert "not passed" in printed
    assert "is_brief" in printed
    assert len((FOLDER / "evaluation.ipynb").read_bytes()) < 50_000
