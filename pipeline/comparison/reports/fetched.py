"""The report of an evaluation that somebody names, brought into a folder of this machine."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.comparison.run import ComparisonError
from pipeline.comparison.sources import (
    MLFLOW_RUN,
    RUNS,
    Services,
    described_package,
    quality_uri,
)
from processing.base.aws_errors import explain
from processing.base.errors import LaunchError
from processing.base.s3 import bucket_and_key
from processing.report.evaluation_json import EVALUATION_FILE, ROWS_FILE
from processing.report.html import REPORT_FILE, write_html
from processing.report.html.header import named_package, with_outcome

if TYPE_CHECKING:
    from pipeline.executions.launch import ExecutionStatus

FETCHED = RUNS / "reports"
"""A folder for each evaluation, unless somebody wants it elsewhere."""

_FILES = (EVALUATION_FILE, ROWS_FILE, REPORT_FILE)
_Download = Callable[[str, Path], bool]
"""One of the files to a path; False if there is no such file."""


@dataclass(frozen=True)
class FetchedReport:
    """`outcome`: what became of the model; `unknown_because`: why AWS does not tell of it.

    Both are empty where no execution evaluated it (`try`).
    """

    page: Path
    outcome: str = ""
    unknown_because: str = ""


def report_in(folder: Path) -> FetchedReport:
    """Of an evaluation's own folder; made from its files where it is not there.

    Raises ComparisonError.
    """
    page = folder / REPORT_FILE
    if not page.is_file():
        try:
            write_html(folder)
        except (OSError, ValueError, KeyError) as error:
            raise ComparisonError(
                f"{folder}: no {REPORT_FILE} is there, and none can be made of {EVALUATION_FILE} "
                f"and {ROWS_FILE} ({type(error).__name__}: {error})"
            ) from error
    return FetchedReport(page)


def fetch_report(name: str | None, output: Path | None, services: Services) -> FetchedReport:
    """Of an execution (the latest without a name), an MLflow run or a registered model package.

    Raises ComparisonError, LaunchError; what boto3 raises for rights that are missing.
    """
    if name and ":model-package/" in name:
        uri = quality_uri(described_package(name, services))
        if not uri.endswith(f"/{EVALUATION_FILE}"):
            raise ComparisonError(f"{name} names no {EVALUATION_FILE}: not registered from here")
        uri = uri.removesuffix(f"/{EVALUATION_FILE}")
        folder = output or FETCHED / name.partition(":model-package/")[2].replace("/", "-")
        page = _fetched(name, folder, _from_s3(uri, services))
        return _told(page, f"registered as {named_package(name)}")
    if name and MLFLOW_RUN.fullmatch(name):
        page = _fetched(name, output or FETCHED / name, _from_mlflow(name, services))
        return _with_outcome_of_its_execution(page, services)
    return _of_execution(name, output, services)


def _of_execution(name: str | None, output: Path | None, services: Services) -> FetchedReport:
    from pipeline.executions.launch import find_execution, read_evaluation

    arn = find_execution(services.sagemaker, services.bundle.config.pipeline.name, name)
    uri = services.bundle.uri("runs", arn.rpartition("/")[2], "evaluation")
    document = read_evaluation(services.session, f"{uri}/{EVALUATION_FILE}")
    status = _status(arn, services)
    if document is None:
        raise ComparisonError(
            f"execution {status.id} ({status.status}) has no report: it has not come to a verdict; "
            f"`status {status.id}` shows how far it came"
        )
    download = _from_s3(uri, services)
    if not document["evaluated_here"] and document["mlflow"]:
        # the candidate had been evaluated before, by another execution
        download = _from_mlflow(document["mlflow"]["run_id"], services)
    page = _fetched(f"execution {status.id}", output or FETCHED / status.id, download)
    return _told(page, _outcome(status, document))


def _status(arn: str, services: Services) -> ExecutionStatus:
    from pipeline.executions.launch import read_evaluation, read_status, with_registered_by_job

    registration = services.bundle.uri(
        "runs", arn.rpartition("/")[2], "registration", "registration.json"
    )
    return with_registered_by_job(
        read_status(services.sagemaker, arn),
        lambda: read_evaluation(services.session, registration),
    )


def _with_outcome_of_its_execution(page: Path, services: Services) -> FetchedReport:
    """By the execution that evaluation.json names, where AWS tells of it."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        document = json.loads((page.parent / EVALUATION_FILE).read_text(encoding="utf-8"))
        arn = document["execution_arn"]
        if not arn:  # of `try`
            return FetchedReport(page)
        return _told(page, _outcome(_status(arn, services), document))
    except (ClientError, BotoCoreError, LaunchError) as error:
        return FetchedReport(page, unknown_because=explain(error) or str(error))
    except (LookupError, TypeError, ValueError):  # another program's file
        return FetchedReport(page)


def _outcome(status: ExecutionStatus, document: dict[str, Any]) -> str:
    if arn := status.model_package_arn:
        return f"registered as {named_package(arn) or arn}"
    if not document["gate"]["passed"]:
        return "not registered: the gate is shut"
    if not status.final:
        return f"not registered yet: the execution is {status.status}"
    return f"not registered: the execution ended as {status.status}"


def _fetched(name: str, folder: Path, download: _Download) -> Path:
    """The page, with the files it was made from beside it. Raises ComparisonError."""
    folder.mkdir(parents=True, exist_ok=True)
    found = {file for file in _FILES if download(file, folder / file)}
    page = folder / REPORT_FILE
    if REPORT_FILE not in found:
        if not found >= {EVALUATION_FILE, ROWS_FILE}:
            raise ComparisonError(f"{name} has no {REPORT_FILE}: no verdict was written for it")
        write_html(folder)  # of a version that wrote none
    return page


def _told(page: Path, outcome: str) -> FetchedReport:
    """`outcome` is written into the page, and beside it."""
    text = page.read_text(encoding="utf-8")
    page.write_text(with_outcome(text, outcome), encoding="utf-8")
    (page.parent / OUTCOME_FILE).write_text(json.dumps({"outcome": outcome}) + "\n", "utf-8")
    return FetchedReport(page, outcome)


OUTCOME_FILE = "outcome.json"
"""{"outcome": "registered as ..."}: what became of the model, for the page that lists reports."""


def _from_s3(uri: str, services: Services) -> _Download:
    from botocore.exceptions import ClientError

    bucket, prefix = bucket_and_key(uri)
    s3 = services.session.client("s3")

    def download(file: str, path: Path) -> bool:
        try:
            s3.download_file(bucket, f"{prefix}/{file}", str(path))
        except ClientError as error:
            if error.response["Error"]["Code"] in ("404", "NoSuchKey", "NoSuchBucket"):
                return False
            raise
        return True

    return download


def _from_mlflow(run_id: str, services: Services) -> _Download:
    import mlflow
    from mlflow.exceptions import MlflowException

    from processing.mlflow_record.errors import short_reason
    from processing.mlflow_record.signing import asking

    uri = services.bundle.config.mlflow.tracking_uri
    services.lend_mlflow_login()

    def download(file: str, path: Path) -> bool:
        with asking(uri):
            try:
                found = mlflow.artifacts.download_artifacts(
                    run_id=run_id, artifact_path=f"evaluation/{file}", dst_path=str(path.parent)
                )
            except (MlflowException, OSError) as error:
                if file != EVALUATION_FILE:
                    return False
                raise ComparisonError(
                    f"MLflow run {run_id} on {uri} has no evaluation/{file} "
                    f"({short_reason(str(error))})"
                ) from error
        Path(found).replace(path)
        return True

    return download
