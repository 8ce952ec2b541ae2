"""A user's scorers with all that they read and import, through the whole pipeline."""

from __future__ import annotations

import pytest
from pipelines import evaluation, named, run
from running_aws import ConfigWriter, RunningAws

pytestmark = pytest.mark.integration

SCORERS = """
import json
from pathlib import Path
from mlflow.genai.scorers import scorer
import helpers

TERMS = json.loads((Path(__file__).parent / "data/terms.json").read_text())

@scorer
def mine(outputs):
    return helpers.share(TERMS)

@scorer
def invented(outputs):
    return "yes"

@scorer
def stars(outputs):
    return "yes"
"""


def test_files_go_along_to_the_job_and_levels_count_what_the_file_says(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    files = ["data/terms.json", "helpers.py"]
    changes = named(
        "scorer-files",
        scorers=[
            {"mine": {"file": "scorers.py", "files": files, "range": [0, 1]}},
            {"invented": {"file": "scorers.py", "files": files, "levels": {"yes": 0, "no": 1}}},
            {"stars": {"file": "scorers.py", "files": files, "levels": {"yes": 5, "no": 1}}},
        ],
        thresholds={"mine": {"min": 0.5}, "invented": {"max": 0}, "stars": {"min": 5}},
    )
    config = write_config(**changes)
    folder = config.parent
    (folder / "scorers.py").write_text(SCORERS)
    (folder / "helpers.py").write_text("def share(terms):\n    return len(terms) / 4\n")
    (folder / "data").mkdir()
    (folder / "data/terms.json").write_text('["fever", "pain"]')
    ended = run(aws, config)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    metrics = evaluation(aws, "scorer-files", ended.stdout)["metrics"]
    means = {name: (metrics[name]["value"], metrics[name]["n"]) for name in changes["thresholds"]}
    assert means == {"mine": (0.5, 40), "invented": (0.0, 40), "stars": (5.0, 40)}
