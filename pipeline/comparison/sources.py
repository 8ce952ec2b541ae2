"""Where an evaluation that somebody names is: a folder, S3, an MLflow run, the model registry."""

from __future__ import annotations

import datetime as dt
import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.comparison.run import LABELS, ComparedRun, ComparisonError, read_run
from pipeline.executions.launch import read_text
from processing.base.visible_text import visible
from processing.config.variation import VARIANT
from processing.report.evaluation_json import EVALUATION_FILE, ROWS_FILE

if TYPE_CHECKING:
    from boto3 import Session

    from pipeline.definition.bundle import Bundle

RUNS = Path(".runs")

_EXECUTION = re.compile(r"arn:[^:]*:sagemaker:[^:]*:\d*:pipeline/[^/]+/execution/(?P<id>[^/]+)")
_PACKAGE = re.compile(r"arn:[^:]*:sagemaker:[^:]*:\d*:model-package/.+")
_EXECUTION_ID = re.compile(r"[a-z0-9]{12}")
MLFLOW_RUN = re.compile(r"[0-9a-f]{32}")

WHAT_THERE_IS = (
    f"give a folder with {EVALUATION_FILE} and {ROWS_FILE} (a run of `try`, below .runs/), an "
    "execution's id or ARN (`list` shows them), an MLflow run's id (32 characters), or the ARN of "
    "a model package that the pipeline registered"
)

Texts = tuple[str, str]
"""evaluation.json and rows.jsonl."""


def find_runs(names: Sequence[str], config: Path) -> list[ComparedRun]:
    """In this order. Raises ComparisonError; what boto3 raises for rights that are missing."""
    services = Services(config)
    return [_found(label, name, services) for label, name in zip(LABELS, names, strict=False)]


def new_page() -> Path:
    """Where a comparison's page goes, in a new folder below RUNS."""
    now = dt.datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    folders = (RUNS / f"compare-{now}{end}" for end in ("", *(f"-{i}" for i in range(1, 100))))
    folder = next(folder for folder in folders if not folder.exists())
    folder.mkdir(parents=True)
    return folder / "compare.html"


@dataclass
class Services:
    """AWS and MLflow as the configuration names them, asked only if a name needs them."""

    config: Path

    @cached_property
    def bundle(self) -> Bundle:
        from pipeline.definition.bundle import load_bundle

        return load_bundle(self.config)

    @cached_property
    def session(self) -> Session:
        import boto3

        from pipeline.definition.account import region

        return boto3.Session(region_name=region(self.bundle))

    @cached_property
    def sagemaker(self) -> Any:
        return self.session.client("sagemaker")

    def lend_mlflow_login(self) -> None:
        """Raises SecretError."""
        from processing.base.stored_secrets import lend_mlflow_login

        config = self.bundle.config
        lend_mlflow_login(config.secrets, config.infrastructure.environment)


def _found(label: str, name: str, services: Services) -> ComparedRun:
    try:
        return _find(label, name, services)
    except UnicodeDecodeError as error:
        raise ComparisonError(
            f"{name}: its {EVALUATION_FILE} or {ROWS_FILE} is no text in UTF-8 ({error.reason})"
        ) from error


def _find(label: str, name: str, services: Services) -> ComparedRun:
    for folder in (Path(name), RUNS / name):
        if folder.is_dir():
            return _read(label, folder.resolve().name, str(folder), _in_folder(folder))
    if found := _EXECUTION.fullmatch(name):
        return _of_execution(label, found["id"], services)
    if _PACKAGE.fullmatch(name):
        return _of_package(label, name, services)
    if MLFLOW_RUN.fullmatch(name):
        texts = _in_mlflow(name, services)
        return _read(label, name[:8], f"MLflow run {name}", texts)
    if _EXECUTION_ID.fullmatch(name):
        return _of_execution(label, name, services)
    raise ComparisonError(
        f"{name}: no folder {name} or {RUNS / name} is there, and it is no execution, MLflow run "
        f"or model package: {WHAT_THERE_IS}"
    )


def _read(label: str, name: str, source: str, texts: Texts) -> ComparedRun:
    run = read_run(label, visible(name), visible(source), *texts)
    variant = run.document.get("varied", {}).get(VARIANT)
    return (
        run
        if variant in (None, name)
        else replace(run, name=f"{visible(str(variant))} ({run.name})")
    )


