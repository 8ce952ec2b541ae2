"""Against the champion: the latest approved model package, compared row by row.

Package -> the MLflow run that it was registered with -> that run's rows.jsonl -> the rows that
both models have, paired by row id (which is made of the row's content). A champion that cannot be
read closes the gate; that there is none yet is said, and does not.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from processing.base.errors import ReportedError
from processing.config.scorer_options import LARGEST
from processing.gate.non_inferiority import Comparison, RowScores, compare, finite_number, paired
from processing.gate.worst_case import UNIT, Scale

if TYPE_CHECKING:
    from processing.config.gate import Champion

ROWS_ARTIFACT = "evaluation/rows.jsonl"
State = Literal["no champion yet", "compared", "unreadable"]


class ChampionError(ReportedError):
    """There is a champion, and its rows cannot be read."""


@dataclass(frozen=True)
class Package:
    """The champion, as the registry has it."""

    arn: str
    run_id: str | None


@dataclass(frozen=True)
class ChampionVerdict:
    """`error` says why there is no comparison although there is a champion."""

    group: str
    package_arn: str | None = None
    run_id: str | None = None
    comparisons: tuple[Comparison, ...] = ()
    error: str = ""

    @property
    def state(self) -> State:
        if self.error:
            return "unreadable"
        return "compared" if self.package_arn else "no champion yet"

    @property
    def reasons(self) -> tuple[str, ...]:
        found = tuple(c.reason for c in self.comparisons if c.reason)
        return (self.error, *found) if self.error else found

    @property
    def warnings(self) -> tuple[str, ...]:
        if self.state != "no champion yet":
            return ()
        return (f"no champion yet: {self.group} has no approved model package to compare with",)


def judge_champion(
    sagemaker: Any,
    group: str,
    section: Champion,
    *,
    rows: Mapping[str, object],
    scores: RowScores,
    scales: Mapping[str, Scale],
    min_rows: int,
    not_applicable: Mapping[str, Collection[str]] = MappingProxyType({}),
    clusters: Mapping[str, str] | None = None,
) -> ChampionVerdict:
    """Find the champion, read its rows from the MLflow server in use, and compare.

    `rows`: every row of the dataset by row id, answered or not; `scores`: the answered ones.
    `not_applicable`: row id -> the scorers that have nothing to look for in it; `clusters`: what it
    belongs to.
    Never raises for a champion that cannot be read: the verdict says so and is not passed.
    """
    package = None
    try:
        package = find_champion(sagemaker, group)
        if package is None:
            return ChampionVerdict(group)
        theirs = champion_scores(package)
        _require_scales(
            package, theirs, rows, {name: scales.get(name, UNIT) for name in section.metrics}
        )
    except ChampionError as error:
        arn, run = (package.arn, package.run_id) if package else (None, None)
        return ChampionVerdict(group, arn, run, error=str(error))
    comparisons = tuple(
        compare(
            name,
            margin,
            paired(
                name,
                [row_id for row_id in rows if name not in not_applicable.get(row_id, ())],
                scores,
                theirs,
                scales.get(name, UNIT),
                clusters=clusters,
            ),
            min_rows,
            section.min_overlap,
        )
        for name, margin in section.metrics.items()
    )
    return ChampionVerdict(group, package.arn, package.run_id, comparisons)


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
        if _says_no_group(error):
            return None
        raise ChampionError(f"the champion of {group} cannot be looked up: {error}") from error
    except BotoCoreError as error:
        raise ChampionError(f"the champion of {group} cannot be looked up: {error}") from error
    return Package(arn, described.get("CustomerMetadataProperties", {}).get("mlflow_run_id"))


def _says_no_group(error: Any) -> bool:
    fault = error.response["Error"]
    missing = "does not exist" in fault.get("Message", "").lower()
    return fault["Code"] == "ResourceNotFound" or (
        fault["Code"] == "ValidationException" and missing
    )


def champion_scores(package: Package) -> RowScores:
    """The scores in the rows.jsonl of the champion's MLflow run, on the current tracking server.

    Raises ChampionError if there is no run, no such artifact, or it is not what we write.
    """
    import mlflow
    from mlflow.exceptions import MlflowException

    if not package.run_id:
        raise ChampionError(
            f"the champion {package.arn} names no mlflow_run_id in its CustomerMetadataProperties: "
            "approve a package that this pipeline registered, or leave champion: out"
        )
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = mlflow.artifacts.download_artifacts(
                run_id=package.run_id, artifact_path=ROWS_ARTIFACT, dst_path=folder
            )
            return parse_rows(Path(path).read_text(encoding="utf-8"))
    except (MlflowException, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ChampionError(
            f"the rows of the champion {package.arn} cannot be read from MLflow run "
            f"{package.run_id}: {type(error).__name__}: {str(error)[:200]}"
        ) from error


def parse_rows(text: str) -> RowScores:
    """The scores in a rows.jsonl. Raises ValueError, KeyError or TypeError for any other text."""
    rows: dict[str, dict[str, float | None]] = {}
    for line in text.split("\n"):  # not splitlines: an answer may hold other line separators
        if line.strip():
            row = json.loads(line)
            rows[row["row_id"]] = {
                name: finite_number(score["value"]) for name, score in row["scores"].items()
            }
    return rows


def _require_scales(
    package: Package, theirs: RowScores, rows: Mapping[str, object], scales: Mapping[str, Scale]
) -> None:
    """Raises ChampionError for a number outside its scale: it was scored by other rules."""
    largest = Scale(-LARGEST, LARGEST)
    for row_id in rows:
        for name, known in scales.items():
            scale = largest if known.assumed else known
            number = finite_number(theirs.get(row_id, {}).get(name))
            if number is not None and not scale.holds([number]):
                raise ChampionError(
                    f"the champion {package.arn} has {name} {number:g} on row {row_id}, outside "
                    f"its scale {scale.low:g} to {scale.high:g}: evaluate the champion anew"
                )
