"""`approve` and `reject`: a person's decision on a registered version, by that person's rights."""

from __future__ import annotations

import re
from typing import Any, Literal

from pipeline.executions.registered.packages import RegisteredPackage
from processing.base.errors import LaunchError
from processing.base.visible_text import visible

LONGEST_REASON = 1_024
"""Characters of UpdateModelPackage's ApprovalDescription (API reference)."""


def decide(
    client: Any,
    package: RegisteredPackage,
    decision: Literal["Approved", "Rejected"],
    reason: str,
    who: str,
) -> str:
    """Write it into the registry, with `who` and the reason; what became of the version.

    Raises LaunchError for an approval of what no evaluation has passed; botocore's ClientError.
    """
    if decision == "Approved" and package.verdict != "passed":
        told = f"its verdict is {package.verdict!r}" if package.verdict else "it carries no verdict"
        raise LaunchError(
            f"version {package.version} cannot be approved here: {told}; evaluate the model and "
            "have it registered, or `reject` it"
        )
    if not (said := visible(re.sub(r"\s+", " ", reason).strip())):
        raise LaunchError("--reason: say why; it stands beside the decision in the registry")
    description = f"{who}: {said}"
    if len(description) > LONGEST_REASON:
        raise LaunchError(
            f"--reason: {len(description) - LONGEST_REASON:,} characters too long: SageMaker keeps "
            f"{LONGEST_REASON:,}, your name included"
        )
    before = package.approval
    client.update_model_package(
        ModelPackageArn=package.arn, ModelApprovalStatus=decision, ApprovalDescription=description
    )
    return f"{package.arn} was {before} and is now {decision}: {description}"


def name_of_caller(session: Any) -> str:
    """What AWS calls who types this: the last part of an ARN, such as role/session."""
    arn = str(session.client("sts").get_caller_identity()["Arn"])
    return arn.partition(":assumed-role/")[2] or arn.rpartition("/")[2] or arn.rpartition(":")[2]