def _in_folder(folder: Path) -> Texts:
    missing = [name for name in (EVALUATION_FILE, ROWS_FILE) if not (folder / name).is_file()]
    if missing:
        raise ComparisonError(f"{folder} has no {' and no '.join(missing)}: {WHAT_THERE_IS}")
    return (
        (folder / EVALUATION_FILE).read_text(encoding="utf-8"),
        (folder / ROWS_FILE).read_text(encoding="utf-8"),
    )


def _of_execution(label: str, execution: str, services: Services) -> ComparedRun:
    folder = services.bundle.uri("runs", execution, "evaluation")
    document = read_text(services.session, f"{folder}/{EVALUATION_FILE}")
    if document is None:
        raise ComparisonError(
            f"{execution}: pipeline {services.bundle.config.pipeline.name} has left no "
            f"{folder}/{EVALUATION_FILE}: there is no such execution, or it has no verdict (yet); "
            "`list` and `status` show them"
        )
    source = f"execution {execution}"
    rows = read_text(services.session, f"{folder}/{ROWS_FILE}")
    if rows is None:  # the model had been evaluated before, by another execution
        run_id = (json.loads(document).get("mlflow") or {}).get("run_id")
        if not run_id:
            raise ComparisonError(f"{source} has no {folder}/{ROWS_FILE}, and names no MLflow run")
        return _read(
            label, execution, f"{source}, MLflow run {run_id}", _in_mlflow(run_id, services)
        )
    return _read(label, execution, source, (document, rows))


def described_package(arn: str, services: Services) -> dict[str, Any]:
    """What DescribeModelPackage answers. Raises ComparisonError if there is no such package."""
    from botocore.exceptions import ClientError

    try:
        found: dict[str, Any] = services.sagemaker.describe_model_package(ModelPackageName=arn)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("ValidationException", "ResourceNotFound"):
            raise
        raise ComparisonError(f"there is no model package {arn}") from error
    return found


def quality_uri(described: Mapping[str, Any]) -> str:
    """Where a package's evaluation.json is, if this pipeline registered it; else empty."""
    quality = described.get("ModelMetrics", {}).get("ModelQuality", {})
    return str(quality.get("Statistics", {}).get("S3Uri", ""))


def _of_package(label: str, arn: str, services: Services) -> ComparedRun:
    described = described_package(arn, services)
    name = arn.partition(":model-package/")[2]
    uri = quality_uri(described)
    if uri.endswith(f"/{EVALUATION_FILE}"):
        document = read_text(services.session, uri)
        rows = read_text(services.session, uri.removesuffix(EVALUATION_FILE) + ROWS_FILE)
        if document and rows:
            return _read(label, name, f"model package {arn}", (document, rows))
    run_id = described.get("CustomerMetadataProperties", {}).get("mlflow_run_id")
    if not run_id:
        raise ComparisonError(
            f"model package {arn} has no {EVALUATION_FILE} with {ROWS_FILE} beside it among its "
            f"model metrics ({uri or 'none'}), and names no mlflow_run_id: this pipeline has not "
            "registered it"
        )
    source = f"model package {arn}, MLflow run {run_id}"
    return _read(label, name, source, _in_mlflow(run_id, services))


def _in_mlflow(run_id: str, services: Services) -> Texts:
    import mlflow
    from mlflow.exceptions import MlflowException

    from processing.mlflow_record.errors import short_reason
    from processing.mlflow_record.signing import asking

    uri = services.bundle.config.mlflow.tracking_uri
    services.lend_mlflow_login()
    texts = []
    with tempfile.TemporaryDirectory() as folder, asking(uri):
        for name in (EVALUATION_FILE, ROWS_FILE):
            try:
                path = mlflow.artifacts.download_artifacts(
                    run_id=run_id, artifact_path=f"evaluation/{name}", dst_path=folder
                )
            except (MlflowException, OSError) as error:
                raise ComparisonError(
                    f"MLflow run {run_id} on {uri} has no evaluation/{name} "
                    f"({short_reason(str(error))}): {WHAT_THERE_IS}"
                ) from error
            texts.append(Path(path).read_text(encoding="utf-8"))
    return texts[0], texts[1]
