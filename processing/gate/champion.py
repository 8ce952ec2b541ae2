"""Against the champion: the latest approved model package, compared row by row.

Package -> the MLflow run that it was registered with -> that run's rows.jsonl -> the rows that
both models have, paired by row id (which is made of the row's content). A champion that cannot be
read closes the gate; that there is none yet is said, and does not.
"""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from processing.base.errors import ReportedError
from processing.config.scorer_options import LARGEST
from processing.gate.worst_case import UNIT, PairedDifference, Scale, paired_difference

if TYPE_CHECKING:
    from processing.config.gate import Champion, ChampionMetric

ROWS_ARTIFACT = "evaluation/rows.jsonl"
RowScores = Mapping[str, Mapping[str, float | None]]
"""row id -> scorer -> number, or None where there is none."""

State = Literal["no champion yet", "compared", "unreadable"]


class ChampionError(ReportedError):
    """There is a champion, and its rows cannot be read."""


@dataclass(frozen=True)
class Package:
    """The champion, as the registry has it."""

    arn: str
    run_id: str | None


@dataclass(frozen=True)
class Comparison:
    """One scorer: candidate minus champion, better upwards. `reason` is empty if it holds."""

    metric: str
    margin: float
    difference: PairedDifference
    reason: str

    @property
    def passed(self) -> bool:
        return not self.reason


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
) -> ChampionVerdict:
    """Find the champion, read its rows from the MLflow server in use, and compare.

    `rows`: every row of the dataset by row id, answered or not; `scores`: the answered ones.
    `not_applicable`: row id -> the scorers that have nothing to look for in it.
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
                name: _number(score["value"]) for name, score in row["scores"].items()
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
            number = _number(theirs.get(row_id, {}).get(name))
            if number is not None and not scale.holds([number]):
                raise ChampionError(
                    f"the champion {package.arn} has {name} {number:g} on row {row_id}, outside "
                    f"its scale {scale.low:g} to {scale.high:g}: evaluate the champion anew"
                )


def _number(value: object) -> float | None:
    try:
        number = float(value) if isinstance(value, int | float) else math.nan
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def paired(
    metric: str, rows: Iterable[str], ours: RowScores, theirs: RowScores, scale: Scale
) -> PairedDifference:
    """Candidate minus champion on all these rows of the dataset.

    A row on which the candidate has no number, for whatever reason, counts as lost by as much as
    the scale allows; where the champion has none, it is at its best. So no row that either loses
    can help.
    """

    def number(scores: RowScores, row_id: str) -> float | None:
        return _number(scores.get(row_id, {}).get(metric))

    pairs = [(number(ours, row_id), number(theirs, row_id)) for row_id in rows]
    return paired_difference(pairs, scale)


def compare(
    name: str,
    metric: ChampionMetric,
    difference: PairedDifference,
    min_rows: int,
    min_overlap: float = 0.0,
) -> Comparison:
    """Non-inferiority: the interval's lower end must not lie below -margin.

    Piaggio and others, JAMA 308 (2012) 2594-2604 (the CONSORT statement's extension).
    """
    reason = _inferior(name, metric.margin, difference, min_rows, min_overlap)
    return Comparison(name, metric.margin, difference, reason)


def _inferior(
    name: str, margin: float, difference: PairedDifference, min_rows: int, min_overlap: float
) -> str:
    found, low = difference.estimate, difference.worst_low
    if found.n < min_rows or found.value is None:
        return (
            f"{name} can be compared with the champion on {found.n} rows only, "
            f"fewer than min_rows {min_rows}"
        )
    if found.n < min_overlap * difference.rows:
        return (
            f"{name} can be compared with the champion on {found.n} of {difference.rows} rows, a "
            f"share below champion.min_overlap {min_overlap:g}: evaluate the champion on this "
            "dataset"
        )
    if low is None or not math.isfinite(low):
        return (
            f"{name} has no interval of its difference from the champion ({found.method}; "
            f"{difference.missing} rows without a number, {difference.champion_missing} of the "
            "champion's)"
        )
    if low >= -margin:
        return ""
    missing = f", {difference.missing} rows count as the worst" if difference.missing else ""
    if difference.champion_missing:
        missing += f", {difference.champion_missing} of the champion's as its best"
    return (
        f"{name} may be worse than the champion's by {-low:.4g}, more than the margin "
        f"{margin:g} (difference {found.value:+.4g}, n={found.n}{missing})"
    )
