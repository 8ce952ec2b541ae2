"""RegisterModel as a job (`registration.by: job`): registers what the RegisterModel step would.

The gate has opened before this job starts. It reads the report anew, as the step does, and holds
once more that the report is this execution's own and that its verdict is passed.
"""

from __future__ import annotations

import argparse
import json
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from processing.base import container
from processing.base.aws_errors import with_hint
from processing.base.errors import CandidateError
from processing.base.job import run_job
from processing.config.file import load_config
from processing.config.model import EvaluationConfig
from processing.report.evaluation_json import EVALUATION_FILE
from processing.report.package_request import package_request

REGISTRATION_FILE = "registration.json"
"""{"model_package_arn": "arn:..."}: what the job has registered."""


def main(argv: Sequence[str] | None = None) -> list[Path]:
    """Return registration.json. Raises ConfigError and CandidateError."""
    container.name_region()
    arguments = _parser().parse_args(argv)
    config = load_config(arguments.config)
    path = arguments.evaluation / EVALUATION_FILE
    report = json.loads(path.read_text(encoding="utf-8"))
    require_own_passed_report(report, arguments.execution_arn)
    request = registration_request(
        config,
        report,
        approval_status=arguments.approval_status,
        execution_arn=arguments.execution_arn,
        evaluation_uri=container.input_uri("evaluation"),
    )
    arn = register(request)
    print(f"registered {arn}")
    arguments.output.mkdir(parents=True, exist_ok=True)
    registered = arguments.output / REGISTRATION_FILE
    registered.write_text(json.dumps({"model_package_arn": arn}) + "\n", encoding="utf-8")
    return [registered]


def require_own_passed_report(report: dict[str, Any], execution_arn: str) -> None:
    """Raises CandidateError: what QualityGate has opened for is another report."""
    gate = report.get("gate", {})
    if not execution_arn or report.get("execution_arn") != execution_arn:
        raise CandidateError(
            f"nothing is registered: the report is of execution {report.get('execution_arn')}, and "
            f"this is {execution_arn}"
        )
    if report.get("evaluated_here") != 1 or gate.get("passed") != 1:
        raise CandidateError(
            f"nothing is registered: the verdict is not passed ({gate.get('summary')})"
        )


def registration_request(
    config: EvaluationConfig,
    report: dict[str, Any],
    *,
    approval_status: str,
    execution_arn: str,
    evaluation_uri: str,
) -> dict[str, Any]:
    """The step's request, with what Pipelines adds to that.

    The token makes a second attempt of the job register the same version, not another one.
    """

    def from_report(path: str) -> Any:
        value: Any = report
        for key in path.split("."):
            if key not in value:
                raise CandidateError(f"{EVALUATION_FILE} has no {path}: nothing is registered")
            value = value[key]
        return value

    return {
        **package_request(
            config.registration,
            config.registered_metrics(),
            approval_status=approval_status,
            evaluation_uri=evaluation_uri,
            from_report=from_report,
        ),
        "MetadataProperties": {"GeneratedBy": execution_arn},
        "ClientToken": str(uuid.uuid5(uuid.NAMESPACE_URL, execution_arn)),
    }


def register(request: dict[str, Any]) -> str:
    """The new version's ARN; makes the group if it is missing, as RegisterModel does.

    Raises CandidateError if AWS refuses.
    """
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    client, group = boto3.client("sagemaker"), request["ModelPackageGroupName"]
    try:
        client.create_model_package_group(ModelPackageGroupName=group)
    except ClientError as error:
        if "already exists" not in error.response["Error"]["Message"]:
            raise CandidateError(f"{group} cannot be made: {with_hint(error)}") from error
    try:
        return str(client.create_model_package(**request)["ModelPackageArn"])
    except ClientError as error:
        raise CandidateError(f"{group}: no version is registered: {with_hint(error)}") from error
    except BotoCoreError as error:
        raise CandidateError(f"{group}: no version is registered: {error}") from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m processing.candidate.registration",
        description=(__doc__ or "").partition("\n")[0],
    )
    parser.add_argument("--config", type=Path, default=container.CONFIG_FILE)
    parser.add_argument("--evaluation", type=Path, default=container.EVALUATION_INPUT)
    parser.add_argument("--output", type=Path, default=container.REGISTRATION_OUTPUT)
    parser.add_argument("--approval-status", required=True)
    parser.add_argument("--execution-arn", required=True)
    return parser


if __name__ == "__main__":
    sys.exit(run_job(main, container.MESSAGE_FILE))
