"""The versions of the model package group, with the verdict and the numbers that each carries."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from processing.base.errors import LaunchError
from processing.base.visible_text import visible, visible_document
from processing.gate.champion_run import find_champion, says_no_group
from processing.report.evaluation_json import METADATA_KEYS

NEWEST = 100
"""So many versions are looked up."""

# as `processing.report.evaluation_json` writes them: 0.91 n=45 errors=0
_METRIC = re.compile(r"(?P<value>\S+) n=(?P<n>\d+) errors=(?P<errors>\d+)")


@dataclass(frozen=True)
class Measured:
    """A metric's value, None where it had none, and how many rows it rests on."""

    value: float | None
    n: int
    errors: int


@dataclass(frozen=True)
class RegisteredPackage:
    """One version. All text is visible. `verdict` is empty for one that this pipeline did not make.

    `said`: the approval's description; `run_id`: of MLflow.
    """

    arn: str
    version: int
    created: dt.datetime
    approval: str
    said: str
    verdict: str
    run_id: str
    metrics: Mapping[str, Measured]
    champion: bool = False


def list_packages(client: Any, group: str) -> list[RegisteredPackage]:
    """The group's versions, the newest first; none where there is no group yet.

    The champion is the one that an evaluation would be held against. Raises botocore's ClientError,
    ChampionError.
    """
    from botocore.exceptions import ClientError

    champion = find_champion(client, group)
    pages = client.get_paginator("list_model_packages").paginate(
        ModelPackageGroupName=group, SortBy="CreationTime", SortOrder="Descending"
    )
    try:
        arns = [
            str(summary["ModelPackageArn"])
            for page in pages
            for summary in page["ModelPackageSummaryList"]
        ]
    except ClientError as error:
        if says_no_group(error):
            return []
        raise
    # two of one second are in no certain order
    newest = sorted(arns, key=version_of, reverse=True)[:NEWEST]
    with ThreadPoolExecutor(8) as pool:
        described = pool.map(
            lambda arn: client.describe_model_package(ModelPackageName=arn), newest
        )
        return [_package(each, champion.arn if champion else None) for each in described]


def find_package(client: Any, group: str, wanted: str | None) -> RegisteredPackage:
    """By its ARN or version; without either, the newest that waits for a decision.

    Raises LaunchError if there is none.
    """
    listed = list_packages(client, group)
    if wanted is None:
        waiting = [each for each in listed if each.approval == "PendingManualApproval"]
        if not waiting:
            raise LaunchError(f"no version of {group} waits for a decision: name one by its number")
        return waiting[0]
    for each in listed:
        if wanted in (each.arn, str(each.version)):
            return each
    known = ", ".join(str(each.version) for each in listed) or "none yet"
    raise LaunchError(f"{group} has no version {wanted}; it has {known}")


def version_of(arn: str) -> int:
    """Of a version's ARN: .../model-package/GROUP/3."""
    last = arn.rpartition("/")[2]
    return int(last) if last.isdigit() else 0


def _package(described: Mapping[str, Any], champion: str | None) -> RegisteredPackage:
    arn = str(described["ModelPackageArn"])
    metadata = visible_document(dict(described.get("CustomerMetadataProperties", {})))
    ours = "evaluation_fingerprint" in metadata
    found = {
        name: _METRIC.fullmatch(value)
        for name, value in metadata.items()
        if name not in METADATA_KEYS
    }
    return RegisteredPackage(
        arn=arn,
        version=version_of(arn),
        created=described["CreationTime"],
        approval=str(described.get("ModelApprovalStatus", "")),
        said=visible(described.get("ApprovalDescription", "")),
        verdict=metadata.get("verdict", "") if ours else "",
        run_id=metadata.get("mlflow_run_id", ""),
        metrics={name: _measured(match) for name, match in found.items() if match},
        champion=arn == champion,
    )


def _measured(found: re.Match[str]) -> Measured:
    try:
        value = float(found["value"])
    except ValueError:  # none
        value = math.nan
    return Measured(value if math.isfinite(value) else None, int(found["n"]), int(found["errors"]))
