"""Rows on one document: told of where nobody says so, and counted as one where somebody does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pipelines import named
from running_aws import REPOSITORY, ConfigWriter, RunningAws

pytestmark = pytest.mark.integration

HEALTH = REPOSITORY / "examples" / "health" / "questions.jsonl"


def tried(aws: RunningAws, config: Path, folder: Path) -> tuple[str, dict[str, Any]]:
    """What `try` prints of 40 rows, and its evaluation.json."""
    folder.mkdir()
    options = ("--config", str(config), "--rows", "0", "--no-mlflow")
    done = aws.type("try", *options, folder=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    [file] = (folder / ".runs").glob("2*/evaluation.json")
    document: dict[str, Any] = json.loads(file.read_text())
    return " ".join(done.stdout.split()), document


def test_forty_rows_on_four_documents(
    aws: RunningAws, write_config: ConfigWriter, tmp_path: Path
) -> None:
    questions = [json.loads(line) for line in HEALTH.read_text().splitlines()[:40]]
    rows = tmp_path / "rows.jsonl"
    rows.write_text(
        "".join(
            json.dumps(row | {"document": i % 4, "passages": [f"Document {i % 4}."]}) + "\n"
            for i, row in enumerate(questions)
        )
    )

    def config(**dataset: Any) -> Path:
        return write_config(
            **named(
                "dependent-rows",
                dataset={"source": str(rows), "sample_size": 0, **dataset},
                scorers=[{"is_brief": {"max_words": 80}}],
                thresholds={"is_brief": {"min": 0.8, "on": "interval"}},
            )
        )

    told, alone = tried(aws, config(), tmp_path / "alone")
    assert alone["gate"]["passed"] == 1
    assert alone["counts"]["clusters"] is None
    warning = "40 rows have only 4 contexts: rows on one context fail together"
    assert f"warning: {warning}" in told
    assert warning in alone["gate"]["warnings"][0]
    assert "dataset.cluster: passages" in told

    told, together = tried(aws, config(cluster="document"), tmp_path / "together")
    assert together["counts"]["clusters"] == 4
    assert "intervals by clusters: 40 rows in 4 (dataset.cluster)" in told
    assert together["gate"]["passed"] == 0
    assert together["metrics"]["is_brief"]["value"] == 1
    assert together["metrics"]["is_brief"]["method"].endswith(", 4 clusters")
    assert "fail together" not in told
    [rows_file] = (tmp_path / "together" / ".runs").glob("2*/rows.jsonl")
    kept = [json.loads(line) for line in rows_file.read_text().splitlines()]
    assert len({row["cluster"] for row in kept}) == 4  # compare counts by it, too
