"""The champion as it was evaluated: the latest approved package, its answers, scores and scorers.

Package -> the MLflow run that it was registered with -> that run's rows.jsonl and evaluation.json.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from processing.base.errors import ReportedError
from processing.dataset.judged_answer import JudgedAnswer
from processing.dataset.retrieved import retrieved_of
from processing.dataset.turns import ToolCall
from processing.gate.non_inferiority import RowScores, finite_number

ROWS_ARTIFACT = "evaluation/rows.jsonl"
EVALUATION_ARTIFACT = "evaluation/evaluation.json"


class ChampionError(ReportedError):
    """There is a champion, and its rows cannot be read."""


@dataclass(frozen=True)
class Package:
    """The champion, as the registry has it."""

    arn: str
    run_id: str | None


@dataclass(frozen=True)
class ChampionRun:
    """`answers` by row id, of the rows that have one; `document` is its evaluation.json."""

    scores: RowScores
    answers: Mapping[str, JudgedAnswer] = field(default_factory=dict)
    document: Mapping[str, Any] = field(default_factory=dict)


def find_champion(sagemaker: Any, group: str) -> Package | None:
    """The group's latest approved package (ListModelPackages, DescribeModelPackage).

    None where there is no group or no approved package in it. Raises ChampionError if AWS refuses.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        pages = sagemaker.get_paginator("list_model_packages").paginate(
            ModelPackageGroupName=group,
            ModelApprovalStatus="Approved",
            SortBy="CreationTime",
            SortOrder="Descending",
        )
        arns = (
            summary["ModelPackageArn"]
            for page in pages  # one that is empty may still be followed by others
            for summary in page["ModelPackageSummaryList"]
            if summary.get("ModelApprovalStatus") == "Approved"
        )
        arn = next(arns, None)
        if arn is None:
            return None
        described = sagemaker.describe_model_package(ModelPackageName=arn)
    except ClientError as error:
        if says_no_group(error):
            return None
        raise ChampionError(f"the champion of {group} cannot be looked up: {error}") from error
    except BotoCoreError as error:
        raise ChampionError(f"the champion of {group} cannot be looked up: {error}") from error
    return Package(arn, described.get("CustomerMetadataProperties", {}).get("mlflow_run_id"))


def says_no_group(error: Any) -> bool:
    """Of a ClientError: whether there is no model package group of that name."""
    fault = error.response["Error"]
    missing = "does not exist" in fault.get("Message", "").lower()
    return fault["Code"] == "ResourceNotFound" or (
        fault["Code"] == "ValidationException" and missing
    )


def champion_run(package: Package) -> ChampionRun:
    """What the champion's MLflow run holds, on the current tracking server.

    Raises ChampionError if there is no run, no such artifact, or it is not what we write.
    """
    import mlflow
    from mlflow.exceptions import MlflowException

    if not package.run_id:
        raise ChampionError(
            f"the champion {package.arn} names no mlflow_run_id in its CustomerMetadataProperties: "
            "approve a package that this pipeline registered, or leave champion: out"
        )

    def artifact(path: str) -> str:
        with tempfile.TemporaryDirectory() as folder:
            found = mlflow.artifacts.download_artifacts(
                run_id=package.run_id, artifact_path=path, dst_path=folder
            )
            return Path(found).read_text(encoding="utf-8")

    try:
        rows = parse_rows(artifact(ROWS_ARTIFACT))
        document = json.loads(artifact(EVALUATION_ARTIFACT))
        dict(document)
    except (MlflowException, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ChampionError(
            f"the rows of the champion {package.arn} cannot be read from MLflow run "
            f"{package.run_id}: {type(error).__name__}: {str(error)[:200]}"
        ) from error
    return ChampionRun(
        scores={row_id: scores for row_id, (_, scores) in rows.items()},
        answers={row_id: answer for row_id, (answer, _) in rows.items() if answer is not None},
        document=document,
    )


def parse_rows(text: str) -> dict[str, tuple[JudgedAnswer | None, dict[str, float | None]]]:
    """Answers and scores in a rows.jsonl, by row id.

    Raises ValueError, KeyError or TypeError for any other text.
    """
    rows: dict[str, tuple[JudgedAnswer | None, dict[str, float | None]]] = {}
    for line in text.split("\n"):  # not splitlines: an answer may hold other line separators
        if line.strip():
            row = json.loads(line)
            rows[row["row_id"]] = (
                _judged(row) if isinstance(row.get("answer"), str) else None,
                {name: finite_number(score["value"]) for name, score in row["scores"].items()},
            )
    return rows


def _judged(row: Mapping[str, Any]) -> JudgedAnswer:
    calls = tuple(ToolCall(**call) for call in row.get("tool_calls", ()))
    return JudgedAnswer(row["answer"], retrieved_of(row.get("retrieved")), calls)
