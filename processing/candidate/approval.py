"""StampApproved and StampRejected: approve or reject the candidate's own model package.

One UpdateModelPackage call, because each sends an event. Where no candidate was evaluated there is
nothing to approve or reject.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from processing.base import container
from processing.base.errors import CandidateError
from processing.base.job import run_job
from processing.evaluation.job import NO_PACKAGE
from processing.report.evaluation_json import EVALUATION_FILE

STAGE_STATUS = {"Approved": "Passed", "Rejected": "Rejected"}


def main(argv: Sequence[str] | None = None) -> list[Path]:
    """Return no files: what it leaves is the registry's record."""
    arguments = _parser().parse_args(argv)
    if arguments.model_package_arn in ("", NO_PACKAGE):
        print("an endpoint was evaluated, so there is nothing to approve or reject")
        return []
    evaluation = json.loads((arguments.evaluation / EVALUATION_FILE).read_text(encoding="utf-8"))
    record_decision(evaluation, arguments.model_package_arn, arguments.decision, arguments.stage)
    return []


def record_decision(
    evaluation: dict[str, Any], package_arn: str, decision: str, stage: str
) -> None:
    """Raises CandidateError where the evaluation is of something else, or AWS refuses."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    measured = evaluation["model"]["source_uri"]
    if measured != package_arn:
        raise CandidateError(f"{package_arn} cannot be {decision}: the evaluation is of {measured}")
    if decision == "Approved" and evaluation["gate"]["passed"] != 1:
        raise CandidateError(f"{package_arn} cannot be approved: {evaluation['gate']['summary']}")
    try:
        boto3.client("sagemaker").update_model_package(**request(evaluation, decision, stage))
    except (ClientError, BotoCoreError) as error:
        raise CandidateError(f"{package_arn} cannot be {decision}: {error}") from error
    print(f"{package_arn} is now {decision}")


def request(evaluation: dict[str, Any], decision: str, stage: str) -> dict[str, Any]:
    """Of UpdateModelPackage."""
    summary = evaluation["gate"]["summary"]
    execution = evaluation["execution_arn"].rpartition("/")[2]
    reason = f"Evaluated by execution {execution}, MLflow run {evaluation['mlflow']['run_id']}: "
    metadata = evaluation["metadata"]
    kept = ("evaluation_fingerprint", "mlflow_run_id", "verdict")
    return {
        "ModelPackageArn": evaluation["model"]["source_uri"],
        "ModelApprovalStatus": decision,
        # AWS's pattern for it has no line ends
        "ApprovalDescription": re.sub(r"\s+", " ", reason + summary)[:1024],
        "CustomerMetadataProperties": {key: metadata[key] for key in kept},
        "ModelLifeCycle": {"Stage": stage, "StageStatus": STAGE_STATUS[decision]},
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m processing.candidate.approval", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--model-package-arn", required=True)
    parser.add_argument("--decision", choices=sorted(STAGE_STATUS), required=True)
    parser.add_argument("--stage", default="Evaluated", help="ModelLifeCycle.Stage")
    parser.add_argument("--evaluation", type=Path, default=container.EVALUATION_INPUT)
    return parser


if __name__ == "__main__":
    sys.exit(run_job(main, container.MESSAGE_FILE))
